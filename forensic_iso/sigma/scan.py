"""Holds converted rules against the rows of a case: scoped by table, channel and event id first.

Rules are grouped by the rows they speak of. Of each group the fields that its rules name are laid down once, in slices,
as text and in lower case; each rule then is one query over a slice.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from forensic_iso.sigma.fields import OWN, Face, event_faces, field_sql, own_face
from forensic_iso.sigma.logsource import OwnTable, Scope
from forensic_iso.sigma.names import EVENT_ID, FOLDED, identifier, literal
from forensic_iso.sigma.rules import Converted, Refused
from parsers.contract import Table

SLICE = 200_000
"""Rows laid down at once: bounds memory."""

LONG_TEXT = frozenset({"powershell_script_block", "powershell_pipeline", "security_task_create"})
"""Tables with texts of many kilobytes: a tenth of that at once."""

FOUND = "sigma_found"
"""Temporary table of hits: rule, table, face, rowid."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are looked at together: of one table, face and channel (None: all)."""

    table: str
    face: str
    channel: str | None = None
    where: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of a rule in the scan."""

    rows: int = 0
    failed: str | None = None


@dataclass(slots=True)
class Plan:
    """Rules by group; `ids` are the event ids of a rule in a group (None: all)."""

    members: dict[Group, list[tuple[int, frozenset[int] | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    faces: dict[tuple[str, str], Face] = field(default_factory=event_faces)


Counts = Mapping[tuple[str, str | None], Mapping[int | None, int]]


def count_events(con: duckdb.DuckDBPyConnection, faces: Iterable[Face]) -> Counts:
    """Events by table and channel, then by event id."""
    counts: dict[tuple[str, str | None], dict[int | None, int]] = defaultdict(dict)
    for name in sorted({f.table for f in faces if f.events}):
        query = f'SELECT channel, event_id, count(*) FROM "{name}" GROUP BY ALL'
        for channel, event_id, rows in con.execute(query).fetchall():
            counts[name, channel][event_id] = rows
    return counts


def _of_scope(
    scope: Scope, wanted: frozenset[int] | None, counts: Counts, plan: Plan
) -> Iterator[tuple[Group, frozenset[int] | None]]:
    """Groups of a scope that the case has rows of, with the event ids there that a rule wants (None: all rows)."""
    channels = None if scope.channels is None else {c.lower() for c in scope.channels}
    bounds = [ids for ids in (scope.event_ids, wanted) if ids is not None]
    for (table, channel), by_id in counts.items():
        if (table, scope.face) not in plan.faces:
            continue
        if channels is not None and (channel or "").lower() not in channels:
            continue
        there = frozenset(i for i in by_id if i is not None)
        ids = there.intersection(*bounds) if bounds else None
        if ids or not bounds:
            yield Group(table, scope.face, channel, scope.where), ids


def make_plan(
    rules: Sequence[Converted], counts: Counts, own: Mapping[str, Table]
) -> tuple[Plan, dict[int, Refused]]:
    """Which rules are held against which rows; rules that name no column of their own table are refused."""
    plan, refused = Plan(), {}
    for number, rule in enumerate(rules):
        if isinstance(rule.target, OwnTable):
            face = own_face(own[rule.target.table])
            strange = [f for f in (*rule.raw, *rule.folded) if field_sql(face, f) is None]
            if strange:
                reason = f"the table {face.table} has no column {', '.join(sorted(set(strange)))}"
                refused[number] = Refused(rule.heading, "refused", reason)
                continue
            plan.faces[face.table, face.name] = face
            plan.members[Group(face.table, face.name)].append((number, None))
            continue
        for scope in rule.target:
            if scope.table and rule.event_ids is None:
                plan.members[Group(scope.table, scope.face, None, scope.where)].append(
                    (number, None)
                )
            if scope.table:
                continue
            for group, ids in _of_scope(scope, rule.event_ids, counts, plan):
                plan.members[group].append((number, ids))
    return plan, refused


def _unique(names: Iterable[str]) -> list[str]:
    """Names without doubles: SQL takes two spellings of a column for one."""
    return list({n.lower(): n for n in names}.values())


def _layer(face: Face, rules: Sequence[Converted]) -> list[str]:
    """SQL of the columns that rules read."""
    folded = _unique(n for r in rules for n in r.folded)
    raw = _unique(n for r in rules for n in r.raw)
    out = []
    for name in raw:
        sql = field_sql(face, name) or "NULL::VARCHAR"
        if name.lower() == EVENT_ID and face.name != OWN:
            sql = "event_id" if face.events else "NULL::INTEGER"
        out.append(f"{sql} AS {identifier(name)}")
    for name in folded:
        sql = field_sql(face, name) or "NULL::VARCHAR"
        out.append(f"lower({sql}) AS {identifier(FOLDED + name)}")
    return out


def _ids_sql(column: str, ids: Iterable[int]) -> str:
    return f"{column} IN ({', '.join(map(str, sorted(ids)))})"


def _where(group: Group, face: Face, ids: frozenset[int] | None) -> str:
    if not face.events:
        return group.where or "TRUE"
    channel = "channel IS NULL" if group.channel is None else f"channel = {literal(group.channel)}"
    which = "" if ids is None else _ids_sql("event_id", ids)
    return " AND ".join(filter(None, (channel, which, group.where)))


def _slices(con: duckdb.DuckDBPyConnection, table: str, rows: int) -> Iterator[str]:
    """Conditions on rowid that cut a table into parts with about SLICE rows of the group each."""
    most = max(1, SLICE // 10) if table in LONG_TEXT else SLICE
    if rows <= most:
        yield "TRUE"
        return
    last = con.execute(f'SELECT count(*), max(rowid) FROM "{table}"').fetchone()
    total, highest = last if last else (0, 0)
    step = max(most, most * total // rows)
    for first in range(0, highest + 1, step):
        yield f"rowid >= {first} AND rowid < {first + step}"


def scan(
    con: duckdb.DuckDBPyConnection,
    rules: Sequence[Converted],
    plan: Plan,
    counts: Counts,
    progress: Callable[[str, int, int], None],
) -> list[Outcome]:
    """Hold all rules against all their rows; hits land in the temporary table FOUND.

    Args:
        con: writable connection with the dialect's macros.
        rules: to run.
        plan: from `make_plan`.
        counts: from `count_events`.
        progress: told of the table looked at, the groups done and all groups.
    """
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {FOUND} (rule INTEGER, table_name VARCHAR, face VARCHAR, row_id BIGINT)"
    )
    outcomes = [Outcome() for _ in rules]
    for done, (group, members) in enumerate(plan.members.items()):
        progress(group.table, done, len(plan.members))
        _scan_group(
            con, group, members, rules, plan.faces[group.table, group.face], counts, outcomes
        )
    progress("", len(plan.members), len(plan.members))
    return outcomes


def _scan_group(
    con: duckdb.DuckDBPyConnection,
    group: Group,
    members: Sequence[tuple[int, frozenset[int] | None]],
    rules: Sequence[Converted],
    face: Face,
    counts: Counts,
    outcomes: list[Outcome],
) -> None:
    by_id = counts.get((group.table, group.channel), {})
    every = any(i is None for _, i in members)
    ids = None if every else frozenset().union(*(i or () for _, i in members))
    held = by_id if ids is None else ids
    rows = sum(by_id[i] for i in held) if face.events else _count(con, group.table)
    layer = ", ".join(["rowid AS row_id", "event_id AS event_number"][: 2 if face.events else 1])
    layer = ", ".join([layer, *_layer(face, [rules[n] for n, _ in members])])
    for part in _slices(con, group.table, rows):
        try:
            con.execute(
                f'CREATE OR REPLACE TEMP TABLE sigma_slice AS SELECT {layer} FROM "{group.table}"'
                f" WHERE {_where(group, face, ids)} AND {part}"
            )
        except (duckdb.DataError, duckdb.InvalidInputException) as e:
            for number, _ in members:
                outcomes[number].failed = f"reading {group.table}: {_one_line(e)}"
            return
        here = _ids_here(con, face)
        for number, wanted in members:
            rows_here = sum(here.get(i, 0) for i in (here if wanted is None else wanted))
            if not rows_here or outcomes[number].failed:
                continue
            outcomes[number].rows += rows_here
            narrow = wanted is not None and wanted != frozenset(here)
            test = _ids_sql("event_number", wanted) + " AND " if narrow and wanted else ""
            _run(con, number, rules[number], group, test, outcomes)
    con.execute("DROP TABLE IF EXISTS sigma_slice")


def _ids_here(con: duckdb.DuckDBPyConnection, face: Face) -> dict[int | None, int]:
    """Rows of the slice by event id; of a table without events all under None."""
    if not face.events:
        return {None: _count(con, "sigma_slice")}
    query = "SELECT event_number, count(*) FROM sigma_slice GROUP BY ALL"
    return dict(con.execute(query).fetchall())


def _run(
    con: duckdb.DuckDBPyConnection,
    number: int,
    rule: Converted,
    group: Group,
    test: str,
    outcomes: list[Outcome],
) -> None:
    try:
        con.execute(
            f"INSERT INTO {FOUND} SELECT {number}, {literal(group.table)}, {literal(group.face)}, row_id"
            f" FROM sigma_slice WHERE {test}({rule.sql})"
        )
    except duckdb.Error as e:
        outcomes[number].failed = _one_line(e)


def _one_line(error: duckdb.Error) -> str:
    return " ".join(str(error).split())[:500]


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    return int(row[0]) if row else 0


def check(con: duckdb.DuckDBPyConnection, rule: Converted) -> str | None:
    """What DuckDB says against a rule's condition before any row is read; None: nothing."""
    columns = [
        f"range::{'INTEGER' if not isinstance(rule.target, OwnTable) and n.lower() == EVENT_ID else 'VARCHAR'}"
        f" AS {identifier(n)}"
        for n in _unique(rule.raw)
    ]
    columns += [f"range::VARCHAR AS {identifier(FOLDED + n)}" for n in _unique(rule.folded)]
    relation = f"SELECT {', '.join(columns) or '1'} FROM range(0)"
    try:
        con.execute(f"EXPLAIN SELECT 1 FROM ({relation}) WHERE {rule.sql}")
    except duckdb.Error as e:
        return _one_line(e)
    return None
