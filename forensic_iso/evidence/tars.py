"""Tar archives, plain or with gzip around them (POSIX.1-2017 pax; RFC 1952), read in place like ZIPs."""

import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, cast

from forensic_iso.evidence.found import (
    HEAD_BYTES,
    TAR,
    EvidenceProblem,
    Found,
    Sighting,
    evidence_problem,
    found_member,
    outer_of,
)
from forensic_iso.evidence.names import is_suspicious
from forensic_iso.evidence.opening import open_found
from forensic_iso.evidence.streams import Inflated, Span
from forensic_iso.evidence.zips import BOMB_BYTES, BOMB_RATIO, BOMB_RATIO_FROM, BadArchive
from parsers.contract import Severity

GZIP_MARK = b"\x1f\x8b\x08"
MAX_MEMBERS = 2_000_000
_STEP = 1 << 20
_UNPACK = ("unsupported_compression", "archive_bomb")
BROKEN = (tarfile.TarError, EOFError, ValueError, OverflowError)
_EXTRA, _NAME, _COMMENT, _CHECK = 4, 8, 16, 2


def is_tar(name: str, head: bytes) -> bool:
    """A tar by its mark, or a gzip stream whose name says that it holds one."""
    if head[257:262] == b"ustar":
        return True
    lower = name.lower()
    return head.startswith(GZIP_MARK) and lower.endswith((".tar.gz", ".tgz"))


@dataclass(frozen=True, slots=True)
class Tar:
    """An archive that is held open: its plain bytes and their length."""

    stream: BinaryIO
    size: int


def walk_tar(outer: Found) -> Iterator[Sighting | EvidenceProblem]:
    """Every regular file of a tar with its head, in the archive's order; a problem for what is not."""
    if TAR in outer.kinds:
        yield _problem(outer.path, "archive_too_deep", "a tar archive", "a tar in a tar", "skipped")
        return
    try:
        tar = opened_tar(outer)
        yield from _walk(outer, tar)
    except (BadArchive, OSError) as error:
        found = error.found if isinstance(error, BadArchive) else str(error)
        code = error.code if isinstance(error, BadArchive) else "unreadable"
        message = "was its transfer cut? Copy it again, or unpack it and give the folder"
        if code in _UNPACK:
            message = "unpack it (gzip -dk FILE) and give the .tar"
        yield _problem(outer.path, code, "a tar archive", found, message)


def open_inside(found: Found) -> BinaryIO:
    """A stream over a member, by its place in the archive's plain bytes.

    Raises:
        BadArchive: the archive changed.
    """
    outer = outer_of(found)
    tar = opened_tar(outer)
    place = found.offsets[-1]
    # A container that is opened for what lies in it comes without its size.
    size = found.size or member_sizes(outer).get(place, 0)
    if place + size > tar.size:
        raise BadArchive("corrupt_archive", f"the member {found.member}", "another archive")
    return io.BufferedReader(Span(tar.stream, place, size, owned=False), 1 << 20)


def forget() -> None:
    """Drop the archives that this process holds open."""
    opened_tar.cache_clear()
    member_sizes.cache_clear()


@lru_cache(maxsize=2)
def member_sizes(outer: Found) -> dict[int, int]:
    """Sizes of the members, by their places."""
    tar = opened_tar(outer)
    tar.stream.seek(0)
    sizes: dict[int, int] = {}
    with (
        suppress(*BROKEN),  # what lies before the damage is known
        tarfile.open(fileobj=tar.stream, mode="r:", errors="surrogateescape") as archive,
    ):
        for member in archive:
            if len(sizes) >= MAX_MEMBERS:
                break
            sizes[member.offset_data] = member.size
    return sizes


def _walk(outer: Found, tar: Tar) -> Iterator[Sighting | EvidenceProblem]:
    tar.stream.seek(0)
    try:
        with tarfile.open(fileobj=tar.stream, mode="r:", errors="surrogateescape") as archive:
            for count, member in enumerate(archive):
                if count >= MAX_MEMBERS:
                    limit = f"at most {MAX_MEMBERS} members"
                    yield _problem(
                        outer.path, "archive_too_large", limit, "more", "the rest was not read"
                    )
                    return
                yield from _member(outer, tar, member)
    except BROKEN as error:
        message = "the members before this were read; was its transfer cut?"
        yield _problem(outer.path, "corrupt_archive", "a sound tar archive", str(error), message)


