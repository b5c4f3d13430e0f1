"""The central directory of a ZIP, checked, and the bytes of its members (PKWARE APPNOTE 6.3).

Hostile archives lie: sizes, overlapping members, names that climb. Nothing here trusts a name as a
path, allocates by a declared size without a bound, or unpacks to disk.
"""

import bz2
import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

from forensic_iso.evidence.streams import Inflated, MemberBytes, Span, crc_problem
from parsers.contract import Problem, Severity

IN_MEMORY_BYTES = 128 << 20
"""Members up to this size are unpacked into memory, larger ones are read through."""

BOMB_BYTES = 64 << 30
"""No member is larger: no artifact of a workstation is."""

BOMB_RATIO = 1000
"""Members above `BOMB_RATIO_FROM` bytes that unpack to more than this many times their size."""

BOMB_RATIO_FROM = 1 << 30

_DIRECTORY_BYTES = 1 << 30
_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_MARK = b"PK\x03\x04"
_ENCRYPTED_BITS = 0x0001 | 0x0040 | 0x2000
_METHODS = {
    1: "shrink",
    2: "reduce",
    3: "reduce",
    4: "reduce",
    5: "reduce",
    6: "implode",
    9: "Deflate64",
    10: "PKWARE DCL implode",
    14: "LZMA",
    93: "Zstandard",
    95: "XZ",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
    99: "AES encryption",
}
STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14
_READABLE = frozenset({STORED, DEFLATED, BZIP2, LZMA})


class BadArchive(Exception):
    """The archive or a member cannot be read; code and texts are those of the problem."""

    def __init__(self, code: str, expected: str, found: str) -> None:
        super().__init__(f"{code}: expected {expected}, found {found}")
        self.code, self.expected, self.found = code, expected, found

    def __reduce__(self) -> tuple[type["BadArchive"], tuple[str, str, str]]:
        """Exceptions with several arguments need help to cross processes."""
        return BadArchive, (self.code, self.expected, self.found)


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of the directory: `offset` of its local header, `refusal` if not to be opened."""

    name: str
    offset: int
    size: int
    packed: int
    method: int
    crc: int
    flags: int
    refusal: BadArchive | None = None

    @property
    def is_folder(self) -> bool:
        """Folders have names that end in a slash; some archivers store Windows' own."""
        return self.name.endswith(("/", "\\"))


class _Bounded(io.BufferedReader):
    """A reader that refuses to read an absurd central directory at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"central directory of {size} bytes")
        return super().read(size)


def read_members(base: BinaryIO, size: int) -> list[Member]:
    """The members of an archive in the order of its directory, each checked. Closes `base`.

    Raises:
        BadArchive: there is no readable central directory.
    """
    with base, _Bounded(Span(base, 0, size), 1 << 16) as stream:
        try:
            with zipfile.ZipFile(cast(BinaryIO, stream)) as archive:
                entries, end = archive.infolist(), archive.start_dir
        except (
            zipfile.BadZipFile,
            ValueError,  # names that are no UTF-8 among others
            NotImplementedError,
            EOFError,
            OverflowError,
            struct.error,
            OSError,
        ) as error:
            raise BadArchive("corrupt_archive", "a ZIP with its directory", str(error)) from error
    overlapping = _overlapping(entries, end)
    return [_member(entry, entry.header_offset in overlapping) for entry in entries]


def open_member(base: BinaryIO, member: Member, in_memory: int = IN_MEMORY_BYTES) -> BinaryIO:
    """A seekable stream over a member; it owns `base`.

    Raises:
        BadArchive: the member is refused (`Member.refusal`) or has no local header.
    """
    try:
        if member.refusal is not None:
            raise member.refusal
        packed = Span(base, _data_offset(base, member), member.packed)
        if member.method in (BZIP2, LZMA):
            return _buffered_other(packed, member)
        if member.size > in_memory:
            return _streamed(packed, member)
        return _loaded(packed, member)
    except BaseException:
        base.close()
        raise


def read_head(base: BinaryIO, member: Member, length: int) -> bytes:
    """The first bytes of a member. Leaves `base` open.

    Raises:
        BadArchive: as `open_member`.
    """
    if member.refusal is not None:
        raise member.refusal
    packed = Span(base, _data_offset(base, member), member.packed, owned=False)
    wanted = min(length, member.size)
    if member.method == STORED:
        return packed.read(wanted) or b""
    if member.method == DEFLATED:
        return Inflated(packed, member.size, None).read(wanted) or b""
    return _unpack_other(packed, member, wanted)[0]


def _overlapping(entries: list[zipfile.ZipInfo], end: int) -> set[int]:
    """Local headers whose data reach into the next member or the directory (as in bombs)."""
    found: set[int] = set()
    ordered = sorted(entries, key=lambda e: e.header_offset)
    reach, reach_from = -1, -1
    for entry in ordered:
        start = entry.header_offset
        stop = start + _LOCAL.size + entry.compress_size
        if start < reach:
            found.update((start, reach_from))
        if start < 0 or stop > end:
            found.add(start)
        if stop > reach:
            reach, reach_from = stop, start
    return found


def _member(entry: zipfile.ZipInfo, overlaps: bool) -> Member:
    return Member(
        name=entry.filename,
        offset=entry.header_offset,
        size=entry.file_size,
        packed=entry.compress_size,
        method=entry.compress_type,
        crc=entry.CRC,
        flags=entry.flag_bits,
        refusal=_refusal(entry, overlaps),
    )


def _refusal(entry: zipfile.ZipInfo, overlaps: bool) -> BadArchive | None:
    if stat.S_ISLNK(entry.external_attr >> 16) and entry.create_system == 3:
        return BadArchive("symbolic_link", "a file", "a symbolic link stored in the archive")
    if entry.flag_bits & _ENCRYPTED_BITS or entry.compress_type == 99:
        return BadArchive("encrypted_member", "a member without password", "an encrypted member")
    if entry.compress_type not in _READABLE:
        name = _METHODS.get(entry.compress_type, "unknown")
        found = f"method {entry.compress_type} ({name})"
        return BadArchive("unsupported_compression", "stored, deflate, bzip2 or LZMA", found)
    if overlaps:
        return BadArchive("overlapping_members", "bytes of its own", "bytes shared with another")
    ratio = entry.file_size / max(entry.compress_size, 1)
    if entry.file_size > BOMB_BYTES or (entry.file_size > BOMB_RATIO_FROM and ratio > BOMB_RATIO):
        found = f"{entry.file_size} bytes out of {entry.compress_size}"
        return BadArchive("archive_bomb", "a member of plausible size", found)
    if entry.compress_type in (BZIP2, LZMA) and entry.file_size > IN_MEMORY_BYTES * 4:
        found = f"{entry.file_size} bytes in method {entry.compress_type}"
        return BadArchive("member_too_large", f"at most {IN_MEMORY_BYTES * 4} bytes", found)
    if entry.compress_type == STORED and entry.file_size != entry.compress_size:
        found = f"{entry.file_size} bytes stored in {entry.compress_size}"
        return BadArchive("corrupt_member", "equal sizes of a stored member", found)
    return None


def _data_offset(base: BinaryIO, member: Member) -> int:
    """Where a member's bytes begin: after its local header (APPNOTE 4.3.7)."""
    base.seek(member.offset)
    raw = base.read(_LOCAL.size)
    if len(raw) < _LOCAL.size or raw[:4] != _LOCAL_MARK:
        raise BadArchive(
            "corrupt_member", "a local header (PK 03 04)", raw[:4].hex(" ") or "nothing"
        )
    fields = _LOCAL.unpack(raw)
    return member.offset + _LOCAL.size + int(fields[9]) + int(fields[10])


