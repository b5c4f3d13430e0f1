r"""Builds an NTFS $MFT from a small tree of files. Shares no code with the parser it tests.

Layout facts: MS-FSCC 2.4 (attribute flags), "NTFS documentation" of the linux-ntfs project (FILE
record, attributes). Times are aware `datetime` values or raw FILETIME integers (100 ns since 1601
UTC); a raw integer may be forged.

    builder = MftBuilder(created_utc=datetime(2024, 1, 1, tzinfo=UTC))
    builder.add_directory(r"\Users\ann\Downloads", created_utc=datetime(2024, 1, 2, tzinfo=UTC))
    builder.add_file(
        r"\Users\ann\Downloads\invoice.iso",
        Times.all(datetime(2024, 3, 5, 9, 30, tzinfo=UTC)),
        size=3_000_000,
        streams={"Zone.Identifier": b"[ZoneTransfer]\r\nZoneId=3\r\n"},
    )
    data = builder.build()
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

Moment = datetime | int

ROOT = 5
FIRST_USER_RECORD = 64
SECTOR = 512
END = b"\xff\xff\xff\xff\x82\x79\x47\x11"
METAFILES = (
    "$MFT $MFTMirr $LogFile $Volume $AttrDef . $Bitmap $Boot $BadClus $Secure $UpCase $Extend"
).split()
POSIX, WIN32, DOS, WIN32_AND_DOS = 0, 1, 2, 3

ATTRIBUTE_READONLY, ATTRIBUTE_HIDDEN, ATTRIBUTE_SYSTEM, ATTRIBUTE_ARCHIVE = 1, 2, 4, 0x20
FN_DIRECTORY = 0x1000_0000


def filetime(moment: Moment) -> int:
    """100 ns units since 1601 UTC; an int passes as it is."""
    if isinstance(moment, int):
        return moment
    since = moment - datetime(1601, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1) * 10


@dataclass(frozen=True, slots=True)
class Times:
    """The four times of $STANDARD_INFORMATION or $FILE_NAME, in the order they are stored."""

    created: Moment
    modified: Moment
    mft_changed: Moment
    accessed: Moment

    @classmethod
    def all(cls, moment: Moment) -> "Times":
        """Four equal times."""
        return cls(moment, moment, moment, moment)

    def packed(self) -> bytes:
        """Four little-endian FILETIMEs."""
        four = (self.created, self.modified, self.mft_changed, self.accessed)
        return struct.pack("<4Q", *(filetime(m) for m in four))


@dataclass(slots=True)
class _Name:
    parent: int
    text: str
    namespace: int
    times: Times


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a stream lies: (first VCN, clusters, run list) of each piece; pieces but the first go to an extension."""

    pieces: tuple[tuple[int, int, bytes], ...]
    size: int
    allocated: int
    initialised: int
    flags: int = 0
    unit_bits: int = 0


@dataclass(slots=True)
class _Record:
    number: int
    sequence: int
    in_use: bool
    directory: bool
    times: Times
    names: list[_Name] = field(default_factory=list)
    size: int = 0
    content: bytes | None = None
    streams: dict[str, bytes] = field(default_factory=dict)
    removed: dict[str, bytes] = field(default_factory=dict)
    non_resident: frozenset[str] = frozenset()
    flags: int = ATTRIBUTE_ARCHIVE
    usn: int = 0
    spread: bool = False
    placed: dict[str, Placement] = field(default_factory=dict)
    extra: list[bytes] = field(default_factory=list)