def _member(
    outer: Found, tar: Tar, member: tarfile.TarInfo
) -> Iterator[Sighting | EvidenceProblem]:
    if member.isdir():
        return
    path = f"{outer.path}!/{member.name}"
    if not member.isreg() or member.issparse():
        kind = "a sparse file" if member.issparse() else "a link or special file"
        yield _problem(path, "special_file", "a regular file", kind, "not read", Severity.WARNING)
        return
    if member.offset_data + member.size > tar.size or member.size < 0:
        found = f"{member.size} bytes at {member.offset_data}"
        yield _problem(path, "corrupt_member", "a member inside the archive", found, "skipped")
        return
    if is_suspicious(member.name):
        message = "names in archives are data, never paths on this machine; it was read"
        yield _problem(
            path, "suspicious_member_name", "a relative name", member.name, message, Severity.INFO
        )
    found_file = found_member(outer, member.name, member.size, member.offset_data, TAR)
    head = b""
    if member.size:
        at = tar.stream.tell()
        tar.stream.seek(member.offset_data)
        head = tar.stream.read(min(HEAD_BYTES, member.size))
        tar.stream.seek(at)
    yield Sighting(found_file, head, member.name)


@lru_cache(maxsize=2)
def opened_tar(outer: Found) -> Tar:
    """The plain bytes of a tar, unpacked on the way where gzip is around them.

    Raises:
        BadArchive: the gzip stream cannot be read.
    """
    stream = open_found(outer)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    head = stream.read(3)
    if head != GZIP_MARK:
        return Tar(stream, size)
    start = _gzip_head(stream)
    plain, packed, crc = _measure(stream, start, size)
    inflated = Inflated(Span(stream, start, packed), plain, crc)
    return Tar(cast(BinaryIO, io.BufferedReader(inflated, 1 << 16)), plain)


def _gzip_head(stream: BinaryIO) -> int:
    """Offset of the deflated bytes behind a gzip header (RFC 1952 2.3)."""
    stream.seek(0)
    head = stream.read(1 << 17)
    flags, at = head[3] if len(head) > 3 else 0, 10
    if flags & _EXTRA:
        at += 2 + int.from_bytes(head[at : at + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            end = head.find(b"\0", at)
            if end < 0:
                raise BadArchive("corrupt_archive", "a gzip header", "none that ends")
            at = end + 1
    return at + 2 if flags & _CHECK else at


def _measure(stream: BinaryIO, start: int, size: int) -> tuple[int, int, int | None]:
    """(plain bytes, packed bytes, CRC) of the gzip stream: its own length field counts modulo 4 GiB.

    Several gzip streams in a row are refused; a cut one is read as far as it goes.
    """
    state, plain, at = zlib.decompressobj(-15), 0, start
    stream.seek(start)
    while not state.eof:
        piece = state.unconsumed_tail or stream.read(1 << 16)
        if not piece:
            return plain, size - start, None
        try:
            plain += len(state.decompress(piece, _STEP))
        except zlib.error:
            return plain, size - start, None
        if plain > BOMB_BYTES or (
            plain > BOMB_RATIO_FROM and plain > BOMB_RATIO * max(1, stream.tell() - start)
        ):
            raise BadArchive("archive_bomb", "an archive of plausible size", f"{plain} bytes")
    at = stream.tell() - len(state.unused_data)
    stream.seek(at)
    tail = stream.read(8 + 3)
    if tail[8:] == GZIP_MARK:
        raise BadArchive("unsupported_compression", "one gzip stream", "several in a row")
    return plain, at - start, int.from_bytes(tail[:4], "little")


def _problem(
    path: str,
    code: str,
    expected: str,
    found: str,
    message: str,
    severity: Severity = Severity.ERROR,
) -> EvidenceProblem:
    text = f"looking for evidence in an archive: {message}"
    return evidence_problem(path, code, expected, found, text, severity)
