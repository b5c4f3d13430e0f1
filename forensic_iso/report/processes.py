"""Process trees of the executions: their ancestors, themselves, and all their descendants."""

import duckdb

from forensic_iso.report.model import Process
from forensic_iso.report.rows import text_of, when
from forensic_iso.story import Row, Story, rows

NODES = 60
"""Most processes of one finding's trees."""
DEPTH = 24

QUERY = """
WITH RECURSIVE seed AS (
    SELECT process_key FROM execution WHERE process_key IS NOT NULL
    UNION
    SELECT process_key FROM follow_on WHERE process_key IS NOT NULL
),
up AS (
    SELECT process_key, 0 AS depth FROM seed
    UNION
    SELECT p.parent_key, up.depth + 1
    FROM up JOIN process p USING (process_key)
    WHERE p.parent_key IS NOT NULL AND up.depth < 8
)
SELECT process_key, parent_key, started_utc, pid, path, command_line, user_name
FROM process SEMI JOIN up USING (process_key)
ORDER BY started_utc, pid, process_key
"""
"""Processes of all findings: executions, their descendants (follow_on), and up to 8 generations above them."""


def all_processes(con: duckdb.DuckDBPyConnection) -> dict[str, Row]:
    """Rows of the processes of all findings, by key, in order of their start."""
    return {str(r["process_key"]): r for r in rows(con, QUERY)}


def trees(story: Story, known: dict[str, Row]) -> tuple[Process, ...]:
    """The trees of one finding, oldest first, at most `NODES` processes together."""
    ran = {str(e["process_key"]) for e in story.executions if e["process_key"]}
    after = {str(r["process_key"]) for r in story.follow_on if r["process_key"]}
    wanted = {k for k in ran | after if k in known}
    for key in list(wanted):
        wanted |= _above(key, known)
    order = [k for k in known if k in wanted][:NODES]
    kept = set(order)
    below: dict[str | None, list[str]] = {}
    for key in order:
        parent = known[key]["parent_key"]
        below.setdefault(str(parent) if parent in kept and parent != key else None, []).append(key)
    roles = dict.fromkeys(after, "descendant") | dict.fromkeys(ran, "run from the image")
    return tuple(_node(k, known, below, roles, 0) for k in below.get(None, []))


def _above(key: str, known: dict[str, Row]) -> set[str]:
    seen: set[str] = set()
    while key in known and key not in seen and len(seen) < DEPTH:
        seen.add(key)
        key = text_of(known[key]["parent_key"])
    return seen


def _node(
    key: str,
    known: dict[str, Row],
    below: dict[str | None, list[str]],
    roles: dict[str, str],
    depth: int,
) -> Process:
    r = known[key]
    pid = r["pid"]
    children = below.get(key, []) if depth < DEPTH else []
    return Process(
        text_of(r["path"]) or "program not logged",
        text_of(r["command_line"]) or None,
        pid if isinstance(pid, int) else None,
        text_of(r["user_name"]) or None,
        when(r["started_utc"]),
        roles.get(key, "ancestor"),
        tuple(_node(c, known, below, roles, depth + 1) for c in children),
    )
