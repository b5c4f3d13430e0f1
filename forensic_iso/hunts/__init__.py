"""Public detections as SQL: each file becomes a view named as the file.

A file begins with a comment that holds the keys title, attack, source, misses and parameters (a line
that begins with blanks goes on with the one before), then one SELECT. The folder `logs` holds the
views that hunts read: `seen_process`, `seen_file`, ... bring the logs that tell of one kind of act
under one set of columns, within the stretch of time asked for. Parameters come from the table
`hunt_parameter`, one row or none.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from duckdb import DuckDBPyConnection

KEYS = ("title", "attack", "source", "misses", "parameters")
"""What a hunt's header states: each is a field of Hunt."""
_LINE = re.compile(r"-- (?P<key>[a-z]+): (?P<text>.+)|--   (?P<more>.+)")
_NAME = re.compile(r"hunt_[a-z0-9_]+")
_LOG_FILE = re.compile(r"[0-9]{2}_(?P<name>seen_[a-z_]+)\.sql")
_COMMENT = re.compile(r"-- (?P<name>seen_[a-z_]+): (?P<text>.+)")

PARAMETER_TABLE = "hunt_parameter (as_of TIMESTAMP_NS, days INTEGER)"
"""as_of: "now" of the hunts, UTC; days: how far they look back. None or NULL: the hunt's own default."""
MOST_DAYS = 36_500
"""Longest reach back: a hundred years."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """One detection: its view's name, its header's keys and its file's text."""

    name: str
    title: str
    attack: str
    source: str
    misses: str
    parameters: str
    sql: str


@dataclass(frozen=True, slots=True)
class LogView:
    """A view that hunts read: its name, what a row is, and its file's text."""

    name: str
    comment: str
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
    lacking = [k for k in KEYS if k not in head]
    if lacking:
        raise ValueError(f"hunt {name}: expected the header keys {KEYS}, found none of {lacking}")
    return Hunt(name=name, sql=text, **{k: head[k] for k in KEYS})


def _sql_files(*below: str) -> "list[Traversable]":
    from importlib.resources import files

    folder = files(__name__).joinpath(*below)
    return sorted((e for e in folder.iterdir() if e.name.endswith(".sql")), key=lambda e: e.name)


def all_hunts() -> tuple[Hunt, ...]:
    """Hunts shipped with the package, by name."""
    return tuple(
        parse_hunt(e.name.removesuffix(".sql"), e.read_text(encoding="utf-8")) for e in _sql_files()
    )


def log_views() -> tuple[LogView, ...]:
    """The views that hunts read, each after those it reads itself.

    Raises:
        ValueError: a file is not named as its number and its view, or does not begin with `-- view: text`.
    """
    views = []
    for entry in _sql_files("logs"):
        text = entry.read_text(encoding="utf-8")
        file, comment = _LOG_FILE.fullmatch(entry.name), _COMMENT.match(text)
        if file is None or comment is None or file["name"] != comment["name"]:
            raise ValueError(
                f"{entry.name}: expected NN_seen_x.sql with the first line -- seen_x: ..."
            )
        views.append(LogView(file["name"], comment["text"], text))
    return tuple(views)


def views_sql() -> str:
    """Statements for the parameter table and one commented view per hunt; the tables of a case must exist.

    Names and texts come from the package's own files, never from evidence or users.
    """
    out = [f"CREATE TABLE IF NOT EXISTS {PARAMETER_TABLE}"]
    for name, sql, text in _views():
        quoted = text.replace("'", "''")
        out.append(f"CREATE OR REPLACE VIEW {name} AS\n{sql}")
        out.append(f"COMMENT ON VIEW {name} IS '{quoted}'")
    return "\n;\n".join(out)


def _views() -> list[tuple[str, str, str]]:
    """Name, SQL and comment of every view, each after those it reads."""
    views = [(v.name, v.sql, v.comment) for v in log_views()]
    return views + [(h.name, h.sql, f"{h.title}. Misses: {h.misses}") for h in all_hunts()]


def prepare(
    con: "DuckDBPyConnection", as_of_ns: int | None = None, days: int | None = None
) -> None:
    """Make this package's hunts and these parameters those of the connection; a read-only one will do.

    Temporary tables and views hide those of the case: a case of an older version has the hunts, too.

    Args:
        con: an open case.
        as_of_ns: the moment to look back from, ns since 1970, UTC; None: the hunt's own default.
        days: how far to look back; None: the hunt's own default.
    """
    if as_of_ns is not None or days is not None:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {PARAMETER_TABLE}")
        con.execute(
            "INSERT INTO temp.hunt_parameter VALUES (make_timestamp_ns(?), ?)", [as_of_ns, days]
        )
    for name, sql, _ in _views():
        con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS\n{sql}")


def count_rows(con: "DuckDBPyConnection") -> list[tuple[Hunt, int]]:
    """Each hunt with the number of rows it finds."""
    counted = []
    for hunt in all_hunts():
        row = con.execute(f'SELECT count(*) FROM "{hunt.name}"').fetchone()
        counted.append((hunt, int(row[0]) if row else 0))
    return counted


def card(hunt: Hunt, width: int | None) -> str:
    """All that a hunt's header states, as lines of at most `width` characters; None: unbroken."""
    from textwrap import fill

    texts = [hunt.title, *(f"{k}: {getattr(hunt, k)}" for k in ("source", "misses", "parameters"))]
    if width is None:
        lines = [f"  {text}" for text in texts]
    else:
        lines = [fill(x, width, initial_indent="  ", subsequent_indent="    ") for x in texts]
    return "\n".join([f"{hunt.name}  {hunt.attack}", *lines])
