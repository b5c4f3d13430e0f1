"""Processes of a case as trees, and the rows of the timeline that belong to one and its descendants."""

from collections.abc import Sequence
from dataclasses import dataclass

from forensic_iso.browse import timeline
from forensic_iso.browse.case import Case, Record

DEEPEST = 64
"""Levels of a tree that are followed: process ids are used again, so evidence can hold circles."""

MOST = 20_000
"""Processes loaded for one tree; the screen says where more are left out."""


def _guid(column: str) -> str:
    """Logs spell an id with braces and capitals, the table of processes without."""
    return f"lower(trim({column}, '{{}}'))"


@dataclass(frozen=True, slots=True)
class Node:
    """One process in a tree; `depth` counts from 0, `marked` where it was run from an image."""

    depth: int
    process: Record
    marked: bool


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees in reading order. `left_out` processes were not loaded."""

    nodes: list[Node]
    left_out: int


_COLUMNS = (
    "process_key, host, started_utc, ended_utc, pid, path, command_line, user_name, integrity,"
    " parent_key, parent_path, parent_pid, hashes, process_guid, epoch_ns(started_utc) AS started_ns,"
    " epoch_ns(ended_utc) AS ended_ns"
)


def forest(case: Case, root: str | None = None, host: str | None = None) -> Forest:
    """All processes of a case or host as trees, or the tree below one process (itself included)."""
    marked = {str(r[0]) for r in case.rows("SELECT DISTINCT process_key FROM execution")}
    where = "WHERE $1 IS NULL OR host = $1"
    values: list[object] = [host]
    if root is not None:
        where = "WHERE process_key IN (SELECT unnest($1::VARCHAR[]))"
        values = [subtree(case, root)]
    found = case.records(
        f"SELECT {_COLUMNS} FROM process {where} ORDER BY started_utc, pid, process_key LIMIT {MOST}",
        values,
    )
    total = int(str(case.rows(f"SELECT count(*) FROM process {where}", values)[0][0]))
    return Forest(_order(found, marked), max(0, total - len(found)))


def _order(found: Sequence[Record], marked: set[str]) -> list[Node]:
    known = {str(r["process_key"]) for r in found}
    children: dict[str | None, list[Record]] = {}
    for r in found:
        parent = r["parent_key"]
        inside = parent is not None and str(parent) in known and parent != r["process_key"]
        children.setdefault(str(parent) if inside else None, []).append(r)
    out: list[Node] = []
    seen: set[str] = set()
    pending = [(r, 0) for r in reversed(children.get(None, []))]
    rest = iter(found)
    while True:
        while pending:
            record, depth = pending.pop()
            key = str(record["process_key"])
            if key in seen:
                continue
            seen.add(key)
            out.append(Node(depth, record, key in marked))
            pending += [(c, depth + 1) for c in reversed(children.get(key, []))]
        # a circle has no root: start it at its earliest process
        left = next((r for r in rest if str(r["process_key"]) not in seen), None)
        if left is None:
            return out
        pending = [(left, 0)]


def subtree(case: Case, key: str) -> list[str]:
    """Keys of a process and all its descendants, `DEEPEST` levels down."""
    rows = case.rows(
        "WITH RECURSIVE below AS (SELECT $1::VARCHAR AS k, 0 AS depth"
        f" UNION SELECT p.process_key, depth + 1 FROM process p JOIN below ON p.parent_key = k WHERE depth < {DEEPEST})"
        " SELECT DISTINCT k FROM below ORDER BY 1",
        [key],
    )
    return [str(r[0]) for r in rows]


def ancestors(case: Case, key: str) -> list[str]:
    """Keys of the processes above one, nearest first."""
    out: list[str] = []
    at: object = key
    while at is not None and len(out) < DEEPEST:
        rows = case.rows("SELECT parent_key FROM process WHERE process_key = ?", [at])
        at = rows[0][0] if rows else None
        if at is None or str(at) in out or at == key:
            break
        out.append(str(at))
    return out


def of_row(case: Case, row: timeline.Row) -> str | None:
    """Key of the process a row of the timeline speaks of, None where it names none."""
    if row.table_name in ("execution", "follow_on"):
        column = f"{row.table_name}_id"
        rows = case.rows(
            f"SELECT process_key FROM {row.table_name} WHERE {column} = ?", [row.row_address]
        )
        return str(rows[0][0]) if rows and rows[0][0] is not None else None
    if row.source_id is None or row.row_address is None or not row.row_address.isdecimal():
        return None
    place = [row.source_id, int(row.row_address)]
    direct = case.rows(
        "SELECT process_key FROM process WHERE (sysmon_source_id = $1 AND sysmon_offset = $2)"
        " OR (security_source_id = $1 AND security_offset = $2)"
        " OR (mde_source_id = $1 AND mde_row = $2)",
        place,
    )
    if direct:
        return str(direct[0][0])
    columns = _columns(case, row.table_name)
    names = [c for c in ("process_guid", "source_process_guid") if c in columns]
    for name in names:
        found = case.rows(
            f'SELECT p.process_key FROM "{row.table_name}" t JOIN process p ON p.host = t.host'
            f" AND {_guid('p.process_guid')} = {_guid('t.' + name)} WHERE t.source_id = ? AND t.record_offset = ? LIMIT 1",
            place,
        )
        if found:
            return str(found[0][0])
    pid = next((c for c in ("process_id", "execution_process_id") if c in columns), None)
    if pid is None or "time_utc" not in columns:
        return None
    found = case.rows(
        f'SELECT p.process_key FROM "{row.table_name}" t JOIN process p ON p.host = t.host'
        f' AND p.pid = t."{pid}" AND p.started_utc <= t.time_utc'
        " AND (p.ended_utc IS NULL OR p.ended_utc >= t.time_utc)"
        " WHERE t.source_id = ? AND t.record_offset = ? ORDER BY p.started_utc DESC LIMIT 1",
        place,
    )
    return str(found[0][0]) if found else None


def timeline_rows(case: Case, key: str) -> list[int]:
    """Numbers of the rows of a process and its descendants: starts, ends, and what names them."""
    keys = subtree(case, key)
    members = "SELECT * FROM process WHERE process_key IN (SELECT unnest($1::VARCHAR[]))"
    parts = [
        "SELECT sysmon_source_id AS s, sysmon_offset::VARCHAR AS a FROM member",
        "SELECT security_source_id, security_offset::VARCHAR FROM member",
        "SELECT mde_source_id, mde_row::VARCHAR FROM member",
        "SELECT NULL, execution_id FROM execution WHERE process_key IN (SELECT process_key FROM member)",
    ]
    parts += [
        f'SELECT t.source_id, t.record_offset::VARCHAR FROM "{table}" t JOIN member m'
        f" ON m.host = t.host AND {_guid('m.process_guid')} = {_guid('t.' + column)}"
        for table, column in tables_with(case, ("process_guid", "source_process_guid"))
    ]
    if case.has("security_process_exit"):
        parts.append(
            "SELECT t.source_id, t.record_offset::VARCHAR FROM security_process_exit t JOIN member m"
            " ON m.host = t.host AND m.pid = t.process_id AND t.time_utc >= m.started_utc"
            " AND (m.ended_utc IS NULL OR t.time_utc <= m.ended_utc + INTERVAL 1 SECOND)"
            " AND lower(t.process_name) = lower(m.path)"
        )
    query = (
        f"WITH member AS ({members}), place AS ({' UNION '.join(parts)})"
        " SELECT DISTINCT rid FROM timeline t JOIN place p ON p.a = t.row_address"
        " AND p.s IS NOT DISTINCT FROM t.source_id ORDER BY 1"
    )
    return [int(str(r[0])) for r in case.rows(query, [keys])]


def _columns(case: Case, table: str) -> set[str]:
    rows = case.rows("SELECT column_name FROM duckdb_columns() WHERE table_name = ?", [table])
    return {str(r[0]) for r in rows}


def tables_with(case: Case, columns: Sequence[str]) -> list[tuple[str, str]]:
    """Evidence tables with one of the columns and an offset, each with the column."""
    rows = case.rows(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE column_name IN"
        " (SELECT unnest(?::VARCHAR[])) AND table_name IN (SELECT table_name FROM duckdb_columns()"
        " WHERE column_name = 'record_offset') AND table_name IN (SELECT table_name FROM duckdb_columns()"
        " WHERE column_name = 'source_id') AND table_name IN (SELECT table_name FROM duckdb_tables())"
        " ORDER BY ALL",
        [list(columns)],
    )
    return [(str(t), str(c)) for t, c in rows]
