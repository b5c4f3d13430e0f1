"""Compares rows of a case with rows that the same parser gives now, by all columns."""

from pathlib import Path
from typing import Protocol

import duckdb

from forensic_iso.case import store
from forensic_iso.case.messages import Rows
from forensic_iso.case.schema import with_provenance
from forensic_iso.case.shadow_rows import newer_sources, same_row
from parsers.contract import Sql, Table
from parsers.registry import by_kind

SAMPLE = 1000
"""Rows of a table and artifact that are compared besides the cited ones."""
EXAMPLES = 5
MEMORY_LIMIT = "700MB"
COPIES = "SELECT record_offset::VARCHAR FROM kept.event_copy WHERE source_id = $id"


class Tally(Protocol):
    """Where the outcome of one artifact is counted."""

    source_id: str
    kind: str | None
    compared: int
    gone: int
    more: int
    examples: list[str]


class Comparer:
    """A database in memory (spilling to a scratch folder) with the case attached read-only."""

    def __init__(self, case: Path, scratch: Path, every: bool) -> None:
        self._every = every
        self._con = duckdb.connect(":memory:")
        place, spill = (str(p).replace("'", "''") for p in (store.database(case), scratch))
        self._con.execute(f"SET memory_limit = '{MEMORY_LIMIT}'; SET temp_directory = '{spill}'")
        self._con.execute(f"ATTACH '{place}' AS kept (READ_ONLY)")
        self._fresh: dict[tuple[int, str], Table] = {}

    def __enter__(self) -> "Comparer":
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    def take(self, number: int, kind: str, message: Rows) -> None:
        """Rows of an artifact, as its parser gives them now."""
        table = self._table(number, kind, message.table)
        rows = message.arrow()
        self._con.register("incoming", rows)
        self._con.execute(f"INSERT INTO {_name(number, table)} BY NAME SELECT * FROM incoming")
        self._con.unregister("incoming")

    def _table(self, number: int, kind: str, name: str) -> Table:
        key = (number, name)
        if key not in self._fresh:
            table = next(t for t in by_kind(kind).TABLES if t.name == name)
            self._fresh[key] = table
            names = {c.name: c.type for c in table.columns} | {"host": Sql.TEXT}
            spec = ", ".join(f'"{n}" {t.value}' for n, t in names.items())
            self._con.execute(f"CREATE TEMP TABLE {_name(number, table)} ({spec})")
        return self._fresh[key]

    def compare(self, number: int, outcome: Tally) -> None:
        """Compare an artifact's rows of all tables of its parser, and drop them."""
        kind = outcome.kind or ""
        for table in by_kind(kind).TABLES:
            if table.name in {n for k, n in self._fresh if k == number} or self._count(
                table, outcome
            ):
                self._compare(number, self._table(number, kind, table.name), outcome)
        for key in [k for k in self._fresh if k[0] == number]:
            self._con.execute(f"DROP TABLE {_name(number, self._fresh.pop(key))}")

    def _count(self, table: Table, outcome: Tally) -> int:
        row = self._con.execute(
            f'SELECT count(*) FROM kept."{table.name}" WHERE source_id = ?', [outcome.source_id]
        ).fetchone()
        return int(row[0]) if row else 0

    def _compare(self, number: int, table: Table, outcome: Tally) -> None:
        names = [n for n in with_provenance(table).column_names() if n not in ("source_id", "host")]
        taken = ", ".join(f'"{n}"' for n in names)
        address = f'"{table.address}"::VARCHAR'
        here = f'SELECT {taken} FROM kept."{table.name}" WHERE source_id = $id'
        now = f"SELECT {taken} FROM {_name(number, table)}"
        given = {"id": outcome.source_id}
        if not self._every:
            here = (
                f"SELECT {taken} FROM (({here} AND {address} IN (SELECT row_address FROM kept.evidence_ref"
                f" WHERE source_id = $id AND table_name = '{table.name}'))"
                f" UNION (SELECT * FROM ({here}) ORDER BY hash({address}), {address} LIMIT {SAMPLE}))"
            )
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE mine AS {here}", given)
        outcome.compared += self._number("SELECT count(*) FROM mine")
        except_word = "EXCEPT ALL" if self._every else "EXCEPT"
        gone = f"SELECT {address} AS place FROM (SELECT * FROM mine {except_word} {now})"
        outcome.gone += self._number(f"SELECT count(*) FROM ({gone})")
        if self._every:
            more = (
                f"SELECT {address} AS place FROM ({now} EXCEPT ALL SELECT * FROM mine) a"
                f' ANTI JOIN kept."{table.name}" b'
                f" ON b.source_id IN ({newer_sources('kept')}) AND {same_row(names)}"
            )
            more = f"SELECT place FROM ({more}) WHERE place NOT IN ({COPIES})"
            outcome.more += self._number(f"SELECT count(*) FROM ({more})", given)
        found = self._con.execute(
            f"SELECT DISTINCT place FROM ({gone}) ORDER BY place LIMIT {EXAMPLES}"
        ).fetchall()
        outcome.examples += [f"{table.name} at {p}" for (p,) in found][
            : EXAMPLES - len(outcome.examples)
        ]

    def _number(self, query: str, given: dict[str, str] | None = None) -> int:
        row = self._con.execute(query, given or {}).fetchone()
        return int(row[0]) if row else 0


def _name(number: int, table: Table) -> str:
    return f'"fresh_{number}_{table.name}"'
