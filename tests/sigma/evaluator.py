"""Sigma by the words of its specification, in plain Python, for one row: shares no code with the product or pySigma.

Two-valued: a test of an absent field is false, and `not` turns it round. Only what the test's rules use.
"""

import fnmatch
import re
from collections.abc import Mapping, Sequence

Row = Mapping[str, str | None]


def wild(pattern: str) -> str:
    """A value with wildcards as a regular expression; a backslash takes the meaning from *, ? and itself."""
    out, rest = "", list(pattern)
    while rest:
        c = rest.pop(0)
        if c == "\\" and rest and rest[0] in "*?\\":
            out += re.escape(rest.pop(0))
        else:
            out += {"*": ".*", "?": "."}.get(c, re.escape(c))
    return out


def leaf(have: str | None, modifiers: Sequence[str], value: object) -> bool:
    """Whether a field's text meets one value."""
    if "exists" in modifiers:
        return (have is not None) == value
    if value is None:
        return have is None
    if have is None:
        return False
    if "re" in modifiers:
        flags = re.IGNORECASE if "i" in modifiers else 0
        return re.search(str(value), have, flags) is not None
    if any(m in modifiers for m in ("gt", "gte", "lt", "lte")):
        if not re.fullmatch(r"-?\d+(\.\d+)?", have):
            return False
        a, b = float(have), float(str(value))
        return {"gt": a > b, "gte": a >= b, "lt": a < b, "lte": a <= b}[modifiers[-1]]
    if isinstance(value, int):
        return bool(re.fullmatch(r"-?\d+", have)) and int(have) == value
    body = wild(str(value))
    before = ".*" if {"contains", "endswith"} & set(modifiers) else ""
    after = ".*" if {"contains", "startswith"} & set(modifiers) else ""
    flags = re.DOTALL | (0 if "cased" in modifiers else re.IGNORECASE)
    return re.fullmatch(before + body + after, have, flags) is not None


def field(row: Row, key: str, values: object) -> bool:
    """Whether a row meets `field|modifiers: values`."""
    name, *modifiers = key.split("|")
    many = values if isinstance(values, list) else [values]
    if "neq" in modifiers:
        rest = [m for m in modifiers if m != "neq"]
        return not any(leaf(row[name], rest, v) for v in many)
    met = [leaf(row[name], [m for m in modifiers if m != "all"], v) for v in many]
    return all(met) if "all" in modifiers else any(met)


def selection(row: Row, what: object) -> bool:
    """Whether a row meets a search: a mapping is an AND, a list of them an OR, a list of values are keywords."""
    if isinstance(what, Mapping):
        return all(field(row, k, v) for k, v in what.items())
    text = "\n".join(v for v in row.values() if v is not None)
    return any(
        selection(row, w) if isinstance(w, Mapping) else leaf(text, ("contains",), w)
        for w in (what if isinstance(what, list) else [what])
    )


def meets(row: Row, detection: Mapping[str, object]) -> bool:
    """Whether a row meets a detection."""
    tokens = re.findall(r"\(|\)|[\w*]+", str(detection["condition"]))
    named = {k: v for k, v in detection.items() if k != "condition"}

    def several(how: str, pattern: str) -> bool:
        names = named if pattern == "them" else fnmatch.filter(named, pattern)
        met = [selection(row, named[n]) for n in names]
        return all(met) if how == "all" else any(met)

    def one() -> bool:
        token = tokens.pop(0)
        if token == "not":
            return not one()
        if token == "(":
            value = either()
            tokens.pop(0)
            return value
        if token in ("1", "any", "all") and tokens[:1] == ["of"]:
            tokens.pop(0)
            return several(token, tokens.pop(0))
        return selection(row, named[token])

    def both() -> bool:
        value = one()
        while tokens[:1] == ["and"]:
            tokens.pop(0)
            value = one() and value
        return value

    def either() -> bool:
        value = both()
        while tokens[:1] == ["or"]:
            tokens.pop(0)
            value = both() or value
        return value

    return either()
