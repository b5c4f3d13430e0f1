"""Everything about one row: its fields with their meaning, where its bytes lie, what else speaks of the same."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from forensic_iso.browse import processes, timeline
from forensic_iso.browse.addresses import address_of
from forensic_iso.browse.case import Case, Record
from forensic_iso.browse.timeline import Row

SAME_MOST = 500
"""Related rows of one kind, the nearest; the screen says where there are more."""

FILE_COLUMNS = (
    *(
        "target_filename",
        "image_path",
        "path",
        "vhd_file",
        "image_loaded",
        "image",
        "new_process_name",
    ),
    *(
        "process_path",
        "process_name",
        "target_path",
        "current_path",
        "local_path",
        "own_path",
        "file_name",
    ),
    *("resolved_path", "item_path", "original_path", "physical_path", "id_list_path", "target"),
)
"""Columns that name a file, the most telling first."""
FILES_MOST = 3
"""Files of one row that others are looked for by: each is a search of the whole timeline."""
SAME_ADDRESS = 50
"""Rows of one address that are shown."""

TIME = "TIMESTAMP_NS"
LOGON_COLUMNS = ("logon_id", "target_logon_id", "subject_logon_id")


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a row: `value` as DuckDB gives it, `shown` as text (times with all digits)."""

    name: str
    value: object
    shown: str
    meaning: str


def _where(case: Case, row: Row) -> tuple[str, list[object]]:
    column = address_of(case, row.table_name).column
    values: list[object] = [row.row_address]
    clause = f'"{column}"::VARCHAR = ?'
    if row.row_address is not None and row.row_address.lstrip("-").isdecimal():
        clause = f'TRY_CAST("{column}" AS BIGINT) = TRY_CAST(? AS BIGINT)'
    if row.source_id is not None:
        clause += " AND source_id = ?"
        values.append(row.source_id)
    else:  # rows of the correlation: some are numbered by host
        clause += " AND host IS NOT DISTINCT FROM ?"
        values.append(row.host)
    return clause, values


def fields(case: Case, row: Row) -> list[list[Field]]:
    """The row's record with every column of its table.

    Several where one address has more than one row; those that bear the row's time alone, where any does.
    """
    columns = case.rows(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = ?"
        " ORDER BY column_index",
        [row.table_name],
    )
    if not columns:
        return []
    clause, values = _where(case, row)
    wanted = ", ".join(f'"{n}", {text_of(str(n), str(t))} AS "{n}_shown"' for n, t, _ in columns)
    times = " OR ".join(f'epoch_ns("{n}") = {row.time_ns}' for n, t, _ in columns if t == TIME)
    found = case.rows(
        f'SELECT {wanted} FROM "{row.table_name}" WHERE {clause}'
        f" QUALIFY coalesce({times or 'true'}, false) OR NOT bool_or(coalesce({times or 'true'}, false)) OVER ()"
        f" LIMIT {SAME_ADDRESS}",
        values,
    )
    return [
        [
            Field(str(n), r[2 * i], "" if r[2 * i + 1] is None else str(r[2 * i + 1]), str(c or ""))
            for i, (n, _, c) in enumerate(columns)
        ]
        for r in found
    ]


def text_of(name: str, data_type: str) -> str:
    """DuckDB expression for a column's value as text; bytes in hex."""
    if data_type == "BLOB":
        return f'hex("{name}")'
    return f'"{name}"::VARCHAR'


def pretty(value: str) -> str | None:
    """JSON text laid out on lines; None where it is none."""
    if value[:1] not in ("{", "["):
        return None
    try:
        return json.dumps(json.loads(value), indent=2, ensure_ascii=False)
    except ValueError:
        return None


def provenance(case: Case, row: Row) -> Record | None:
    """The artifact of a row (table `source`); None for derived rows."""
    if row.source_id is None:
        return None
    return case.one("SELECT * FROM source WHERE source_id = ?", [row.source_id])


