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
"""


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


class Annotations:
    """The notes of one case. Each call opens, acts and closes: safe from any thread and process."""

    def __init__(self, case: Path, author: str | None = None) -> None:
        self._path = case / FILE
        self.author = author or default_author()

    @property
    def there(self) -> bool:
        """Whether anyone has noted anything yet; reading makes no file."""
        return self._path.is_file()

    def _open(self) -> sqlite3.Connection:
        try:
            con = sqlite3.connect(self._path, timeout=WAIT_SECONDS, isolation_level=None)
        except sqlite3.Error as e:
            raise self._fault("opening", e) from e
        try:
            # No write-ahead log: entering it does not wait for others; it fails on network shares.
            made = con.execute("SELECT 1 FROM sqlite_master WHERE name = 'saved'").fetchall()
            if not made:
                con.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
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
