"""The sorted table `timeline`: one row for each time of each row of evidence and of the answers."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import duckdb

from forensic_iso.correlate.schema import DERIVED_TABLES, TIMELINE
from forensic_iso.correlate.tables import with_rows
from parsers.contract import Moment, Table
from parsers.registry import PARSERS

SUMMARY_CHARS = 500

LOG_WORD = "coalesce(regexp_replace(channel, '^Microsoft-Windows-|(-|/)Operational$', '', 'g'), provider, 'Event log')"
"""A log's channel as users say it: Sysmon, VHDMP, Partition/Diagnostic."""

KIND_SEVERITY = {"log_clear": 3, "defender": 3, "clock_change": 1, "finding": 1}
LEVEL_SEVERITY = "CASE level WHEN 1 THEN 2 WHEN 2 THEN 2 WHEN 3 THEN 1 ELSE 0 END"

SLICE = 2_000_000
"""Rows that are put in order at once."""
FIRST, LAST = "-infinity", "infinity"
"""Bounds of all times."""

_INSERT = """
INSERT INTO {table}
SELECT row_number() OVER () - 1 + $1, * EXCLUDE (number) FROM (
    SELECT
        m.time_utc, m.host, m.source, m.event_id, m.kind,
        greatest(m.severity, coalesce(s.severity, 0))::UTINYINT AS severity,
        m.summary, m.source_id, m.table_name, m.row_address, m.number
    FROM ({moments}) AS m
    LEFT JOIN supporting AS s
        ON s.row_address = m.row_address
        AND s.source_id IS NOT DISTINCT FROM m.source_id
        AND (s.table_name IS NULL OR s.table_name = m.table_name)
    ORDER BY m.time_utc, m.host, m.source_id, m.number, m.table_name, m.row_address, m.kind
)
"""

SUPPORTING = """
CREATE OR REPLACE TEMP TABLE supporting AS
WITH graded AS (
    SELECT finding_id, list_position(['info', 'low', 'medium', 'high', 'critical'], severity)::UTINYINT AS severity
    FROM finding
),
subject AS (
    SELECT finding_id AS subject_id, severity FROM graded
    UNION ALL SELECT part_id, severity FROM finding_part JOIN graded USING (finding_id)
)
SELECT source_id, table_name, row_address, max(severity) AS severity
FROM evidence_ref JOIN subject USING (subject_id)
GROUP BY ALL
UNION ALL
SELECT NULL, NULL, subject_id, max(severity) FROM subject GROUP BY subject_id;
"""
"""Rows that findings rest on, with the findings' severity; the findings' own parts have no source."""


def labels() -> list[tuple[Table, str | None]]:
    """Tables that give rows of the timeline, with the word for their source; None: a log's channel."""
    named: dict[str, tuple[Table, str | None]] = {}
    for parser in PARSERS:
        for table in parser.TABLES:
            if table.moments:
                is_log = "channel" in table.column_names()
                label = None if is_log else str(getattr(parser, "LABEL", parser.KIND))
                named.setdefault(table.name, (table, label))
    derived = [
        (t, "Start of system" if t.name == "boot" else "Finding")
        for t in DERIVED_TABLES
        if t.moments
    ]
    return [*named.values(), *derived]


def shared_labels() -> dict[str, dict[str, str]]:
    """Words for the sources of tables that parsers of several words fill, by the kind of artifact."""
    words: dict[str, dict[str, str]] = {}
    for parser in PARSERS:
        for table in parser.TABLES:
            words.setdefault(table.name, {})[parser.KIND] = str(
                getattr(parser, "LABEL", parser.KIND)
            )
    return {name: kinds for name, kinds in words.items() if len(set(kinds.values())) > 1}