def _resident(kind: int, name: str, value: bytes, ident: int) -> bytes:
    label = name.encode("utf-16-le", "surrogatepass")
    value_at = -(-(24 + len(label)) // 8) * 8
    body = label.ljust(value_at - 24, b"\0") + value
    length = -(-(24 + len(body)) // 8) * 8
    head = struct.pack(
        "<IIBBHHHIHBB", kind, length, 0, len(name), 24, 0, ident, len(value), value_at, 0, 0
    )
    return (head + body).ljust(length, b"\0")


def _non_resident(kind: int, name: str, size: int, ident: int) -> bytes:
    label = name.encode("utf-16-le", "surrogatepass")
    runs_at = -(-(64 + len(label)) // 8) * 8
    clusters = max(1, -(-size // 4096))
    runs = b"\x44" + struct.pack("<II", clusters, 1000) + b"\0"
    head = struct.pack(
        "<IIBBHHHQQHHIQQQ",
        kind,
        -(-(runs_at + len(runs)) // 8) * 8,
        1,
        len(name),
        64,
        0,
        ident,
        0,
        clusters - 1,
        runs_at,
        0,
        0,
        clusters * 4096,
        size,
        size,
    )
    body = head + label.ljust(runs_at - 64, b"\0") + runs
    return body.ljust(-(-len(body) // 8) * 8, b"\0")


def _placed(name: str, place: Placement, piece: int, ident: int) -> bytes:
    label = name.encode("utf-16-le", "surrogatepass")
    first, clusters, runs = place.pieces[piece]
    head_bytes = 72 if place.unit_bits else 64
    runs_at = -(-(head_bytes + len(label)) // 8) * 8
    length = -(-(runs_at + len(runs) + 1) // 8) * 8
    sizes = (place.allocated, place.size, place.initialised) if not piece else (0, 0, 0)
    head = struct.pack(
        "<IIBBHHHQQHHIQQQ",
        0x80, length, 1, len(name), head_bytes, place.flags, ident, first, first + clusters - 1,
        runs_at, place.unit_bits, 0, *sizes,
    )  # fmt: skip
    if place.unit_bits:
        head += struct.pack("<Q", place.allocated)
    return (head + label.ljust(runs_at - head_bytes, b"\0") + runs).ljust(length, b"\0")


def protect(record: bytearray, usn: int = 1) -> None:
    """Put the update sequence into a record whose array lies where the header says."""
    at = struct.unpack_from("<H", record, 4)[0]
    mark = struct.pack("<H", usn)
    record[at : at + 2] = mark
    for k in range(1, len(record) // SECTOR + 1):
        tail = slice(k * SECTOR - 2, k * SECTOR)
        record[at + 2 * k : at + 2 * k + 2] = record[tail]
        record[tail] = mark


class MftBuilder:
    """Collects files and directories by their path and packs them into FILE records.

    Paths are Windows paths without a drive, with or without the leading backslash. Missing
    directories are made with `created_utc` of the builder. Every `add_*` returns the record number.
    """

    def __init__(self, created_utc: Moment, record_bytes: int = 1024) -> None:
        self._bytes = record_bytes
        self._default = Times.all(created_utc)
        self._records: dict[int, _Record] = {}
        self._paths: dict[str, int] = {"": ROOT}
        self._next = FIRST_USER_RECORD
        for number, name in enumerate(METAFILES):
            record = _Record(number, max(number, 1), True, name in (".", "$Extend"), self._default)
            record.names.append(_Name(ROOT, name, WIN32_AND_DOS, self._default))
            record.flags = ATTRIBUTE_HIDDEN | ATTRIBUTE_SYSTEM
            record.size = 0 if record.directory else 4096
            self._records[number] = record

    # -- the tree

    def add_directory(
        self,
        path: str,
        created_utc: Moment | None = None,
        *,
        times: Times | None = None,
        deleted: bool = False,
        sequence: int = 1,
        streams: Mapping[str, bytes] | None = None,
    ) -> int:
        """A directory; `deleted` frees its record (in-use bit cleared, sequence raised by one)."""
        when = times or (Times.all(created_utc) if created_utc is not None else self._default)
        record = self._new(path, when, True, deleted, sequence, None, None)
        record.flags = 0
        record.streams = dict(streams or {})
        return record.number

    def add_file(
        self,
        path: str,
        times: Times | Moment,
        size: int = 0,
        *,
        streams: Mapping[str, bytes] | None = None,
        content: bytes | None = None,
        deleted: bool = False,
        sequence: int = 1,
        fn_times: Times | None = None,
        short_name: str | None = None,
        flags: int = ATTRIBUTE_ARCHIVE,
        usn: int = 0,
        non_resident: Sequence[str] = (),
        spread: bool = False,
        removed: Mapping[str, bytes] | None = None,
    ) -> int:
        r"""A file of `size` bytes (resident if `content` is given), with named streams.

        `fn_times` are those of $FILE_NAME (default: the creation time four times). `short_name`
        adds an 8.3 name. `non_resident` names streams whose content lies outside the $MFT. `spread`
        moves the streams into an extension record, as Windows does with a crowded one (it also
        happens by itself when they do not fit). `removed` is a stream that was deleted: Windows
        only moves the end mark over its head, the rest stays in the record's slack.
        """
        when = times if isinstance(times, Times) else Times.all(times)
        record = self._new(path, when, False, deleted, sequence, fn_times, short_name)
        record.content, record.size = content, size if content is None else len(content)
        record.streams, record.flags, record.usn = dict(streams or {}), flags, usn
        record.removed = dict(removed or {})
        record.non_resident, record.spread = frozenset(non_resident), spread
        return record.number

    def add_hard_link(self, record: int, path: str) -> None:
        """One more name of an existing file."""
        folder, name = self._split(path)
        owner = self._records[record]
        owner.names.append(_Name(self._folder(folder), name, WIN32, owner.names[0].times))

    def record_of(self, path: str) -> int:
        """Record number of a live or the last deleted object of this path."""
        return self._paths[path.strip("\\").casefold()]

    def contents(self) -> list[tuple[int, str, bytes | None, int]]:
        """(record, stream, bytes, size) of what lies, or is to lie, outside of the $MFT; bytes None: not given."""
        found: list[tuple[int, str, bytes | None, int]] = []
        for number, record in self._records.items():
            if record.content is None and record.size and not record.directory:
                found.append((number, "", None, record.size))
            for name in record.streams:
                if name in record.non_resident:
                    found.append((number, name, record.streams[name], len(record.streams[name])))
        return found

    def place(self, number: int, stream: str, placement: Placement) -> None:
        """Say where a stream lies on the volume."""
        record = self._records[number]
        record.placed[stream] = placement
        if not stream:
            record.content, record.size = None, placement.size

    def attach(self, number: int, kind: int, value: bytes) -> None:
        """One more resident attribute without a name."""
        self._records[number].extra.append(_resident(kind, "", value, 60))

    def record_count(self) -> int:
        """Slots of the $MFT as it would be built now."""
        return len(self.build()) // self._bytes

    @staticmethod
    def _split(path: str) -> tuple[str, str]:
        folder, _, name = path.strip("\\").rpartition("\\")
        return folder, name

    def _folder(self, path: str) -> int:
        key = path.strip("\\").casefold()
        return self._paths[key] if key in self._paths else self.add_directory(path)

    def _new(
        self,
        path: str,
        times: Times,
        directory: bool,
        deleted: bool,
        sequence: int,
        fn_times: Times | None,
        short_name: str | None,
    ) -> _Record:
        folder, name = self._split(path)
        parent = self._folder(folder)
        record = _Record(self._next, sequence + deleted, not deleted, directory, times)
        self._next += 1
        of_name = fn_times or Times.all(times.created)
        if short_name is not None:
            record.names.append(_Name(parent, short_name, DOS, of_name))
        record.names.append(
            _Name(parent, name, WIN32_AND_DOS if short_name is None else WIN32, of_name)
        )
        self._records[record.number] = record
        self._paths[path.strip("\\").casefold()] = record.number
        return record

    # -- packing

    def build(self) -> bytes:
        """The whole $MFT; slots without a record are zero."""
        packed: dict[int, bytes] = {}
        spare = self._next
        for record in self._records.values():
            base, extensions = self._pack(record, spare)
            packed[record.number] = base
            for extension in extensions:
                packed[spare] = extension
                spare += 1
        out = bytearray(spare * self._bytes)
        for number, data in packed.items():
            out[number * self._bytes : (number + 1) * self._bytes] = data
        return bytes(out)

    def reference(self, number: int) -> int:
        """File reference as children and extensions store it.

        A freed record's had the sequence before.
        """
        record = self._records[number]
        return (record.sequence - (not record.in_use)) << 48 | number

    def _pack(self, record: _Record, spare: int) -> tuple[bytes, list[bytes]]:
        own = [_resident(0x10, "", self._standard(record), 0)]
        own += [
            _resident(0x30, "", self._file_name(record, n), 2 + k)
            for k, n in enumerate(record.names)
        ]
        tail = [*record.extra, self._main(record)]
        named = [
            self._stream(record, n, v, 40 + k) for k, (n, v) in enumerate(record.streams.items())
        ]
        room = self._bytes - self._first() - 8
        split = next((s for s, p in record.placed.items() if len(p.pieces) > 1), None)
        fits = sum(map(len, own + tail + named)) <= room and split is None
        if not record.spread and fits:
            return self._record(record, own + tail + named, 0), []
        if split is not None:
            return self._pack_pieces(record, spare, split, own, [*tail, *named])
        listed = _resident(0x20, "", self._list(record, spare), 1)
        base = self._record(record, [own[0], listed, *own[1:], *tail], 0)
        twin = _Record(spare, 1, record.in_use, False, record.times)
        twin.sequence += not record.in_use
        return base, [self._record(twin, named, self.reference(record.number))]

    def _pack_pieces(
        self, record: _Record, spare: int, stream: str, own: list[bytes], rest: list[bytes]
    ) -> tuple[bytes, list[bytes]]:
        """One stream whose run list goes on in extension records, one for each further piece."""
        place = record.placed[stream]
        listed = _resident(0x20, "", self._pieces_list(record, spare, stream), 1)
        base = self._record(record, [own[0], listed, *own[1:], *rest], 0)
        extensions = []
        for k in range(1, len(place.pieces)):
            twin = _Record(spare + k - 1, 1, record.in_use, False, record.times)
            piece = _placed(stream, place, k, 30)
            extensions.append(self._record(twin, [piece], self.reference(record.number)))
        return base, extensions

    def _first(self) -> int:
        return -(-(48 + 2 * (self._bytes // SECTOR + 1)) // 8) * 8

    def _record(self, record: _Record, attributes: list[bytes], base: int) -> bytes:
        body = b"".join(attributes) + END
        used = self._first() + len(body)
        for name, value in record.removed.items() if not base else ():
            body += _resident(0x80, name, value, 90)[len(END) :]
        if self._first() + len(body) > self._bytes:
            raise ValueError(f"record {record.number}: {len(body)} bytes do not fit {self._bytes}")
        links = sum(n.namespace != DOS for n in record.names) if record.in_use else 0
        head = struct.pack(
            "<4sHHQHHHHIIQHHI",
            b"FILE",
            48,
            self._bytes // SECTOR + 1,
            1_000_000 + record.number,
            record.sequence,
            links,
            self._first(),
            record.in_use | record.directory << 1,
            used,
            self._bytes,
            base,
            99,
            0,
            record.number,
        )
        data = bytearray((head.ljust(self._first(), b"\0") + body).ljust(self._bytes, b"\0"))
        protect(data, record.number % 0xFFFE + 1)
        return bytes(data)

    @staticmethod
    def _standard(record: _Record) -> bytes:
        rest = struct.pack("<6I2Q", record.flags, 0, 0, 0, 0, 256, 0, record.usn)
        return record.times.packed() + rest

    def _file_name(self, record: _Record, name: _Name) -> bytes:
        flags = record.flags | (FN_DIRECTORY if record.directory else 0)
        size = 0 if record.directory else record.size
        return (
            struct.pack("<Q", self.reference(name.parent))
            + name.times.packed()
            + struct.pack("<QQII", -(-size // 4096) * 4096, size, flags, 0)
            + struct.pack(
                "<BB", len(name.text.encode("utf-16-le", "surrogatepass")) // 2, name.namespace
            )
            + name.text.encode("utf-16-le", "surrogatepass")
        )

    @staticmethod
    def _main(record: _Record) -> bytes:
        if record.directory:
            root = struct.pack("<IIIB3x", 0x30, 1, 4096, 1) + struct.pack("<IIIB3x", 16, 32, 32, 0)
            return _resident(0x90, "$I30", root + struct.pack("<QHHI", 0, 16, 0, 2), 30)
        if "" in record.placed:
            return _placed("", record.placed[""], 0, 30)
        if record.content is not None or not record.size:
            return _resident(0x80, "", record.content or b"", 30)
        return _non_resident(0x80, "", record.size, 30)

    @staticmethod
    def _stream(record: _Record, name: str, value: bytes, ident: int) -> bytes:
        if name in record.placed:
            return _placed(name, record.placed[name], 0, ident)
        if name in record.non_resident:
            return _non_resident(0x80, name, len(value), ident)
        return _resident(0x80, name, value, ident)

    @staticmethod
    def _list(record: _Record, spare: int) -> bytes:
        """$ATTRIBUTE_LIST of what moved out (Windows also lists what stayed)."""
        out = bytearray()
        for k, name in enumerate(record.streams):
            label = name.encode("utf-16-le", "surrogatepass")
            length = -(-(26 + len(label)) // 8) * 8
            entry = struct.pack("<IHBBQQH", 0x80, length, len(name), 26, 0, 1 << 48 | spare, 40 + k)
            out += (entry + label).ljust(length, b"\0")
        return bytes(out)

    def _pieces_list(self, record: _Record, spare: int, stream: str) -> bytes:
        """$ATTRIBUTE_LIST of a stream whose run list goes on in extension records."""
        out, label = bytearray(), stream.encode("utf-16-le")
        length = -(-(26 + len(label)) // 8) * 8
        for k, (first, _, _) in enumerate(record.placed[stream].pieces):
            holder = 1 << 48 | spare + k - 1 if k else self.reference(record.number)
            head = struct.pack("<IHBBQQH", 0x80, length, len(stream), 26, first, holder, 30)
            out += (head + label).ljust(length, b"\0")
        return bytes(out)
