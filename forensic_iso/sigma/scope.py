"""Which event ids a condition can be true for: the cheap test that comes before all others."""

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionOR,
)
from sigma.types import SigmaExpansion, SigmaNumber, SigmaString, SigmaType

from forensic_iso.sigma.names import EVENT_ID


def _value_ids(value: SigmaType) -> frozenset[int] | None:
    if type(value) is SigmaNumber:
        return frozenset({value.number}) if isinstance(value.number, int) else None
    if type(value) is SigmaString:
        text = "".join(p if isinstance(p, str) else "*" for p in value.s)
        return frozenset({int(text)}) if text.isascii() and text.isdigit() else None
    if isinstance(value, SigmaExpansion):
        return _any([_value_ids(v) for v in value.values])
    return None


def _any(ids: list[frozenset[int] | None]) -> frozenset[int] | None:
    return None if not ids or None in ids else frozenset().union(*(i for i in ids if i is not None))


def event_ids(condition: object) -> frozenset[int] | None:
    """Ids of the events that can meet a parsed condition; None: any."""
    if isinstance(condition, ConditionFieldEqualsValueExpression):
        return _value_ids(condition.value) if condition.field.lower() == EVENT_ID else None
    if isinstance(condition, ConditionOR):
        return _any([event_ids(a) for a in condition.args])
    if isinstance(condition, ConditionAND):
        bounds = [i for i in map(event_ids, condition.args) if i is not None]
        return frozenset.intersection(*bounds) if bounds else None
    return None
