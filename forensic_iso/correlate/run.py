"""Runs the SQL files of the correlation in order, each a named step with its rows and time."""

import time
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import duckdb

from forensic_iso.correlate import prefetch_names, timeline
from forensic_iso.correlate.schema import DERIVED_TABLES, RULE, RULE_LIST
from forensic_iso.errors import UsageError
from parsers.contract import Table
from parsers.evtx.schema import EVENT_OTHER
from parsers.evtx.schema import TABLES as EVTX_TABLES

DEFAULT_RULES = "rules.toml"


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


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _create(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    columns = ", ".join(f'"{c.name}" {c.type.value}' for c in table.columns)
    con.execute(f'CREATE OR REPLACE TABLE "{table.name}" ({columns})')
    con.execute(f'COMMENT ON TABLE "{table.name}" IS {_quoted(table.comment)}')
    for c in table.columns:
        con.execute(f'COMMENT ON COLUMN "{table.name}"."{c.name}" IS {_quoted(c.comment)}')


def _store_rules(con: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    con.executemany(
        f"INSERT INTO {RULE.name} VALUES (?, ?)", [[k, v] for k, v in rules.numbers.items()]
    )
    pairs = [[name, value] for name, values in rules.lists.items() for value in (values or (None,))]
    con.executemany(f"INSERT INTO {RULE_LIST.name} VALUES (?, ?)", pairs)


def event_time_sql() -> str:
    """A temporary view over the System columns of all events, for coverage and clocks."""
    columns = (
        "host, channel, record_id, time_utc, event_id, provider, damaged, origin, "
        "source_id, record_offset"
    )
    tables = [t.name for t in EVTX_TABLES if {"record_id", "channel"} <= set(t.column_names())]
    parts = [f"SELECT {columns}, '{name}' AS table_name FROM \"{name}\"" for name in tables]
    if EVENT_OTHER.name not in tables:
        raise AssertionError("the rest of the events is a table of events")
    return "CREATE OR REPLACE TEMP VIEW event_time AS " + " UNION ALL ".join(parts)


def steps() -> list[Traversable]:
    """The SQL files in order of their numbers."""
    folder = resources.files(__package__).joinpath("sql")
    return sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)


def _filled(sql: str) -> list[str]:
    """Published tables that a step fills."""
    return [t.name for t in DERIVED_TABLES if f"INSERT INTO {t.name} " in sql]


def _count(con: duckdb.DuckDBPyConnection, tables: list[str]) -> int:
    total = 0
    for name in tables:
        row = con.execute(f'SELECT count(*) FROM "{name}"').fetchone()
        total += int(row[0]) if row else 0
    return total


def run(con: duckdb.DuckDBPyConnection, rules: Path | None = None) -> list[StepResult]:
    """Build all derived tables anew, in one transaction.

    Raises:
        UsageError: the rules file is not usable.
    """
    loaded = load_rules(rules)
    results = []
    con.execute("BEGIN")
    try:
        for table in DERIVED_TABLES:
            _create(con, table)
        _store_rules(con, loaded)
        con.execute(event_time_sql())
        for step in steps():
            started = time.perf_counter()
            sql = step.read_text(encoding="utf-8")
            con.execute(sql)
            if step.name == prefetch_names.AFTER:
                prefetch_names.fill(con)
            name = step.name.removesuffix(".sql").split("_", 1)[1]
            results.append(
                StepResult(name, _count(con, _filled(sql)), time.perf_counter() - started)
            )
        started = time.perf_counter()
        rows = timeline.build(con)
        results.append(StepResult("timeline", rows, time.perf_counter() - started))
        con.execute("COMMIT")
    except BaseException:
        # A commit that fails (no space) has ended the transaction already: the first error is the one to tell.
        with suppress(duckdb.TransactionException):
            con.execute("ROLLBACK")
        raise
    return results