def behind(case: Case, row: Row) -> list[Record]:
    """Rows of evidence that a derived row rests on."""
    return case.records(
        "SELECT r.step, r.role, r.table_name, r.row_address, s.path, r.source_id FROM evidence_ref r"
        " LEFT JOIN source s USING (source_id) WHERE r.subject_id = ? ORDER BY ALL",
        [row.row_address],
    )


def resting(case: Case, row: Row) -> list[Record]:
    """Findings and steps that rest on a row of evidence."""
    if row.source_id is None:
        return []
    return case.records(
        "SELECT DISTINCT f.finding_id, f.severity, f.image_path, r.step, r.role FROM evidence_ref r"
        " JOIN finding f ON f.finding_id = r.subject_id"
        " WHERE r.source_id = ? AND r.row_address = ? ORDER BY ALL",
        [row.source_id, row.row_address],
    )


def copies(case: Case, row: Row) -> list[Record]:
    """Other places where the same event was found."""
    if row.source_id is None or not str(row.row_address).isdecimal():
        return []
    return case.records(
        "SELECT s.path, c.record_offset FROM event_copy c JOIN source s USING (source_id)"
        " WHERE c.kept_source_id = ? AND c.kept_record_offset = ? ORDER BY ALL",
        [row.source_id, int(str(row.row_address))],
    )


@dataclass(frozen=True, slots=True)
class Related:
    """Rows of the timeline that share something with one row; `cut`: there are more."""

    why: str
    rids: list[int]
    cut: bool = False


def related(case: Case, row: Row) -> list[Related]:
    """Rows of the same process, file and logon."""
    out: list[Related] = []
    key = processes.of_row(case, row)
    if key is not None:
        out.append(
            Related("the same process and its descendants", processes.timeline_rows(case, key))
        )
    records = fields(case, row)
    values = {f.name: f.shown for f in records[0]} if records else {}
    seen: set[str] = set()
    for column in FILE_COLUMNS:
        name = _base_name(values.get(column, ""))
        if name and name.lower() not in seen and len(seen) < FILES_MOST:
            seen.add(name.lower())
            out.append(_naming(case, row, name))
    for column in LOGON_COLUMNS:
        if values.get(column) and values[column] not in ("0", "999"):
            out.append(
                Related(f"the same logon: {values[column]}", _logon(case, row, values[column]))
            )
            break
    return [r for r in out if len(r.rids) > 1]


def _base_name(path: str) -> str:
    return path.replace("/", "\\").rpartition("\\")[2]


def _naming(case: Case, row: Row, name: str) -> Related:
    """Rows of the host whose summary names a file, those nearest to the row."""
    same = (
        "FROM timeline WHERE host IS NOT DISTINCT FROM $1 AND contains(lower(summary), lower($2))"
    )
    most = SAME_MOST // 2 + 1
    found = case.rows(
        f"(SELECT rid {same} AND rid <= $3 ORDER BY rid DESC LIMIT {most})"
        f" UNION ALL (SELECT rid {same} AND rid > $3 ORDER BY rid LIMIT {most}) ORDER BY rid",
        [row.host, name, row.rid],
    )
    rids = [int(str(r[0])) for r in found]
    before = sum(rid <= row.rid for rid in rids)
    cut = before == most or len(rids) - before == most
    return Related(f"the same file name: {name}", rids, cut)


def _logon(case: Case, row: Row, logon: str) -> list[int]:
    places: list[tuple[str | None, str]] = []
    for table, column in processes.tables_with(case, LOGON_COLUMNS):
        found = case.rows(
            f'SELECT DISTINCT source_id, record_offset::VARCHAR FROM "{table}"'
            f' WHERE "{column}"::VARCHAR = ? AND host IS NOT DISTINCT FROM ? LIMIT {SAME_MOST}',
            [logon, row.host],
        )
        places += [(str(s), str(a)) for s, a in found]
    return timeline.of_addresses(case, places)


def as_json(records: Sequence[Sequence[Field]]) -> str:
    """Fields of a row as JSON, exact values as text, absent ones left out."""
    plain = [{f.name: f.shown for f in r if f.value is not None} for r in records]
    return json.dumps(plain[0] if len(plain) == 1 else plain, indent=2, ensure_ascii=True)
