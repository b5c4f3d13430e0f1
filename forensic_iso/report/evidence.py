"""Which rows of the evidence each claim of a report rests on, by table and address."""

from dataclasses import dataclass

import duckdb

from forensic_iso.case.schema import case_tables
from forensic_iso.story import STEPS, Row, rows

SHOWN = 8
"""Most rows named beside one delivery, session, execution or act; the table of the rows of evidence has the finding's."""
RECORD = "record_id"

REFERENCES = """
SELECT DISTINCT r.subject_id, r.step, r.role, r.table_name, r.row_address, r.source_id, s.path
FROM evidence_ref r
LEFT JOIN source s USING (source_id)
ORDER BY r.subject_id, list_position({steps}, r.step), s.path, r.table_name, TRY_CAST(r.row_address AS BIGINT),
    r.row_address, r.role, r.source_id
"""


@dataclass(frozen=True, slots=True)
class Cited:
    """Rows of evidence by the id of what rests on them: deliveries, sessions, executions, acts, findings."""

    by_subject: dict[str, list[Row]]

    def of(self, subject: object) -> list[Row]:
        """Rows of one subject in order of the chain, each with its link and role."""
        return self.by_subject.get(str(subject), [])

    def beside(self, found: list[Row], key: str) -> list[Row]:
        """Rows of a listing with the addresses of what each rests on."""
        return [{**r, "rows": self._named(r[key])} for r in found]

    def _named(self, subject: object) -> str:
        places = dict.fromkeys(f"{r['table_name']} {r['row_address']}" for r in self.of(subject))
        more = f"; {len(places) - SHOWN} more" if len(places) > SHOWN else ""
        return "; ".join(list(places)[:SHOWN]) + more


def cited(con: duckdb.DuckDBPyConnection) -> Cited:
    """All rows of evidence that anything in the case rests on, with the record ids of events."""
    numbers = _record_ids(con)
    out: dict[str, list[Row]] = {}
    for r in rows(con, REFERENCES.format(steps=list(STEPS))):
        place = (str(r["table_name"]), str(r["source_id"]), str(r["row_address"]))
        out.setdefault(str(r["subject_id"]), []).append({**r, RECORD: numbers.get(place)})
    return Cited(out)


def _record_ids(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], object]:
    """EventRecordID of each cited event, by table, artifact and address."""
    named = {
        str(n) for (n,) in con.execute("SELECT DISTINCT table_name FROM evidence_ref").fetchall()
    }
    out: dict[tuple[str, str, str], object] = {}
    for table in case_tables():
        if table.name not in named or RECORD not in table.column_names() or not table.address:
            continue
        query = (
            f'SELECT t.source_id, r.row_address, t.{RECORD} FROM "{table.name}" t JOIN (SELECT DISTINCT source_id, row_address,'
            f" TRY_CAST(row_address AS UBIGINT) AS place FROM evidence_ref WHERE table_name = ?) r"
            f" ON r.source_id = t.source_id AND r.place = t.{table.address}"
        )
        for source, address, number in con.execute(query, [table.name]).fetchall():
            out[table.name, str(source), str(address)] = number
    return out
