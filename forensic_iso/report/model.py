"""The report as plain values. All forms (HTML, Markdown, JSON, PDF) are rendered from it, so they cannot disagree.

Times are ISO 8601 text in UTC with `Z`. Strings are evidence as read (never escaped here): each form makes them safe.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum

SCHEMA_VERSION = 1

Value = str | int | float | bool | None


class Kind(StrEnum):
    """How a column is to be read and shown."""

    TEXT = "text"
    TIME = "time"
    NUMBER = "number"
    CODE = "code"
    INDICATOR = "indicator"


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a listing."""

    name: str
    title: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of one table. `total` counts all, `rows` holds the first of them; `query` gives them again."""

    name: str
    title: str
    fields: tuple[Field, ...]
    rows: tuple[tuple[Value, ...], ...]
    total: int
    query: str = ""
    note: str = ""

    @property
    def left_out(self) -> int:
        """Rows that are not shown here."""
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True)
class Fact:
    """A named value of the heading or of a finding."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Step:
    """A link of the chain: whether it was seen, when, in how many rows, and how sure."""

    name: str
    seen: bool
    time_utc: str | None
    rows: int
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A thing on a lane at a time, or from a time to another (`until_utc`)."""

    time_utc: str
    label: str
    until_utc: str | None = None
    open_start: bool = False
    open_end: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of a timeline."""

    name: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A timeline of lanes. `description` says in words what it shows."""

    name: str
    title: str
    description: str
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Process:
    """A process of a tree."""

    path: str
    command_line: str | None
    pid: int | None
    user_name: str | None
    time_utc: str | None
    role: str
    children: tuple["Process", ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One image on one host."""

    finding_id: str
    host: str
    image_path: str
    verdict: str
    severity: str
    score: float
    confidence: float | None
    first_utc: str | None
    last_utc: str | None
    sentence: str
    chain: tuple[Step, ...]
    facts: tuple[Fact, ...]
    story: str
    listings: tuple[Listing, ...]
    processes: tuple[Process, ...]
    chart: Chart | None
    notes: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Host:
    """What was seen of one host."""

    name: str
    sentence: str
    findings: tuple[str, ...]
    chart: Chart | None
    listings: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class Indicator:
    """A value to look for elsewhere. `basis` says which row of which finding supports it."""

    type: str
    value: str
    severity: str
    finding_id: str
    host: str
    time_utc: str | None
    basis: str


@dataclass(frozen=True, slots=True)
class Sigma:
    """Which Sigma rules of the user the rows of the case met; `sentence` says how many were run."""

    sentence: str
    hits: Listing
    not_run: Listing


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report, in the order of its sections."""

    schema_version: int
    title: str
    tlp: str
    identification: tuple[Fact, ...]
    summary: tuple[str, ...]
    unseen: tuple[str, ...]
    figures: tuple[Fact, ...]
    overview: Listing
    hosts: tuple[Host, ...]
    findings: tuple[Finding, ...]
    timeline: Listing
    indicators: tuple[Indicator, ...]
    techniques: Listing
    sigma: Sigma | None
    notes: Listing
    coverage: Listing
    limits: tuple[str, ...]
    manifest: Listing
    problems: Listing
    method: tuple[Fact, ...]
    parsers: Listing
    rules: Listing
    glossary: tuple[Fact, ...]
    queries: tuple[Fact, ...]


def as_dict(report: Report) -> dict[str, object]:
    """The report as nested dictionaries and lists."""
    return asdict(report)
