"""Archives as evidence: a collection's ZIP, and ZIPs inside it one level deep, read in place."""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from forensic_iso.evidence.found import (
    HEAD_BYTES,
    ZIP,
    EvidenceProblem,
    Found,
    Sighting,
    evidence_problem,
    found_member,
    outer_of,
)
from forensic_iso.evidence.names import is_suspicious
from forensic_iso.evidence.opening import open_found
from forensic_iso.evidence.streams import open_readonly, stream_problems
from forensic_iso.evidence.zips import BadArchive, Member, open_member, read_head, read_members
from parsers.contract import Problem, Severity

NESTED_BYTES = 512 << 20
"""Archives inside archives are held in memory up to this size."""

MAX_NAMED = 100
"""Problems of one code named one by one in an archive; the rest is counted."""

ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
"""A ZIP begins with a local header, or with the end of an empty directory."""


def walk_archive(outer: Found) -> Iterator[Sighting | EvidenceProblem]:
    """Every file in an archive with its head, in its directory's order; a problem for what is not.

    Args:
        outer: the archive, in no container or in one.
    """
    if outer.kinds.count(ZIP) > 1 or (not outer.kinds and len(outer.containers) > 1):
        yield _problem(
            outer.path, BadArchive("archive_too_deep", "an archive in an archive", "one more")
        )
        return
    if _in_memory(outer) and outer.size > NESTED_BYTES:
        found = f"{outer.size} bytes"
        yield _problem(
            outer.path, BadArchive("archive_too_large", f"at most {NESTED_BYTES} bytes", found)
        )
        return
    try:
        members = _members_of(outer)
        base = _base_of(outer)
    except BadArchive as error:
        yield _problem(outer.path, error)
        return
    except OSError as error:
        yield _problem(outer.path, _unreadable(error))
        return
    for damage in _damage_of(outer):
        yield EvidenceProblem(outer.path, damage)
    with base:
        yield from _walk_members(outer, members, base)


def open_inside(found: Found) -> BinaryIO:
    """A stream over a member; see `opening.open_found`.

    Raises:
        OSError: the archive is gone or cannot be read.
        BadArchive: the archive changed, or the member is not to be opened.
    """
    outer = outer_of(found)
    member = {m.offset: m for m in _members_of(outer)}.get(found.offsets[-1])
    if member is None or member.name != found.member:
        raise BadArchive("corrupt_archive", f"the member {found.member}", "another archive")
    return open_member(_base_of(outer), member)


def forget() -> None:
    """Drop what this process keeps of archives it read (directories and one nested archive)."""
    _directory.cache_clear()
    _nested.cache_clear()
    _inner_directory.cache_clear()


def _walk_members(
    outer: Found, members: tuple[Member, ...], base: BinaryIO
) -> Iterator[Sighting | EvidenceProblem]:
    named: Counter[str] = Counter()
    seen: set[str] = set()
    for member in members:
        if member.is_folder and not member.size:
            continue
        found = found_member(outer, member.name, member.size, member.offset)
        for problem in _doubts(found, member, seen):
            named[problem.problem.code] += 1
            if named[problem.problem.code] <= MAX_NAMED:
                yield problem
        seen.add(member.name)
        try:
            yield Sighting(found, read_head(base, member, HEAD_BYTES), member.name)
        except BadArchive as error:
            yield _problem(found.path, error)
        except OSError as error:
            yield _problem(found.path, _unreadable(error))
    for code, count in sorted(named.items()):
        if count > MAX_NAMED:
            yield evidence_problem(
                outer.path,
                code,
                "none of this",
                f"{count} members",
                f"the first {MAX_NAMED} are named one by one",
                Severity.INFO,
            )


def _doubts(found: Found, member: Member, seen: set[str]) -> Iterator[EvidenceProblem]:
    if is_suspicious(member.name):
        yield evidence_problem(
            found.path,
            "suspicious_member_name",
            "a relative name",
            member.name,
            "names in archives are data, never paths on this machine; it was read",
            Severity.INFO,
        )
    if member.name in seen:
        yield evidence_problem(
            found.path,
            "duplicate_member",
            "one member of this name",
            f"another at offset {member.offset}",
            "both were read",
            Severity.INFO,
        )


