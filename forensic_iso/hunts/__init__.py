"""Public detections as SQL: each file becomes a view named as the file.

A file begins with a comment that holds the keys title, attack, source and misses (a line that
begins with blanks goes on with the one before), then one SELECT. Parameters come from the table
`hunt_parameter`, one row or none.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_KEYS = ("title", "attack", "source", "misses")
_LINE = re.compile(r"-- (?P<key>[a-z]+): (?P<text>.+)|--   (?P<more>.+)")
_NAME = re.compile(r"hunt_[a-z0-9_]+")

PARAMETER_TABLE = "CREATE TABLE IF NOT EXISTS hunt_parameter (as_of TIMESTAMP_NS, days INTEGER)"
"""as_of: "now" of the hunts, UTC; days: how far they look back. None or NULL: newest row, 30."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """One detection: its view's name, its header's keys and its file's text."""

    name: str
    title: str
    attack: str
    source: str
    misses: str
    sql: str


def parse_hunt(name: str, text: str) -> Hunt:
    """Read a hunt from its file's text.

    Raises:
        ValueError: the name is no `hunt_...` or a key of the header lacks.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"hunt {name!r}: expected a name like hunt_kql_inner")
    head: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            break
        if match["key"]:
            key = match["key"]
            head[key] = match["text"]
        elif key:
            head[key] += f" {match['more']}"
    lacking = [k for k in _KEYS if k not in head]
    if lacking:
        raise ValueError(f"hunt {name}: expected the header keys {_KEYS}, found none of {lacking}")
    return Hunt(name, head["title"], head["attack"], head["source"], head["misses"], text)


def all_hunts() -> tuple[Hunt, ...]:
    """Hunts shipped with the package, by name."""
    from importlib.resources import files

    entries = (e for e in files(__name__).iterdir() if e.name.endswith(".sql"))
    return tuple(
        parse_hunt(e.name.removesuffix(".sql"), e.read_text(encoding="utf-8"))
        for e in sorted(entries, key=lambda e: e.name)
    )


def create_views(con: "DuckDBPyConnection") -> None:
    """Create the parameter table and one commented view per hunt; the evidence tables must exist.

    Names and texts come from the package's own files, never from evidence or users.
    """
    con.execute(PARAMETER_TABLE)
    for hunt in all_hunts():
        con.execute(f"CREATE OR REPLACE VIEW {hunt.name} AS\n{hunt.sql}")
        comment = f"{hunt.title}. Misses: {hunt.misses}".replace("'", "''")
        con.execute(f"COMMENT ON VIEW {hunt.name} IS '{comment}'")