def _source(table: Table, label: str | None) -> str:
    """The word for a row's source; of a table that several parsers fill, by the row's artifact."""
    if label is None:
        return LOG_WORD
    kinds = shared_labels().get(table.name)
    if kinds is None:
        return _quoted(label)
    cases = " ".join(f"WHEN {_quoted(kind)} THEN {_quoted(word)}" for kind, word in kinds.items())
    of_kind = f"CASE any_value(s.kind) {cases} END"
    return f"coalesce((SELECT {of_kind} FROM source s WHERE s.source_id = t.source_id), {_quoted(label)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _severity(table: Table, moment: Moment) -> str:
    kind = KIND_SEVERITY.get(moment.kind, 0)
    own = LEVEL_SEVERITY if "level" in table.column_names() else "0"
    return f"greatest({own}, {kind})"


def _select(table: Table, label: str | None, moment: Moment, *, derived: bool) -> str:
    names = table.column_names()
    columns = (
        f'"{moment.time}" AS time_utc',
        "host",
        f"{_source(table, label)} AS source",
        f"{'event_id' if 'event_id' in names else 'NULL'}::UINTEGER AS event_id",
        f"{_quoted(moment.kind)} AS kind",
        f"{_severity(table, moment)}::UTINYINT AS severity",
        f"left({moment.summary}, {SUMMARY_CHARS}) AS summary",
        f"{'NULL' if derived else 'source_id'} AS source_id",
        f"{_quoted(table.name)} AS table_name",
        f'"{table.address}" AS address',
    )
    condition = f" AND ({moment.where})" if moment.where else ""
    relation = moment.joined or f'"{table.name}"'
    # The stretch of time stands beside the table: its rows of other times are then not worded.
    stretch = f'"{moment.time}" >= $2::TIMESTAMP_NS AND "{moment.time}" < $3::TIMESTAMP_NS'
    return f"SELECT {', '.join(columns)} FROM {relation} AS t WHERE {stretch}{condition}"


def selects(tables: Sequence[tuple[Table, str | None]]) -> Iterator[str]:
    """One query per moment."""
    derived = {t.name for t in DERIVED_TABLES}
    for table, label in tables:
        for moment in table.moments:
            yield _select(table, label, moment, derived=table.name in derived)


def build(con: duckdb.DuckDBPyConnection) -> int:
    """Fill the table `timeline`, which is there and empty. Returns its number of rows.

    Rows of equal time stand in the order of their host, source, table and address. Rows without a time are not in it.
    """
    con.execute(SUPPORTING)
    told = labels()
    filled = with_rows(con, [table.name for table, _ in told])
    # Tables without rows would be planned for nothing; the first one stands for none at all.
    moments = "\nUNION ALL\n".join(
        _addressed(selects([pair for pair in told if pair[0].name in filled] or told[:1]))
    )
    rows = 0
    for first, last in _slices(con, moments):
        con.execute(_INSERT.format(table=TIMELINE.name, moments=moments), [rows, first, last])
        row = con.execute(f"SELECT count(*) FROM {TIMELINE.name}").fetchone()
        rows = int(row[0]) if row else 0
    con.execute("DROP TABLE supporting")
    return rows


def _slices(con: duckdb.DuckDBPyConnection, moments: str) -> Iterator[tuple[str, str]]:
    """Stretches of time [from, to) of about `SLICE` rows each: what is put in order at once fits into memory."""
    times = f"(SELECT epoch_ns(time_utc) AS ns FROM (SELECT $1, * FROM ({moments})))"
    every = [0, FIRST, LAST]
    row = con.execute(f"SELECT count(*) FROM {times}", every).fetchone()
    parts = int(row[0]) // SLICE + 1 if row else 1
    cuts: list[str] = []
    if parts > 1:
        at = ", ".join(str(number / parts) for number in range(1, parts))
        query = f"SELECT DISTINCT make_timestamp_ns(unnest(approx_quantile(ns, [{at}])))::VARCHAR FROM {times} ORDER BY ALL"
        cuts = [str(cut) for (cut,) in con.execute(query, every).fetchall()]
    yield from pairwise([FIRST, *cuts, LAST])


def _addressed(queries: Iterator[str]) -> Iterator[str]:
    for query in queries:
        yield (
            "SELECT * EXCLUDE (address), address::VARCHAR AS row_address,"
            f" TRY_CAST(address AS BIGINT) AS number FROM ({query})"
        )
