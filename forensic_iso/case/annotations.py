"""Notes of the people who work on a case, beside it in `annotations.sqlite`: tags, bookmarks, comments.

Kept by the stable id of a row or finding, never by row number, so that they last when the case is correlated anew.
Several people may write at once, over a network share too (rollback journal, short transactions, a writer waits).
The case file itself is never written.
"""

import getpass
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from forensic_iso.errors import CaseError
from forensic_iso.text import encodable

FILE = "annotations.sqlite"
WAIT_SECONDS = 10.0
"""How long a writer waits for another one."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS annotation (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('tag', 'bookmark', 'comment')),
    value TEXT NOT NULL,
    author TEXT NOT NULL,
    created_utc TEXT NOT NULL,
    about TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS annotation_once ON annotation (subject, kind, value, author)
    WHERE kind <> 'comment';
CREATE INDEX IF NOT EXISTS annotation_subject ON annotation (subject);
CREATE TABLE IF NOT EXISTS saved (
    kind TEXT NOT NULL CHECK (kind IN ('filters', 'query')),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    author TEXT NOT NULL,
    created_utc TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE TABLE IF NOT EXISTS asked (
    id INTEGER PRIMARY KEY,
    query TEXT NOT NULL,
    author TEXT NOT NULL,
    asked_utc TEXT NOT NULL
);
"""
TABLES = ("annotation", "saved", "asked")
NEEDED = ("annotation", "saved")
"""Tables without which nothing works; notes of earlier versions that cannot be written have these alone."""

ASKED_MOST = 200
"""Queries of one person that are remembered."""


class Kind(StrEnum):
    """Kinds of annotation."""

    TAG = "tag"
    BOOKMARK = "bookmark"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One note. `about` is the row's or finding's line when the note was made; `created_utc` ISO 8601."""

    id: int
    subject: str
    kind: Kind
    value: str
    author: str
    created_utc: str
    about: str


def default_author() -> str:
    """Name of the person at the keyboard."""
    try:
        return os.environ.get("FORENSIC_ISO_AUTHOR") or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def row_subject(source_id: str | None, table: str, kind: str, time_ns: int, address: str) -> str:
    """Stable id of a row of the timeline."""
    return f"row/{source_id or '-'}/{table}/{kind}/{time_ns}/{address}"


def finding_subject(finding_id: str) -> str:
    """Stable id of a finding."""
    return f"finding/{finding_id}"


def _make(con: sqlite3.Connection, needed: bool) -> None:
    """Make the tables that are missing; where that cannot be done and is not `needed`, go on without.

    Raises:
        sqlite3.Error: it is needed.
    """
    try:
        con.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
    except sqlite3.Error:
        if needed:
            raise


class Annotations:
    """The notes of one case. Each call opens, acts and closes: safe from any thread and process."""

    def __init__(self, case: Path, author: str | None = None) -> None:
        self._path = case / FILE
        self.author = author or default_author()

    @property
    def there(self) -> bool:
        """Whether anyone has noted anything yet; reading makes no file."""
        return self._path.is_file()

    @property
    def stamp(self) -> tuple[int, int] | None:
        """Time and size of the file, which change whenever anyone writes; None where there is none."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _open(self) -> sqlite3.Connection:
        try:
            con = sqlite3.connect(self._path, timeout=WAIT_SECONDS, isolation_level=None)
        except sqlite3.Error as e:
            raise self._fault("opening", e) from e
        try:
            # No write-ahead log: entering it does not wait for others; it fails on network shares.
            rows = con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            there = {name for (name,) in rows}
            if not there.issuperset(TABLES):
                _make(con, needed=not there.issuperset(NEEDED))
        except sqlite3.Error as e:
            con.close()
            raise self._fault("opening", e) from e
        return con

    def _fault(self, what: str, e: sqlite3.Error) -> CaseError:
        return CaseError(
            f"{what} the notes {self._path}: {e}; is the folder writable and the file whole?"
        )

    def _run(self, query: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        con = self._open()
        try:
            return con.execute(query, tuple(values)).fetchall()
        except sqlite3.Error as e:
            raise self._fault("using", e) from e
        finally:
            con.close()

    def add(self, subject: str, kind: Kind, value: str, about: str) -> None:
        """Note something; the same tag or bookmark of one person is kept once.

        Raises:
            CaseError: the notes cannot be written.
        """
        texts = [encodable(t) for t in (subject, kind.value, value, self.author, _now(), about)]
        self._run(
            "INSERT INTO annotation (subject, kind, value, author, created_utc, about)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            texts,
        )

    def remove(self, note: int) -> None:
        """Take a note away."""
        self._run("DELETE FROM annotation WHERE id = ?", [note])

    def toggle(self, subject: str, kind: Kind, value: str, about: str) -> bool:
        """Add a tag or bookmark, or take it away where it is; whether it is there now."""
        mine = [
            a
            for a in self.of(subject)
            if (a.kind, a.value, a.author) == (kind, encodable(value), encodable(self.author))
        ]
        for a in mine:
            self.remove(a.id)
        if not mine:
            self.add(subject, kind, value, about)
        return not mine

    def of(self, subject: str) -> list[Annotation]:
        """Notes of one row or finding, oldest first."""
        return [a for a in self.all() if a.subject == encodable(subject)] if self.there else []

    def all(self) -> list[Annotation]:
        """All notes, oldest first."""
        if not self.there:
            return []
        rows = self._run(
            "SELECT id, subject, kind, value, author, created_utc, about FROM annotation ORDER BY id",
            [],
        )
        return [
            Annotation(int(str(i)), str(s), Kind(str(k)), str(v), str(a), str(c), str(b))
            for i, s, k, v, a, c, b in rows
        ]

    def save(self, kind: str, name: str, value: str) -> None:
        """Keep filters or a query by name, in place of what had the name."""
        self._run(
            "INSERT OR REPLACE INTO saved VALUES (?, ?, ?, ?, ?)",
            [kind, *(encodable(t) for t in (name, value, self.author)), _now()],
        )

    def forget(self, kind: str, name: str) -> None:
        """Drop what is kept by that name."""
        self._run("DELETE FROM saved WHERE kind = ? AND name = ?", [kind, name])

    def saved(self, kind: str) -> list[tuple[str, str]]:
        """Names and values of what is kept, by name."""
        if not self.there:
            return []
        rows = self._run("SELECT name, value FROM saved WHERE kind = ? ORDER BY name", [kind])
        return [(str(n), str(v)) for n, v in rows]

    def remember(self, query: str) -> None:
        """Keep a query that this person asked, as the last one."""
        mine = encodable(self.author)
        self._run("DELETE FROM asked WHERE author = ? AND query = ?", [mine, encodable(query)])
        self._run(
            "INSERT INTO asked (query, author, asked_utc) VALUES (?, ?, ?)",
            [encodable(query), mine, _now()],
        )
        self._run(
            "DELETE FROM asked WHERE author = ?1 AND id NOT IN"
            " (SELECT id FROM asked WHERE author = ?1 ORDER BY id DESC LIMIT ?2)",
            [mine, ASKED_MOST],
        )

    def asked(self) -> list[str]:
        """Queries that this person asked, the last one last."""
        if not self.there:
            return []
        rows = self._run(
            "SELECT query FROM asked WHERE author = ? ORDER BY id", [encodable(self.author)]
        )
        return [str(q) for (q,) in rows]
