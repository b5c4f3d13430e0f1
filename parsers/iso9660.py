"""The inside of ISO 9660 images (Joliet where there is one): every file with its hashes, and the volume's serial.

Source of the layout: ECMA-119; of the serial and of which descriptor Windows takes: the published CDFS driver sample.
The whole image is not held: directories and file contents are read by extent, each bounded by the image's size.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import BinaryIO

import polars as pl

from parsers.contract import Artifact, Batch, Column, Problem, Severity, Sql, Table

KIND = "iso9660"
VERSION = 1

SECTOR = 2048
FIRST_DESCRIPTOR = 16
MAX_DESCRIPTORS = 64
MAX_ENTRIES = 1_000_000
"""Files and folders of one image; the largest real discs hold some hundred thousand."""
MAX_DEPTH = 255
MAX_DIRECTORY_BYTES = 64 << 20
READ_BYTES = 1 << 20
JOLIET = (b"%/@", b"%/C", b"%/E")
HIDDEN, DIRECTORY, MULTI_EXTENT = 1, 2, 0x80

IMAGE_CONTENT = Table(
    "image_content",
    "Files inside disk images that were found in the evidence",
    (
        Column(
            "path", Sql.TEXT, "Path below the root of the image, backslashes, without a leading one"
        ),
        Column("name", Sql.TEXT, "Name of the file or folder"),
        Column("is_directory", Sql.BOOL, "It is a folder"),
        Column("hidden", Sql.BOOL, "Hidden flag of the directory record"),
        Column("size_bytes", Sql.I64, "Length of the file"),
        Column(
            "recorded_utc",
            Sql.TIME,
            "Time in the directory record, UTC by its own offset; set by the image's maker",
        ),
        Column(
            "md5",
            Sql.TEXT,
            "MD5 of the content, upper-case hex; NULL: not all of it is in the image",
        ),
        Column("sha1", Sql.TEXT, "SHA-1 of the content"),
        Column("sha256", Sql.TEXT, "SHA-256 of the content"),
        Column("volume_label", Sql.TEXT, "Label of the volume as Windows shows it"),
        Column("volume_serial", Sql.TEXT, "Serial of the volume as Windows shows it, XXXX-XXXX"),
        Column("name_form", Sql.TEXT, "joliet or iso9660: which names were read"),
        Column("extent_offset", Sql.I64, "Byte offset of the content in the image"),
        Column("record_offset", Sql.I64, "Byte offset of the directory record in the image"),
    ),
    address="record_offset",
)
TABLES = (IMAGE_CONTENT,)


def recognise(name: str, head: bytes) -> bool:
    """The first volume descriptor at sector 16, whatever the file's name."""
    at = FIRST_DESCRIPTOR * SECTOR
    return head[at + 1 : at + 6] == b"CD001"


