"""The statements of the correlation, and which of them may be left out because they can give no row.

Planning them is nearly all that a small case costs. A process that correlates many cases (a fleet's worker, a test run)
learns at its second one what each statement needs and which columns it leaves; from then on, a statement whose tables
are empty is not planned, and its table is made empty from the columns.
"""

import re
from dataclasses import dataclass, field
from functools import cache

import duckdb

from forensic_iso.correlate import emptiness, tables

_FILLS = re.compile(
    r"(?:\s|--[^\n]*\n)*(?:(?P<make>CREATE OR REPLACE TEMP TABLE)|INSERT INTO)\s+(?P<name>\w+)"
    r"(?P<form>\s+AS|\s+BY NAME)?\s+(?=WITH\b|SELECT\b|FROM\b|\()(?P<select>.*?)[\s;]*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file. `fills`: the table that gets the rows of `select`; `makes`: it is made for them."""

    parsed: duckdb.Statement
    fills: str | None = None
    makes: bool = False
    select: str = ""


def split(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Statement, ...]:
    """The statements of a file."""
    found = []
    for parsed in con.extract_statements(sql):
        fills = _FILLS.fullmatch(parsed.query)
        if fills is None or (fills["make"] and (fills["form"] or "").strip() != "AS"):
            found.append(Statement(parsed))
        else:
            found.append(Statement(parsed, fills["name"], bool(fills["make"]), fills["select"]))
    return tuple(found)


@dataclass(slots=True)
class Learned:
    """What a process knows of the statements, by their text."""

    runs: int = 0
    files: dict[str, tuple[Statement, ...]] = field(default_factory=dict)
    per_row: frozenset[str] | None = None
    needs: dict[str, emptiness.Needs] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)


@cache
def learned() -> Learned:
    """The one of this process."""
    return Learned()


@dataclass(slots=True)
class Runner:
    """Executes statements on a case and keeps the books of which tables hold rows."""

    con: duckdb.DuckDBPyConnection
    known: dict[str, bool]
    memory: Learned

    def execute(self, sql: str) -> None:
        """Run a file's statements in order, or do what comes to the same."""
        if sql not in self.memory.files:
            self.memory.files[sql] = split(self.con, sql)
        for statement in self.memory.files[sql]:
            if statement.fills is None:
                self.con.execute(statement.parsed)
                if statement.parsed.type == duckdb.StatementType.INSERT:
                    self.known.clear()  # what it filled is not told: any table may hold rows now
            elif self._may_give_rows(statement):
                self._fill(statement, statement.fills)
            elif statement.makes:
                self._make_empty(statement, statement.fills)

    def look(self, name: str) -> None:
        """Ask again whether a table, filled by other ways, holds rows."""
        self.known[name] = bool(tables.with_rows(self.con, [name]))

    def _may_give_rows(self, statement: Statement) -> bool:
        if self.memory.runs < 1:
            return True
        wanted = self.memory.needs.get(statement.select)
        if wanted is None:
            if self.memory.per_row is None:
                self.memory.per_row = emptiness.functions_per_row(self.con)
            wanted = emptiness.needs(self.con, statement.select, self.memory.per_row)
            self.memory.needs[statement.select] = wanted
        return emptiness.may_give_rows(wanted, lambda name: self.known.get(name, True))

    def _fill(self, statement: Statement, name: str) -> None:
        row = self.con.execute(statement.parsed).fetchone()
        has_rows = row is None or row[0] != 0
        self.known[name] = has_rows or (not statement.makes and self.known.get(name, True))

    def _make_empty(self, statement: Statement, name: str) -> None:
        columns = self.memory.columns.get(statement.parsed.query)
        if columns is None:
            self._fill(statement, name)
            told = self.con.execute(f"DESCRIBE temp.{name}").fetchall()
            columns = ", ".join(f'"{column[0]}" {column[1]}' for column in told)
            self.memory.columns[statement.parsed.query] = columns
        else:
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
            self.known[name] = False


def runner(con: duckdb.DuckDBPyConnection, names: list[str]) -> Runner:
    """One for a case whose tables of these names are there; other names count as filled until a statement fills them."""
    memory = learned()
    filled = tables.with_rows(con, names) if memory.runs else set()
    return Runner(con, {name: name in filled for name in names}, memory)
