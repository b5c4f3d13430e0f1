"""Which columns of a listing stand in its row, and which in a line below it: a page is not wide enough for all of them."""

from forensic_iso.report import fields
from forensic_iso.report.model import Field, Listing

MAIN: dict[str, tuple[str, ...]] = {
    "deliveries": ("time_utc", "trace", "zone_id", "host_url", "confidence"),
    "sessions": ("opened_utc", "closed_utc", "volume", "user_sid", "confidence"),
    "executions": ("time_utc", "kind", "process_path", "user_name", "confidence"),
    "follow_on": ("time_utc", "kind", "value", "confidence"),
    "image_content": ("path", "size_bytes", "recorded_utc", "hidden", "run", "record_offset"),
    "evidence": ("step", "role", "table_name", "row_address", "record_id", "path"),
    "overview": ("severity", "verdict", "host", "image_path", "first_utc", "score", "confidence"),
    "timeline": ("time_utc", "host", "source", "kind", "summary"),
    "coverage": ("host", "channel", "first_utc", "last_utc", "records", "gaps", "cleared"),
    "read": ("channel", "first_utc", "last_utc", "records", "gaps", "cleared"),
    "manifest": ("source_id", "host", "path", "kind", "state", "bytes", "rows"),
    "problems": ("severity", "code", "number", "path"),
    "notes": ("time_utc", "author", "tags", "text"),
    "sigma": ("time_utc", "level", "title", "basis"),
    "sigma_rules": ("level", "title", "hits", "in_findings", "hosts", "first_utc", "last_utc"),
}
"""Columns of the row by the name of the listing; a listing that is not named has all of its columns there."""
SHAPES: dict[str, tuple[Field, ...]] = {
    "deliveries": fields.DELIVERY,
    "sessions": fields.SESSION,
    "executions": fields.EXECUTION,
    "follow_on": fields.FOLLOW_ON,
    "image_content": fields.CONTENT,
    "evidence": fields.EVIDENCE,
    "overview": fields.OVERVIEW,
    "timeline": fields.TIMELINE,
    "coverage": fields.COVERAGE,
    "read": fields.READ,
    "manifest": fields.MANIFEST,
    "problems": fields.PROBLEMS,
    "notes": fields.NOTES,
    "sigma": fields.SIGMA,
    "sigma_rules": fields.SIGMA_RULES,
    "sigma_not_run": fields.SIGMA_NOT_RUN,
    "techniques": fields.TECHNIQUES,
    "parsers": fields.PARSERS,
    "rules": fields.RULES,
}
"""Columns of each listing by its name."""
INDICATORS = ("Type", "Value", "Severity", "Host", "Time", "Basis", "Finding")
HOSTS = (
    "Worst",
    "Host",
    "Findings",
    "Worst image",
    "Artifacts",
    "Rows",
    "Problems",
    "Case",
    "Remark",
)
COLLECTIONS = ("Worst", "Collection", "Hosts", "Findings", "Worst image", "Artifacts", "Rows", "Problems", "Case", "Remark")  # fmt: skip


def shape(one: Listing) -> str:
    """The name of a listing without its number."""
    return one.name.split("-", 1)[0]


def split(one: Listing) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Places of the columns in the row and in the line below it."""
    return _split(shape(one), one.fields)


def _split(name: str, given: tuple[Field, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    names = [f.name for f in given]
    main = MAIN.get(name, tuple(names))
    row = tuple(names.index(n) for n in main)
    return row, tuple(i for i in range(len(names)) if i not in row)


def labels() -> dict[str, tuple[str, ...]]:
    """Titles of the columns in the row of each table, by the name of its shape: they stand beside the cells on small screens."""
    own = {n: tuple(given[i].title for i in _split(n, given)[0]) for n, given in SHAPES.items()}
    return {**own, "indicators": INDICATORS, "collections": COLLECTIONS, "hosts": HOSTS}