def _streamed(packed: Span, member: Member) -> BinaryIO:
    raw = packed if member.method == STORED else Inflated(packed, member.size, member.crc)
    return io.BufferedReader(raw, 1 << 20)


def _loaded(packed: Span, member: Member) -> BinaryIO:
    if member.method == DEFLATED:
        with Inflated(packed, member.size, member.crc) as stream:
            return MemberBytes(stream.readall(), stream.problems)
    with packed:
        data = packed.read(member.size) or b""
    return _checked(data, member, "end of the archive")


def _buffered_other(packed: Span, member: Member) -> BinaryIO:
    with packed:
        data, found = _unpack_other(packed, member, member.size)
    return _checked(data, member, found)


def _checked(data: bytes, member: Member, found: str) -> MemberBytes:
    problems: list[Problem] = []
    if len(data) < member.size:
        place, expected = f"offset {len(data)} of the unpacked bytes", f"{member.size} bytes"
        message = "the archive's member ends early; what comes before was read"
        problems.append(Problem("damaged_member", place, expected, found, message, Severity.ERROR))
    elif (crc := zlib.crc32(data)) != member.crc:
        problems.append(crc_problem(member.crc, crc))
    return MemberBytes(data, problems)


def _unpack_other(packed: Span, member: Member, wanted: int) -> tuple[bytes, str]:
    """The first bytes of a bzip2 or LZMA member, and why it ends where it ends."""
    out = bytearray()
    try:
        unpack = _decompressor(packed, member)
        while len(out) < wanted:
            piece = packed.read(1 << 16) or b""
            out += unpack(piece, wanted - len(out))
            if not piece:
                break
    except (OSError, EOFError, ValueError, lzma.LZMAError, struct.error) as error:
        return bytes(out), str(error) or type(error).__name__
    return bytes(out), "end of the packed data"


def _decompressor(packed: Span, member: Member) -> Callable[[bytes, int], bytes]:
    if member.method == BZIP2:
        return _feeder(bz2.BZ2Decompressor())
    head = packed.read(4) or b""
    length = struct.unpack("<2xH", head)[0]  # APPNOTE 5.8.8: version, size of the properties
    properties = packed.read(length) or b""
    if len(properties) != 5 or properties[0] >= 9 * 5 * 5:
        raise ValueError(f"LZMA properties {properties.hex()}")
    packing, dictionary = properties[0], int.from_bytes(properties[1:5], "little")
    chain = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": min(dictionary, max(member.size, 1 << 12)),
        "lc": packing % 9,
        "lp": packing // 9 % 5,
        "pb": packing // 45,
    }
    return _feeder(lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chain]))


def _feeder(
    state: bz2.BZ2Decompressor | lzma.LZMADecompressor,
) -> Callable[[bytes, int], bytes]:
    """Feed packed bytes until they are used up or the wanted length is there."""

    def feed(piece: bytes, wanted: int) -> bytes:
        out = bytearray()
        while len(out) < wanted and not state.eof:
            more = state.decompress(piece, wanted - len(out))
            out += more
            piece = b""
            if state.needs_input or not more:
                break
        return bytes(out)

    return feed
