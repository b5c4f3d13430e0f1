"""Cases filled row by row, and rules in few words."""

from pathlib import Path

import duckdb

from forensic_iso.sigma.run import Result, run

SYSMON = "Microsoft-Windows-Sysmon/Operational"
ISO = "C:\\Users\\u\\Downloads\\a.iso"


class Case:
    """A case whose evidence tables are filled row by row."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.con = con
        self.folder = folder
        self.offset = 0

    def add(self, table: str, channel: str, event_id: int, time: str, **fields: object) -> str:
        """An event; returns its address."""
        self.offset += 512
        values = {
            "host": "WS-1",
            "time_utc": time,
            "channel": channel,
            "provider": "p",
            "event_id": event_id,
            "record_id": self.offset // 512,
            "source_id": "s1",
            "record_offset": self.offset,
            **fields,
        }
        self.insert(table, **values)
        return str(self.offset)

    def insert(self, table: str, **values: object) -> None:
        names = ", ".join(f'"{n}"' for n in values)
        marks = ", ".join("?" * len(values))
        self.con.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', [*values.values()])

    def run(self, rules: str, name: str = "set") -> list[Result]:
        path = self.folder / f"{name}.yml"
        path.write_text(rules, encoding="utf-8")
        return run(self.con, path, name)

    def hits(self) -> list[tuple[str, str, str]]:
        """Title, table, address of all hits."""
        query = "SELECT title, table_name, row_address FROM sigma_hit ORDER BY ALL"
        return self.con.execute(query).fetchall()

    def links(self) -> list[tuple[str, str, str]]:
        """Address of each hit, with the finding it supports and the ground."""
        query = "SELECT row_address, finding_id, basis FROM sigma_hit LEFT JOIN sigma_support USING (hit_id) ORDER BY ALL"
        return self.con.execute(query).fetchall()


def rule(title: str, logsource: str, *detection: str, condition: str = "s") -> str:
    lines = "\n".join(f"  {d}" for d in detection)
    return (
        f"title: {title}\nlevel: medium\ntags: [attack.t1553.005]\nlogsource: {{{logsource}}}\n"
        f"detection:\n{lines}\n  condition: {condition}\n"
    )


PROCESS = "product: windows, category: process_creation"
