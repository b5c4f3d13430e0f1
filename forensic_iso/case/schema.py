"""Tables of a case: the parsers' own, the derived ones, and the case's books. CREATE and COMMENT from one declaration."""

from collections.abc import Iterable

from forensic_iso import __version__
from forensic_iso.case.version import SCHEMA_VERSION
from forensic_iso.correlate.schema import DERIVED_TABLES
from forensic_iso.sigma.schema import SIGMA_TABLES
from parsers.contract import HOST, SOURCE_ID, Column, Sql, Table
from parsers.registry import all_tables

SOURCE = Table(
    "source",
    "Every file that was handed in, with what became of it",
    (
        Column(
            "source_id",
            Sql.TEXT,
            "Hash of path and sha256: the same file at the same place has the same id",
        ),
        Column(
            "host",
            Sql.TEXT,
            "Host by the evidence itself; the latest name where a log holds several",
        ),
        Column("host_basis", Sql.TEXT, "What the host's name rests on"),
        Column(
            "path",
            Sql.TEXT,
            "Path from the name of what was handed in downwards; containers joined by '!/'",
        ),
        Column(
            "given", Sql.TEXT, "Absolute path of what was handed in, on the machine that read it"
        ),
        Column("windows_path", Sql.TEXT, "Path on the Windows volume, where the layout tells it"),
        Column(
            "container",
            Sql.TEXT,
            "Chain of containers, outermost first, joined by ' > '; NULL: none",
        ),
        Column("bytes", Sql.I64, "Length in bytes"),
        Column("sha256", Sql.TEXT, "SHA-256 of the content, hex; NULL: not recognised, not read"),
        Column("kind", Sql.TEXT, "Kind of artifact; NULL: not recognised"),
        Column("parser_version", Sql.I32, "Version of the parser that read it"),
        Column("state", Sql.TEXT, "pending, done, failed (what was read before is kept), skipped"),
        Column("remark", Sql.TEXT, "Why it was skipped or failed"),
        Column("rows", Sql.I64, "Rows delivered over all tables"),
        Column("problems", Sql.I64, "Problem rows"),
        Column("ingested_utc", Sql.TIME, "When it was read into the case, UTC"),
    ),
    address="source_id",
)

PROBLEM = Table(
    "problem",
    "Every skip, repair or doubt while reading",
    (
        Column("source_id", Sql.TEXT, "Artifact; NULL: a file or container that is no source"),
        Column("path", Sql.TEXT, "Path below what was handed in"),
        Column("place", Sql.TEXT, "Address inside the artifact: offset, chunk, record"),
        Column(
            "severity", Sql.TEXT, "info: nothing lost; warning: doubtful; error: something lost"
        ),
        Column("code", Sql.TEXT, "Stable word for the kind of problem"),
        Column("expected", Sql.TEXT, "What should stand there"),
        Column("found", Sql.TEXT, "What stands there"),
        Column("message", Sql.TEXT, "What was done about it"),
    ),
    address="place",
)

EVENT_COPY = Table(
    "event_copy",
    "Events found more than once (live, archived, exported copies): kept once, all their places here",
    (
        Column("source_id", Sql.TEXT, "Artifact that holds the copy"),
        Column("record_offset", Sql.I64, "Byte offset of the copy in it"),
        Column("kept_source_id", Sql.TEXT, "Artifact of the row that was kept"),
        Column("kept_record_offset", Sql.I64, "Byte offset of the row that was kept"),
    ),
    address="record_offset",
)

CASE_INFO = Table(
    "case_info",
    "What the case is and how it was made",
    (
        Column("key", Sql.TEXT, "schema_version, tool_version, since, until, ..."),
        Column("value", Sql.TEXT, "Value as text"),
    ),
    address="key",
)

BOOKS = (SOURCE, PROBLEM, EVENT_COPY, CASE_INFO)


def with_provenance(table: Table) -> Table:
    """The table as the case stores it: with `host` and `source_id` where the parser does not fill them."""
    names = set(table.column_names())
    extra = tuple(c for c in (HOST, SOURCE_ID) if c.name not in names)
    return Table(
        table.name,
        table.comment,
        (*table.columns, *extra),
        table.address,
        table.time,
        table.moments,
    )


def evidence_tables() -> tuple[Table, ...]:
    """The parsers' tables as stored."""
    return tuple(with_provenance(t) for t in all_tables())


def case_tables() -> tuple[Table, ...]:
    """All tables of a case."""
    return (*BOOKS, *evidence_tables(), *DERIVED_TABLES, *SIGMA_TABLES)


def quote(text: str) -> str:
    """A SQL string literal (names and comments of our own declarations only)."""
    return "'" + text.replace("'", "''") + "'"


def _declared(column: Column) -> str:
    packed = " USING COMPRESSION zstd" if column.packed else ""
    return f'"{column.name}" {column.type.value}{packed}'


def create_sql(tables: Iterable[Table]) -> str:
    """CREATE TABLE and COMMENT statements of the tables."""
    out = []
    for t in tables:
        columns = ", ".join(_declared(c) for c in t.columns)
        out.append(f'CREATE TABLE IF NOT EXISTS "{t.name}" ({columns});')
        out.append(f'COMMENT ON TABLE "{t.name}" IS {quote(t.comment)};')
        out.extend(
            f'COMMENT ON COLUMN "{t.name}"."{c.name}" IS {quote(c.comment)};' for c in t.columns
        )
    return "\n".join(out)


def script() -> str:
    """All statements that make an empty case."""
    from forensic_iso.hunts import views_sql
    from forensic_iso.sigma.support import support_view_sql
    from forensic_iso.sigma.view import sigma_event_sql
    from parsers.evtx.compose import event_view_sql

    versions = (("schema_version", SCHEMA_VERSION), ("tool_version", __version__))
    info = [f"INSERT INTO case_info VALUES ('{key}', '{value}')" for key, value in versions]
    views = (event_view_sql(), sigma_event_sql(), support_view_sql(), views_sql())
    return "\n;\n".join((create_sql(case_tables()), *views, *info))
