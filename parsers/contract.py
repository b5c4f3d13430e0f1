"""What a parser takes and gives. Every module under `parsers` keeps to this.

A parser gets an `Artifact` (a named, seekable, read-only stream of bytes) and yields `Batch` and `Problem` objects.
It opens no path, prints nothing, raises nothing for bad bytes, and holds at most one block plus one batch in memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

if TYPE_CHECKING:
    import polars as pl

BATCH_BYTES = 16 << 20
"""Aimed size of one batch: large enough for DuckDB's row groups, small enough for a bounded queue."""


class Sql(StrEnum):
    """Column types of the case file (DuckDB names)."""

    TEXT = "VARCHAR"
    BOOL = "BOOLEAN"
    U8 = "UTINYINT"
    U16 = "USMALLINT"
    U32 = "UINTEGER"
    U64 = "UBIGINT"
    I32 = "INTEGER"
    I64 = "BIGINT"
    FLOAT = "DOUBLE"
    TIME = "TIMESTAMP_NS"
    BLOB = "BLOB"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type, and what it means (unit, zone and source of the fact where not obvious).

    `packed` is for long texts of which each is much like the last (JSON, scripts): zstd takes a quarter of the space
    and half the time of the case file's own choice.
    """

    name: str
    type: Sql
    comment: str
    packed: bool = False


HOST = Column(
    "host", Sql.TEXT, "Host the row speaks of: NetBIOS name, upper case; from inside the evidence"
)
SOURCE_ID = Column("source_id", Sql.TEXT, "Artifact the row was read from (source.source_id)")


@dataclass(frozen=True, slots=True)
class Moment:
    """One kind of timeline row that a table gives: a row of the table is one for each of its moments whose time is set.

    `time` names the column, `kind` is the word users filter by ("lnk_target_modified"), `summary` a DuckDB expression
    over the table's columns that gives the row's line of text; `where` an optional condition over them. `joined` is an
    optional SQL relation to read instead of the table, where the line needs another table (all the columns and more).
    """

    time: str
    kind: str
    summary: str
    where: str | None = None
    joined: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Declaration of one evidence table.

    `address` names the column that leads back to the row's bytes inside its source (a byte offset or record number).
    `time` names the table's main time, if any; `moments` says which rows of the timeline it gives. `host` and
    `source_id` are added by the case where the frame does not carry them: a parser declares them only if it fills them.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    address: str
    time: str | None = None
    moments: tuple[Moment, ...] = ()

    def column_names(self) -> list[str]:
        """Names in order of declaration."""
        return [c.name for c in self.columns]


class Severity(StrEnum):
    """How much a problem costs: nothing lost, something doubtful, something lost."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Problem:
    """A skip, a repair or a doubt. `place` is an address inside the artifact ("offset 69632", "record 5").

    `code` is a stable word in lower_snake_case; `expected` and `found` are short texts.
    """

    code: str
    place: str
    expected: str
    found: str
    message: str
    severity: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table. The frame has a subset of the table's columns, in any order; what lacks is NULL."""

    table: str
    frame: "pl.DataFrame"


class Opener(Protocol):
    """Gives a fresh seekable binary stream at each call."""

    def __call__(self) -> BinaryIO:
        """Open."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open time window [since, until) in ns since 1970 UTC; None = open end. Cuts rows at ingest."""

    since_ns: int | None = None
    until_ns: int | None = None

    def __bool__(self) -> bool:
        return self.since_ns is not None or self.until_ns is not None


@dataclass(frozen=True, slots=True)
class Artifact:
    """One stream of evidence as a parser sees it.

    `name` is the file's own name with collectors' escapes undone; `windows_path` its canonical path on the Windows
    volume, if the layout tells it; `size` its length in bytes; `open` gives a new stream over it; `beside` are the files
    of the same folder that belong to it, as the parser's `BESIDE` asks (transaction logs of a hive); `earlier` says what
    earlier state of the host it is of, if its place tells ("a shadow copy").
    """

    name: str
    open: Opener
    size: int
    windows_path: str | None = None
    window: Window = field(default_factory=Window)
    beside: tuple["Artifact", ...] = ()
    earlier: str | None = None


class Parser(Protocol):
    """One artifact type. Modules of `parsers` satisfy this protocol themselves.

    A module may also have `BESIDE`, a tuple of regular expressions (matched whole, ignoring case; `{name}` stands for
    the artifact's own name): files of the same folder that are handed over in `Artifact.beside`; `NAMES_HOST = True`
    where its rows carry the name of the host they speak of; `LABEL`, the word for its rows in the timeline; and `HOST_WITNESS = True` where that name holds for the
    files around it too.
    """

    KIND: str
    VERSION: int
    TABLES: tuple[Table, ...]

    def recognise(self, name: str, head: bytes) -> bool:
        """Whether the artifact is this parser's. `head` holds the first 34,816 bytes at most."""
        ...

    def parse(self, artifact: Artifact) -> Iterator[Batch | Problem]:
        """Read the artifact."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of an artifact from `start` up to `stop`, not included; None: to the end."""

    start: int = 0
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class Carry:
    """What a part leaves for the joining of all parts. `state` is the parser's own, small, and can be pickled."""

    state: object


@runtime_checkable
class Splitting(Protocol):
    """What a parser has besides if several workers may read one artifact at the same time.

    The rows of all parts in their order and then those of `join` are the rows of `parse`, in the same order.
    """

    def parts(self, artifact: Artifact, least: int, most: int) -> Sequence[Part]:
        """Where to cut: parts that follow each other without a gap, of about `least` bytes or more, at most `most`.

        The answer rests on the bytes alone, so that it is the same with any number of workers. One part: not to be cut.
        """
        ...

    def parse_part(self, artifact: Artifact, part: Part) -> Iterator[Batch | Problem | Carry]:
        """Read one part; its one `Carry` comes last, and is absent where the artifact cannot be opened."""
        ...

    def join(
        self, artifact: Artifact, parts: Sequence[Part], carried: Sequence[object | None]
    ) -> Iterator[Batch | Problem]:
        """What only the whole artifact tells, from the states of its parts; None: that part was lost."""
        ...
