"""DuckDB SQL out of the conditions of Sigma rules.

Every leaf is true, false or NULL (the field is absent); NOT takes NULL for false, so that a filter on an absent field
does not swallow the row. Text is compared in lower case against columns stored so, but for |cased and |re.
Semantics: Sigma specification 2.1, sections on field existence, wildcards and modifiers.
"""

from typing import ClassVar, cast

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.deferred import DeferredQueryExpression
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaFieldReference,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from forensic_iso.sigma.names import EVENT_ID, FOLDED, TEXT, identifier, literal
from forensic_iso.sigma.patterns import joined, match, plain_text, refuse_placeholder, sql_text

Query = str | DeferredQueryExpression
Equals = ConditionFieldEqualsValueExpression

_OPERATORS = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
}


class DuckDbBackend(TextQueryBackend):
    """Conditions over a relation whose columns bear the names of the Sigma fields.

    A field stands there as text (`EventID` of events as a number), and in lower case as `lower:<field>`.
    `raw` and `folded` gather the fields that the conversion asked for; clear them between rules.
    """

    name: ClassVar[str] = "DuckDB of forensic-iso"

    def __init__(self, native_event_id: bool = True) -> None:
        super().__init__()
        self.native_event_id = native_event_id
        self.raw: dict[str, None] = {}
        self.folded: dict[str, None] = {}

    def _raw(self, field: str) -> str:
        self.raw[field] = None
        return identifier(field)

    def _raw_text(self, field: str) -> str:
        return self._raw(field) + ("::VARCHAR" if self._is_event_id(field) else "")

    def _folded(self, field: str) -> str:
        self.folded[field] = None
        return identifier(FOLDED + field)

    def _column(self, field: str, value: SigmaString) -> tuple[str, bool]:
        """Column to compare the value with, and whether in lower case."""
        if isinstance(value, SigmaCasedString):
            return self._raw_text(field), False
        return self._folded(field), True

    def _is_event_id(self, field: str) -> bool:
        return self.native_event_id and field.lower() == EVENT_ID

    # --- logic

    def _members(self, cond: ConditionItem, state: ConversionState) -> list[str]:
        converted = (
            self.convert_condition(cast("ConditionAND", a), state)
            for a in cond.args
            if a is not None
        )
        return [str(c) for c in converted if c is not None]

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> Query:
        """One of them; plain values of one field become IN."""
        if self.decide_convert_condition_as_in_expression(cond, state):
            return self.convert_condition_as_in_expression(cond, state)
        return joined(self._members(cond, state), "OR")

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> Query:
        """All of them."""
        return joined(self._members(cond, state), "AND")

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> Query:
        """Not true: false or absent."""
        return f"NOT coalesce({self._members(cond, state)[0]}, FALSE)"

    def decide_convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, state: ConversionState
    ) -> bool:
        """Only plain strings without regard to case, of one field."""
        args = cond.args
        return (
            isinstance(cond, ConditionOR)
            and len({a.field.lower() for a in args if isinstance(a, Equals)}) == 1
            and all(
                isinstance(a, Equals)
                and type(a.value) is SigmaString
                and not a.value.contains_special()
                and not self._is_event_id(a.field)
                for a in args
            )
        )

    def convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, state: ConversionState
    ) -> Query:
        """Field IN (values)."""
        args = cast("list[Equals]", cond.args)
        values = ", ".join(sql_text(plain_text(cast("SigmaString", a.value)), True) for a in args)
        return f"{self._folded(args[0].field)} IN ({values})"

    # --- values of a field

    def convert_condition_field_eq_val_str(self, cond: Equals, state: ConversionState) -> Query:
        """Text without regard to case, with wildcards."""
        value = cast("SigmaString", cond.value)
        digits = plain_text(value)
        if self._is_event_id(cond.field) and digits.isascii() and digits.isdigit():
            return f"{self._raw(cond.field)} = {int(digits)}"
        column, folded = self._column(cond.field, value)
        return match(column, value, folded)

    def convert_condition_field_eq_val_str_case_sensitive(
        self, cond: Equals, state: ConversionState
    ) -> Query:
        """Text as it stands, with wildcards."""
        return match(self._raw_text(cond.field), cast("SigmaString", cond.value), False)

    def convert_condition_field_eq_val_num(self, cond: Equals, state: ConversionState) -> Query:
        """A number, decimal or as Windows writes hexadecimal; text that is none is no match."""
        number = cast("SigmaNumber", cond.value).number
        raw = self._raw(cond.field)
        if self._is_event_id(cond.field):
            return f"{raw} = {number}"
        if isinstance(number, float):
            return f"TRY_CAST({raw} AS DOUBLE) = {number!r}"
        # TRY_CAST rounds 3.4 to 3
        return f"(TRY_CAST({raw} AS HUGEINT) = {number} AND NOT contains({raw}, '.'))"

    def convert_condition_field_eq_val_bool(self, cond: Equals, state: ConversionState) -> Query:
        """True or false as text."""
        value = cast("SigmaBool", cond.value).boolean
        return f"{self._folded(cond.field)} = '{'true' if value else 'false'}'"

    def convert_condition_field_compare_op_val(self, cond: Equals, state: ConversionState) -> Query:
        """Less, greater; integers and hexadecimal exactly, the rest as DOUBLE."""
        value = cast("SigmaCompareExpression", cond.value)
        operator = _OPERATORS.get(value.op)
        if operator is None:
            raise SigmaFeatureNotSupportedByBackendError(f"comparison {value.op} is not known")
        raw = self._raw(cond.field)
        if self._is_event_id(cond.field):
            return f"{raw} {operator} {value.number.number}"
        number = f"coalesce(TRY_CAST({raw} AS DOUBLE), TRY_CAST({raw} AS HUGEINT)::DOUBLE)"
        return f"{number} {operator} {value.number.number!r}"

    def convert_condition_field_eq_val_timestamp_part(
        self, cond: Equals, state: ConversionState
    ) -> Query:
        """A part of a time: minute, hour, day, week, month, year."""
        value = cast("SigmaTimestampPart", cond.value)
        part = value.timestamp_part.name.lower()
        time = f"TRY_CAST({self._raw(cond.field)} AS TIMESTAMP)"
        return f"date_part('{part}', {time}) = {value.number}"

    def convert_condition_field_eq_val_re(self, cond: Equals, state: ConversionState) -> Query:
        """Regular expression (RE2), found anywhere; case counts unless |i."""
        return self._regex(self._raw_text(cond.field), cast("SigmaRegularExpression", cond.value))

    @staticmethod
    def _regex(column: str, value: SigmaRegularExpression) -> str:
        refuse_placeholder(value)
        flags = "".join(sorted(value.sigma_to_re_flag[f] for f in value.flags))
        expression = (f"(?{flags})" if flags else "") + str(value.regexp)
        return f"regexp_matches({column}, {literal(expression)})"

    def convert_condition_field_eq_val_cidr(self, cond: Equals, state: ConversionState) -> Query:
        """Address inside a network, by its bytes: any spelling of IPv6, IPv4 also as ::ffff:a.b.c.d."""
        network = cast("SigmaCIDRExpression", cond.value).network
        first, last = network.network_address.packed.hex(), network.broadcast_address.packed.hex()
        return f"sigma_address({self._folded(cond.field)}) BETWEEN '{network.version}:{first}' AND '{network.version}:{last}'"

    def convert_condition_field_eq_field(self, cond: Equals, state: ConversionState) -> Query:
        """Two fields of one row, without regard to case."""
        other = cast("SigmaFieldReference", cond.value)
        a, b = self._folded(cond.field), self._folded(other.field)
        if other.starts_with and other.ends_with:
            return f"contains({a}, {b})"
        if other.starts_with:
            return f"starts_with({a}, {b})"
        if other.ends_with:
            return f"suffix({a}, {b})"
        return f"{a} = {b}"

    def convert_condition_field_eq_val_null(self, cond: Equals, state: ConversionState) -> Query:
        """Absent."""
        return f"{self._raw(cond.field)} IS NULL"

    def convert_condition_field_eq_val_exists(self, cond: Equals, state: ConversionState) -> Query:
        """There or not."""
        return f"{self._raw(cond.field)} IS {'NOT ' if cond.value else ''}NULL"

    def convert_condition_field_eq_query_expr(self, cond: Equals, state: ConversionState) -> Query:
        """Queries inside rules are not taken."""
        raise SigmaFeatureNotSupportedByBackendError("a query inside a rule is not run")

    # --- values without a field: all text of the row

    def convert_condition_val_str(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> Query:
        """Keyword anywhere in the text of the row."""
        value = cast("SigmaString", cond.value)
        many = SpecialChars.WILDCARD_MULTI
        # A wildcard at an end adds nothing: a keyword is looked for anywhere.
        wide = value if value.startswith(many) else many + value
        wide = wide if wide.endswith(many) else wide + many
        column, folded = self._column(TEXT, value)
        return match(column, wide, folded)

    def convert_condition_val_num(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> Query:
        """Number anywhere in the text of the row."""
        text = str(cast("SigmaNumber", cond.value).number)
        return f"contains({self._folded(TEXT)}, {literal(text)})"

    def convert_condition_val_re(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> Query:
        """Regular expression in the text of the row."""
        return self._regex(self._raw(TEXT), cast("SigmaRegularExpression", cond.value))

    def convert_condition_query_expr(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> Query:
        """Queries inside rules are not taken."""
        raise SigmaFeatureNotSupportedByBackendError("a query inside a rule is not run")
