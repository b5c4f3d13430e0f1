"""Texts with wildcards, and long ANDs and ORs, as SQL of DuckDB."""

from collections.abc import Iterable

from sigma.exceptions import SigmaPlaceholderError
from sigma.types import SigmaRegularExpression, SigmaString, SpecialChars

from forensic_iso.sigma.names import literal

WIDTH = 40
"""Members of one AND or OR; more are nested, for DuckDB bounds the depth of an expression."""
ESCAPES = "!^~#@"


def refuse_placeholder(value: SigmaString | SigmaRegularExpression) -> None:
    """Placeholders stand for values that only their author knows.

    Raises:
        SigmaPlaceholderError: the value holds one.
    """
    if value.contains_placeholder():
        raise SigmaPlaceholderError("placeholders (|expand) have no values here")


def joined(parts: Iterable[str], operator: str) -> str:
    """Parts joined by AND or OR, nested in brackets so that the tree stays flat and shallow."""
    level = list(parts)
    while len(level) > 1:
        level = [
            "(" + f" {operator} ".join(level[i : i + WIDTH]) + ")"
            for i in range(0, len(level), WIDTH)
        ]
    return level[0]


def _like(value: SigmaString, folded: bool) -> str:
    """A LIKE pattern with its ESCAPE clause where the text holds a sign of LIKE."""
    text = "".join(p for p in value.s if isinstance(p, str))
    escape = ""
    if "%" in text or "_" in text:
        escape = next((e for e in ESCAPES if e not in text), ESCAPES[0])
    pattern = ""
    for part in value.s:
        if part is SpecialChars.WILDCARD_MULTI:
            pattern += "%"
        elif part is SpecialChars.WILDCARD_SINGLE:
            pattern += "_"
        else:
            pattern += "".join(
                escape + c if escape and c in ("%", "_", escape) else c for c in str(part)
            )
    tail = f" ESCAPE {literal(escape)}" if escape else ""
    return f"LIKE {sql_text(pattern, folded)}{tail}"


def sql_text(text: str, folded: bool) -> str:
    """A literal; in lower case as DuckDB makes it, where asked (they differ beyond ASCII)."""
    if not folded:
        return literal(text)
    return literal(text.lower()) if text.isascii() else f"lower({literal(text)})"


def plain_text(value: SigmaString) -> str:
    """The text of a string, wildcards as *.

    Raises:
        SigmaPlaceholderError: it holds a placeholder.
    """
    refuse_placeholder(value)
    return "".join(p if isinstance(p, str) else "*" for p in value.s)


def match(column: str, value: SigmaString, folded: bool) -> str:
    """Column matches a string with wildcards."""
    refuse_placeholder(value)
    parts = value.s
    many = SpecialChars.WILDCARD_MULTI
    plain = [p for p in parts if isinstance(p, str)]
    if not parts:
        return f"{column} = ''"
    if all(p is many for p in parts):
        return f"{column} IS NOT NULL"
    text = sql_text(plain[0], folded) if len(plain) == 1 else ""
    if len(parts) == 1 and text:
        return f"{column} = {text}"
    if len(parts) == 2 and text and many in parts:
        return f"{'starts_with' if parts[1] is many else 'suffix'}({column}, {text})"
    if len(parts) == 3 and text and parts[0] is many and parts[2] is many:
        return f"contains({column}, {text})"
    return f"{column} {_like(value, folded)}"