def _members_of(outer: Found) -> tuple[Member, ...]:
    if _in_memory(outer):
        return _nested_of(outer).members
    return _inner_directory(outer) if outer.containers else _directory(_key(outer.member))


def _base_of(outer: Found) -> BinaryIO:
    """A stream over the whole archive that the caller owns."""
    if _in_memory(outer):
        return io.BytesIO(_nested_of(outer).data)
    return open_found(outer)


def _damage_of(outer: Found) -> tuple[Problem, ...]:
    return _nested_of(outer).problems if _in_memory(outer) else ()


def _nested_of(outer: Found) -> "_Nested":
    name = outer.member.rpartition("/")[2]
    bare = replace(outer, size=0, name=name, windows_path=None)
    return _nested(_key(outer.containers[0]), bare)


def _in_memory(outer: Found) -> bool:
    """Whether an archive lies in an archive: it is unpacked into memory; elsewhere it is read in place."""
    return bool(outer.containers) and outer.kind == ZIP


_Key = tuple[str, int, int]


def _key(path: str) -> _Key:
    """Path, size and time of change: a changed archive is read again."""
    status = Path(path).stat()
    return path, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=16)
def _directory(key: _Key) -> tuple[Member, ...]:
    return tuple(read_members(open_readonly(key[0]), key[1]))


@lru_cache(maxsize=16)
def _inner_directory(outer: Found) -> tuple[Member, ...]:
    stream = open_found(replace(outer, size=0))
    size = stream.seek(0, io.SEEK_END)
    return tuple(read_members(stream, size))


@dataclass(frozen=True, slots=True)
class _Nested:
    """An archive in an archive: its bytes, its members, what was met while it was unpacked."""

    data: bytes
    members: tuple[Member, ...]
    problems: tuple[Problem, ...]


@lru_cache(maxsize=1)
def _nested(_outermost: _Key, inner: Found) -> _Nested:
    around, name = outer_of(inner), inner.member
    place = inner.offsets[-1]
    member = next((m for m in _members_of(around) if m.offset == place and m.name == name), None)
    if member is None:
        raise BadArchive("corrupt_archive", f"the member {name}", "another archive")
    if member.size > NESTED_BYTES:
        raise BadArchive(
            "archive_too_large", f"at most {NESTED_BYTES} bytes", f"{member.size} bytes"
        )
    with open_member(_base_of(around), member, in_memory=NESTED_BYTES) as stream:
        data, problems = stream.read(), tuple(stream_problems(stream))
    return _Nested(data, tuple(read_members(io.BytesIO(data), len(data))), problems)


_ADVICE: Mapping[str, str] = {
    "encrypted_member": "skipped; decrypt the collection and give the decrypted copy",
    "unsupported_compression": "skipped; unpack it with what packed it and give the folder",
    "corrupt_archive": "skipped; was its transfer cut? Copy it again, or repair and unpack it",
    "corrupt_member": "skipped; copy the archive again, or repair and unpack it",
    "overlapping_members": "skipped: members that share bytes are how archive bombs are made",
    "archive_bomb": "skipped: its unpacked size is implausible; unpack it if it is genuine",
    "member_too_large": "skipped; unpack it and give the file",
    "archive_too_deep": "skipped; unpack the outer archive and give the inner one",
    "archive_too_large": "skipped; unpack the outer archive and give the inner one",
    "symbolic_link": "skipped: links are not followed",
    "unreadable": "skipped; check its permissions and the medium",
}


def _problem(path: str, error: BadArchive) -> EvidenceProblem:
    severity = Severity.WARNING if error.code == "symbolic_link" else Severity.ERROR
    message = f"looking for evidence in an archive: {_ADVICE[error.code]}"
    return evidence_problem(path, error.code, error.expected, error.found, message, severity)


def _unreadable(error: OSError) -> BadArchive:
    return BadArchive("unreadable", "a readable file", error.strerror or type(error).__name__)
