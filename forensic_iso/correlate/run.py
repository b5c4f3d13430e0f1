"""Runs the SQL files of the correlation in order, each a named step with its rows and time."""

import time
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import duckdb

from forensic_iso.correlate import (
    host_names,
    prefetch_names,
    statements,
    steady_clock,
    tables,
    timeline,
)
from forensic_iso.correlate.schema import DERIVED_TABLES, RULE, RULE_LIST
from forensic_iso.errors import UsageError
from parsers.registry import all_tables

DEFAULT_RULES = "rules.toml"
MEMORY_LIMIT = "2GB"
"""DuckDB's bound while correlating, when nothing else is held: with less, the large steps of ten million events spill."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step: the SQL file's name without number, rows in the tables it fills, seconds."""

    name: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Rules:
    """Numbers and word lists of a rules file."""

    numbers: dict[str, float]
    lists: dict[str, tuple[str, ...]]


def _parse_rules(text: str, place: str) -> Rules:
    try:
        data = tomllib.loads(text)
        numbers = {str(k): float(v) for k, v in data["number"].items()}
        lists = {str(k): tuple(str(x) for x in v) for k, v in data["list"].items()}
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError, ValueError) as e:
        raise UsageError(
            f"reading the rules {place}: expected the tables [number] and [list] in TOML, "
            f"found {e}; start from a copy of the default rules"
        ) from e
    return Rules(numbers, lists)


def load_rules(path: Path | None = None) -> Rules:
    """The rules of a file, or the default ones.

    Raises:
        UsageError: the file cannot be read, or lacks or adds a name.
    """
    default_text = resources.files(__package__).joinpath(DEFAULT_RULES).read_text(encoding="utf-8")
    default = _parse_rules(default_text, DEFAULT_RULES)
    if path is None:
        return default
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"reading the rules {path}: {e}; give a readable TOML file") from e
    rules = _parse_rules(text, str(path))
    for what, want, got in (
        ("number", set(default.numbers), set(rules.numbers)),
        ("list", set(default.lists), set(rules.lists)),
    ):
        if want != got:
            missing, unknown = sorted(want - got), sorted(got - want)
            raise UsageError(
                f"reading the rules {path}: [{what}] lacks {missing or 'nothing'}, "
                f"has unknown {unknown or 'nothing'}; start from a copy of the default rules"
            )
    return rules


def _store_rules(con: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    pairs = [(name, value) for name, values in rules.lists.items() for value in (values or (None,))]
    for table, rows in ((RULE, list(rules.numbers.items())), (RULE_LIST, pairs)):
        columns: list[list[object]] = [list(column) for column in zip(*rows, strict=True)]
        con.execute(f"INSERT INTO {table.name} SELECT unnest($1), unnest($2)", columns)


def _note_window(con: duckdb.DuckDBPyConnection) -> None:
    """Variables `read_from_ns` and `read_to_ns`: what --since and --until left of the events (ns since 1970, UTC); NULL: no bound."""
    known = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = 'case_info' AND database_name = current_database()"
    ).fetchone()
    for variable, key in (("read_from_ns", "since"), ("read_to_ns", "until")):
        row = None
        if known:
            row = con.execute("SELECT value FROM case_info WHERE key = ?", [key]).fetchone()
        bound = int(row[0]) if row and row[0] != "None" else None
        con.execute(f"SET VARIABLE {variable} = CAST(? AS BIGINT)", [bound])


def steps() -> list[Traversable]:
    """The SQL files in order of their numbers."""
    folder = resources.files(__package__).joinpath("sql")
    return sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)


def _filled(sql: str) -> list[str]:
    """Published tables that a step fills."""
    return [t.name for t in DERIVED_TABLES if f"INSERT INTO {t.name} " in sql]


def _count(con: duckdb.DuckDBPyConnection, names: list[str]) -> int:
    total = 0
    for name in names:
        row = con.execute(f'SELECT count(*) FROM "{name}"').fetchone()
        total += int(row[0]) if row else 0
    return total


def run(con: duckdb.DuckDBPyConnection, rules: Path | None = None) -> list[StepResult]:
    """Build all derived tables anew, in one transaction.

    Raises:
        UsageError: the rules file is not usable.
    """
    loaded = load_rules(rules)
    before = con.execute("SELECT current_setting('memory_limit')").fetchone()
    con.execute("SET memory_limit = ?", [MEMORY_LIMIT])
    try:
        return _run(con, loaded)
    finally:
        con.execute("SET memory_limit = ?", list(before or (MEMORY_LIMIT,)))


def _run(con: duckdb.DuckDBPyConnection, loaded: Rules) -> list[StepResult]:
    results = []
    con.execute("BEGIN")
    try:
        tables.empty_derived(con)
        _store_rules(con, loaded)
        _note_window(con)
        con.execute(tables.event_time_sql(con))
        runner = statements.runner(con, [t.name for t in (*all_tables(), *DERIVED_TABLES)])
        for step in steps():
            started = time.perf_counter()
            sql = step.read_text(encoding="utf-8")
            runner.execute(sql)
            if step.name == prefetch_names.AFTER:
                prefetch_names.fill(con)
                runner.look(prefetch_names.FILLED)
            if step.name == host_names.AFTER and host_names.unite(con):
                con.execute(tables.event_time_sql(con))
            if step.name == steady_clock.AFTER:
                steady_clock.simplify(con)
            name = step.name.removesuffix(".sql").split("_", 1)[1]
            results.append(
                StepResult(name, _count(con, _filled(sql)), time.perf_counter() - started)
            )
        started = time.perf_counter()
        rows = timeline.build(con)
        results.append(StepResult("timeline", rows, time.perf_counter() - started))
        host_names.part(con)
        con.execute("COMMIT")
        runner.memory.runs += 1
    except BaseException:
        # A commit that fails (no space) has ended the transaction already: the first error is the one to tell.
        with suppress(duckdb.TransactionException):
            con.execute("ROLLBACK")
        raise
    return results