@dataclass(frozen=True, slots=True)
class _Volume:
    root: tuple[int, int]
    label: str
    serial: str
    joliet: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    name: str
    flags: int
    extents: tuple[tuple[int, int], ...]
    recorded: datetime | None
    offset: int


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per file and folder of the image."""
    with artifact.open() as stream:
        reader = _Reader(stream, artifact.size)
        volume = reader.volume()
        if volume is not None:
            rows = [reader.row(e, volume) for e in reader.walk(volume)]
            yield Batch(IMAGE_CONTENT.name, pl.DataFrame(rows, schema=IMAGE_CONTENT.schema()))
        yield from reader.problems


class _Reader:
    """Reads one image; keeps the problems it meets."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size = stream, size
        self.problems: list[Problem] = []

    def _problem(self, code: str, at: int, expected: str, found: str, message: str) -> None:
        self.problems.append(
            Problem(code, f"offset {at}", expected, found, message, Severity.WARNING)
        )

    def _read(self, at: int, n: int) -> bytes:
        if at < 0 or at >= self._size:
            return b""
        self._stream.seek(at)
        return self._stream.read(min(n, self._size - at))

    def volume(self) -> _Volume | None:
        """The descriptor that Windows takes: the first Joliet one, else the primary one."""
        primary: _Volume | None = None
        for number in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + MAX_DESCRIPTORS):
            sector = self._read(number * SECTOR, SECTOR)
            if len(sector) < SECTOR or sector[1:6] != b"CD001" or sector[0] == 255:
                break
            joliet = sector[0] == 2 and sector[88:91] in JOLIET
            if joliet:
                return _volume(sector, True)
            if sector[0] == 1 and primary is None:
                primary = _volume(sector, False)
        if primary is None:
            at = FIRST_DESCRIPTOR * SECTOR
            self._problem(
                "iso_no_volume", at, "a primary volume descriptor", "none", "nothing can be listed"
            )
        return primary

    def walk(self, volume: _Volume) -> Iterator[_Entry]:
        """All entries, breadth first. A folder whose extent was read before is not read again."""
        todo, seen, count = [("", volume.root, 0)], set(), 0
        while todo:
            above, (start, length), depth = todo.pop(0)
            if start in seen or depth > MAX_DEPTH:
                self._problem(
                    "iso_directory_loop",
                    start,
                    "a folder not read before",
                    above or "root",
                    "not read again",
                )
                continue
            seen.add(start)
            for entry in self._directory(above, start, length, volume.joliet):
                count += 1
                if count > MAX_ENTRIES:
                    self._problem(
                        "iso_too_many_entries",
                        start,
                        f"at most {MAX_ENTRIES}",
                        "more",
                        "the rest is left out",
                    )
                    return
                yield entry
                if entry.flags & DIRECTORY:
                    todo.append((entry.path, entry.extents[0], depth + 1))

    def _directory(self, above: str, start: int, length: int, joliet: bool) -> Iterator[_Entry]:
        data = self._read(start, min(length, MAX_DIRECTORY_BYTES))
        if len(data) < length:
            self._problem(
                "iso_directory_cut",
                start,
                f"{length} bytes",
                f"{len(data)} bytes",
                "read as far as it goes",
            )
        at, parts = 0, []
        while at < len(data):
            n = data[at]
            if n == 0:  # records do not cross sectors: the rest of this one is empty
                at = (at // SECTOR + 1) * SECTOR
                continue
            record = data[at : at + n]
            if n < 34 or len(record) < n or 33 + record[32] > n:
                self._problem(
                    "iso_record_broken",
                    start + at,
                    "a directory record",
                    f"{n} bytes",
                    "rest of the sector skipped",
                )
                at = (at // SECTOR + 1) * SECTOR
                continue
            raw = record[33 : 33 + record[32]]
            if raw not in (b"\0", b"\1"):
                extent, size = struct.unpack_from("<I4xI", record, 2)
                parts.append((extent * SECTOR, size))
                if not record[25] & MULTI_EXTENT:
                    name = _name(raw, joliet)
                    path = f"{above}\\{name}" if above else name
                    yield _Entry(
                        path, name, record[25], tuple(parts), _moment(record[18:25]), start + at
                    )
                    parts = []
            at += n

    def row(self, e: _Entry, volume: _Volume) -> dict[str, object]:
        """The entry as a row; its content is hashed if all of it is there."""
        folder = bool(e.flags & DIRECTORY)
        size = 0 if folder else sum(n for _, n in e.extents)
        digests = (None, None, None) if folder else self._hashes(e)
        return {
            "path": e.path,
            "name": e.name,
            "is_directory": folder,
            "hidden": bool(e.flags & HIDDEN),
            "size_bytes": size,
            "recorded_utc": e.recorded,
            "md5": digests[0],
            "sha1": digests[1],
            "sha256": digests[2],
            "volume_label": volume.label,
            "volume_serial": volume.serial,
            "name_form": "joliet" if volume.joliet else "iso9660",
            "extent_offset": e.extents[0][0],
            "record_offset": e.offset,
        }

    def _hashes(self, e: _Entry) -> tuple[str | None, str | None, str | None]:
        md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
        sha256 = hashlib.sha256()
        for start, length in e.extents:
            if start + length > self._size:
                self._problem(
                    "iso_file_cut",
                    e.offset,
                    f"{length} bytes at {start}",
                    f"an image of {self._size}",
                    f"no hash of {e.path}",
                )
                return None, None, None
            for at in range(start, start + length, READ_BYTES):
                block = self._read(at, min(READ_BYTES, start + length - at))
                for digest in (md5, sha1, sha256):
                    digest.update(block)
        return md5.hexdigest().upper(), sha1.hexdigest().upper(), sha256.hexdigest().upper()


def _volume(sector: bytes, joliet: bool) -> _Volume:
    extent, size = struct.unpack_from("<I4xI", sector, 158)
    raw = sector[40:72]
    label = raw.decode("utf-16-be", "replace") if joliet else raw.decode("cp1252", "replace")
    return _Volume((extent * SECTOR, size), label.rstrip("\0 "), serial(sector), joliet)


def serial(sector: bytes) -> str:
    """Volume serial of a descriptor: four byte sums over its lanes, lane 0 most significant, no carry."""
    sums = [sum(sector[lane::4]) & 255 for lane in range(4)]
    return f"{sums[0]:02X}{sums[1]:02X}-{sums[2]:02X}{sums[3]:02X}"


def _name(raw: bytes, joliet: bool) -> str:
    """Name without version (`;1`) and, in plain ISO 9660, without the point of an empty extension."""
    name = raw.decode("utf-16-be", "replace") if joliet else raw.decode("cp1252", "replace")
    name = name.split(";", 1)[0]
    return name if joliet else name.rstrip(".") or name


def _moment(raw: bytes) -> datetime | None:
    """Seven bytes: years since 1900, month, day, hour, minute, second, offset in quarter hours. None: not set or no time."""
    year, month, day, hour, minute, second = raw[:6]
    quarter = raw[6] - 256 if raw[6] > 127 else raw[6]
    try:
        zone = timezone(timedelta(minutes=15 * quarter))
        moment = datetime(1900 + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None)
