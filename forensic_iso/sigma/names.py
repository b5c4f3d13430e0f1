"""How columns of Sigma fields are named in SQL; apart, so that only the dialect needs pySigma."""

TEXT = "*"
"""Name of the pseudo-field that holds all text of a row, for keywords."""
FOLDED = "lower:"
"""Prefix of the stored column that holds a field in lower case."""
EVENT_ID = "eventid"


def identifier(name: str) -> str:
    """A quoted SQL identifier, whatever the name holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A SQL string literal, whatever the text holds; NUL cannot stand in one and is composed."""
    quoted = "'" + text.replace("'", "''") + "'"
    return quoted if "\0" not in text else "(" + quoted.replace("\0", "' || chr(0) || '") + ")"
