"""Whatever the evidence says, the correlation comes to its end: the cases' rows with values that nobody means well with."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensic_iso.case.schema import SOURCE, evidence_tables
from parsers.contract import Sql
from tests.correlate.test_cases import Rows, correlated, listed, marked
from tests.toml_cases import rows_of

FRAGMENTS = (
    *("\\", "\\\\?\\", "\\\\.\\", "\\h", "\\Q", "\\1", "(", ")", "[", "]", "[^", "{9999}", "*", "+?", "|", "^", "$", "."),
    *("%", "_", "'", '"', '""', ";", "--", "/*", "&&", "^^", "%COMSPEC%", "$(", "`", "~", "#", ",", "@", "\t", "\r\n", "\x01"),
    *("\u202e", "\ufeff", "\U0001f4bf", "I\u0307", "\u0130", "\u00df", "\u2028", "\ud7ff", "E:", "e:\\", "\\Device\\CdRom0\\"),
    *("\\Device\\HarddiskVolume9\\", "\\??\\Volume{3be74690-2c94-11ef-953a-655328ecd59b}\\", "..\\", "file:///E:/", "0x", "-enc "),
    *("JABhAD0A", "=", "==", "9" * 40, "-1", "1e999", "NaN", "\\\\?\\GLOBALROOT\\Device\\HarddiskVolume9\\", "C:\\" * 60, "a" * 5000),
)  # fmt: skip
TIMES = (
    *("1677-09-22", "1678-01-01", "1970-01-01", "1980-01-01", "2038-01-19 03:14:08"),
    *("2099-12-31", "2262-04-11 23:47:16"),
)  # fmt: skip
"""From the first to the last moment that a time in ns can hold."""
ENDS = {
    Sql.U8: (0, 255),
    Sql.U16: (0, (1 << 16) - 1),
    Sql.U32: (0, (1 << 32) - 1),
    Sql.U64: (0, (1 << 64) - 1),
    Sql.I32: (-(1 << 31), (1 << 31) - 1),
    Sql.I64: (-(1 << 63), (1 << 63) - 1),
}
"""Least and largest number of a column."""
STORED = ("host", "source_id", "state", "table_name", "row_address", "data", "extra")
"""Columns that the tool fills, not the evidence: the last two hold JSON of its own making."""
TYPES = {(t.name, c.name): c.type for t in (*evidence_tables(), SOURCE) for c in t.columns}
FILES = sorted(Path(__file__).parent.glob("*.toml"))


def worse(value: object, kind: Sql, rng: random.Random) -> object:
    """Another value for a column: a text with a fragment in it or in its place, an end of what numbers and times can be."""
    if kind in ENDS:
        return rng.choice((*ENDS[kind], 0, 1))
    if kind == Sql.TIME:
        return rng.choice(TIMES)
    if kind != Sql.TEXT or not isinstance(value, str):
        return value
    at, fragment = rng.randint(0, len(value)), rng.choice(FRAGMENTS)
    return fragment if rng.random() < 0.2 else value[:at] + fragment + value[at:]


def mutated(rows: Rows, rng: random.Random) -> Rows:
    """The rows with one value in five made worse."""

    def told(table: str, column: str, value: object) -> object:
        kept = column in STORED or value is None or rng.random() > 0.2
        return value if kept else worse(value, TYPES[table, column], rng)

    return {
        table: [{c: told(table, c, value) for c, value in row.items()} for row in given]
        for table, given in rows.items()
    }


def hosts(seed: int) -> Iterator[Rows]:
    """The evidence of all cases, each on a host of its own, mutated."""
    rng = random.Random(seed)
    cases = [case for file in FILES for case in listed(file)]
    for number, case in enumerate(cases):
        yield mutated(marked(case, f"~{number:03d}"), rng)


@pytest.mark.parametrize("seed", range(3))
def test_no_value_stops_the_correlation(seed: int) -> None:
    con = correlated(hosts(seed), {})

    assert rows_of(con, "mount_session")
    assert rows_of(con, "execution")
