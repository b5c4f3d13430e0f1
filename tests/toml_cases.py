"""Cases in TOML: rows of evidence in, rows of a query out.

A file holds `[[case]]` with `name`, `rows.<table>` (lists of rows), and `expect.<table>`: rows
whose given columns must be met by exactly one row each. `none.<table>` lists rows that no row may
meet (an empty row: no row at all), `count.<table>` the number of rows. `window` (`since`, `until`):
what was read of logs; `exported`: hosts of which only exports are there. Times may be given as
`10:00:00.5`, meaning 2024-05-01. Event rows get host, channel, source, record id and offset by
themselves; `record_id` counts on per channel in the order of the file unless given.
"""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forensic_iso.case.schema import SOURCE, evidence_tables
from parsers.evtx.events import EVENT_TABLES

DAY = "2024-05-01 "
HOST = "PC1"
CHANNELS = {
    "vhdmp": "Microsoft-Windows-VHDMP-Operational",
    "partition_diagnostic": "Microsoft-Windows-Partition/Diagnostic",
    "ntfs_volume": "Microsoft-Windows-Ntfs/Operational",
    "defender_detection": "Microsoft-Windows-Windows Defender/Operational",
    "powershell_script_block": "Microsoft-Windows-PowerShell/Operational",
    "event_other": "System",
}
EVENT_IDS = {t.name: t.event_ids[0] for t in EVENT_TABLES}
OFFSETS = {t.name for t in evidence_tables() if t.address == "record_offset"}
PROVIDERS = {t.name: t.provider for t in EVENT_TABLES}

Row = dict[str, Any]


def channel_of(table: str) -> str:
    """The usual channel of a typed table."""
    if table in CHANNELS:
        return CHANNELS[table]
    if table.startswith("sysmon"):
        return "Microsoft-Windows-Sysmon/Operational"
    return "Security" if table.startswith("security") else "System"


def cases(folder: Path) -> Iterator[Any]:
    """All cases of all files of a folder as test parameters."""
    for file in sorted(folder.glob("*.toml")):
        for case in tomllib.loads(file.read_text(encoding="utf-8"))["case"]:
            yield pytest.param(case, id=f"{file.stem}-{case['name']}")


def full_time(value: Any) -> Any:
    """`10:00:00` -> the day of the tests at that time; anything else as it is."""
    if (
        isinstance(value, str)
        and len(value) >= 8
        and value[2] == value[5] == ":"
        and value[:2].isdigit()
    ):
        return DAY + value
    return value


def completed(table: str, row: Row, serial: dict[str, int]) -> Row:
    """The row with times in full and the System columns that it does not give."""
    row = {k: full_time(v) for k, v in row.items()}
    if table == SOURCE.name:
        return {"host": HOST, **row}
    if table not in PROVIDERS and table != "event_other":
        at = {"record_offset": 1024 * int(row.get("record", 0))} if table in OFFSETS else {}
        return {"host": HOST, "source_id": "mft", **at, **row}
    channel = row.get("channel", channel_of(table))
    place = f"{row.get('host', HOST)}|{channel}"
    serial[place] = int(row.get("record_id", serial.get(place, 100) + 1))
    return {
        "host": HOST,
        "channel": channel,
        "provider": PROVIDERS.get(table),
        "event_id": EVENT_IDS.get(table),
        "record_id": serial[place],
        "source_id": channel,
        "record_offset": serial[place] * 1000,
        "damaged": False,
        "origin": "chain",
        **row,
    }


def insert(con: duckdb.DuckDBPyConnection, table: str, row: Row) -> None:
    """One row by its column names."""
    names = ", ".join(f'"{k}"' for k in row)
    marks = ", ".join("?" for _ in row)
    con.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', list(row.values()))


def rows_of(con: duckdb.DuckDBPyConnection, table: str) -> list[Row]:
    """All rows of a table or view."""
    cursor = con.execute(f'SELECT * FROM "{table}"')
    names = [d[0] for d in cursor.description or ()]
    return [dict(zip(names, r, strict=True)) for r in cursor.fetchall()]


def meets(want: Row, got: Row) -> bool:
    """Whether the row has all given values; '' means NULL, '~x' means: contains x."""
    for name, value in want.items():
        have = got[name]
        value = full_time(value)
        if value == "":
            ok = have is None
        elif isinstance(value, str) and value.startswith("~"):
            ok = value[1:].lower() in str(have).lower()
        elif isinstance(value, float):
            ok = have is not None and abs(float(have) - value) < 1e-6
        else:
            ok = str(have) == str(value)
        if not ok:
            return False
    return True


def check(rows_in: Callable[[str], list[Row]], case: Row) -> None:
    """Assert what the case says of each table; `rows_in` gives all rows of a table or view."""
    for table, wanted in case.get("expect", {}).items():
        rows = rows_in(table)
        for want in wanted:
            hits = [r for r in rows if meets(want, r)]
            assert len(hits) == 1, f"{table}: {want} is met by {len(hits)} of {rows}"
    for table, unwanted in case.get("none", {}).items():
        rows = rows_in(table)
        for want in unwanted:
            assert not [r for r in rows if meets(want, r)], f"{table}: {want} is met in {rows}"
    for table, number in case.get("count", {}).items():
        rows = rows_in(table)
        assert len(rows) == number, f"{table}: {len(rows)} of {number} rows: {rows}"
