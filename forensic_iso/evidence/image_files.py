"""What a disk image gives as evidence: its volumes with their roles, and the files on them that bear on the question."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from forensic_iso.evidence.found import (
    HEAD_BYTES,
    IMAGE,
    EvidenceProblem,
    Found,
    Sighting,
    evidence_problem,
    found_member,
)
from forensic_iso.evidence.given import Given
from forensic_iso.evidence.image import bare, open_image
from forensic_iso.evidence.letters import letter_of, mounted_letters, system_letter
from forensic_iso.evidence.select import COLLECTION, DATA, SYSTEM, Chosen, choose, role_of
from forensic_iso.evidence.shadow import stores
from forensic_iso.evidence.volume import (
    open_node,
    opened_volume,
    plain_volume,
    volume_kind,
    watched,
)
from forensic_iso.evidence.zips import BadArchive
from forensic_iso.text import encodable
from parsers.contract import Problem, Severity
from parsers.disks import Disk, DiskRefused
from parsers.disks.streams import Doubts, reader
from parsers.volumes import Listed, NtfsVolume, Volume, VolumeRefused, list_volumes, open_volume
from parsers.volumes.foreign import foreign

Report = Callable[[str, int, int], None]
"""report(what, bytes read, bytes in all; 0: not known)"""


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """How images are read. `unlock`: keys of BitLocker volumes; `shadow_copies`: older states too."""

    shadow_copies: bool = False
    unlock: tuple[str, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class _Part:
    listed: Listed
    volume: Volume
    role: str
    letter: str | None = None


@dataclass(slots=True)
class Look:
    """An image that was opened: its volumes, and what was met so far."""

    image: Found
    disk: Disk | None = None
    parts: list[_Part] = field(default_factory=list)
    problems: list[EvidenceProblem] = field(default_factory=list)
    refusal: DiskRefused | None = None
    read_before: int = 0

    @property
    def remark(self) -> str:
        """What was done with it, and how much of it was read for that."""
        if self.disk is None:
            return "a disk image that is not read"
        read = self.disk.bytes_read - self.read_before
        return (
            f"a disk image ({self.disk.format}): its files were looked through; {read:,} of {self.disk.size:,} bytes"
            " were read to find them"
        )

    def unwatch(self) -> None:
        """End the reports of what is read."""
        if self.disk is not None:
            self.disk.watch(None)

    @property
    def is_evidence(self) -> bool:
        """Whether there is a Windows volume or a collection on it."""
        return any(part.role != DATA for part in self.parts)

    @property
    def is_acquisition(self) -> bool:
        """Whether only an examiner can have made it: no user is sent an image of that format."""
        return self.disk is not None and self.disk.format in ACQUISITIONS


ACQUISITIONS = ("E01", "Ex01")
"""Formats that only examiners write."""


def look_at(image: Found, options: ImageOptions, report: Report | None = None) -> Look:
    """Open an image and tell what its volumes are. What cannot be read becomes a problem.

    Args:
        image: the file.
        options: how images are read.
        report: takes the bytes read of it until `Look.unwatch`.
    """
    look = Look(image)
    try:
        look.disk = disk = open_image(image)
    except DiskRefused as error:
        look.refusal = error
        return look
    except (BadArchive, OSError) as error:
        text = error.found if isinstance(error, BadArchive) else str(error)
        look.refusal = DiskRefused("unreadable", "a readable image", text, "check the medium")
        return look
    look.read_before = disk.bytes_read
    if report is not None:
        what = f"looking through {image.name} ({disk.size >> 20} MiB)"
        disk.watch(lambda now: report(what, now - look.read_before, 0))
    doubts = Doubts()
    try:
        listed = list_volumes(look.disk.stream, look.disk.size, doubts)
    except OSError as error:
        listed = []
        look.problems.append(_unreadable(image.path, error))
    look.problems += [_told(image.path, p) for p in doubts.problems]
    for one in listed:
        _open_part(look, one, options)
    _set_letters(look)
    return look


def walk_look(look: Look, options: ImageOptions) -> Iterator[Sighting | EvidenceProblem]:
    """The files of all volumes, and the problems met on the way."""
    yield from look.problems
    disk = look.disk
    if disk is None:
        return
    for part in look.parts:
        try:
            yield from _walk_part(look.image, disk, part, options)
        except OSError as error:
            yield _unreadable(f"{look.image.path}!/{part.listed.name}", error)
    yield from (_told(look.image.path, p) for p in disk.problems)
    if not look.parts:
        known = foreign(reader(disk.stream), 0)
        name = known.name if known else "none"
        advice = known.advice if known else "is it of another system, or encrypted?"
        yield evidence_problem(
            look.image.path,
            "no_file_system",
            "a volume of NTFS, FAT or exFAT",
            f"{name} on a disk of {disk.size} bytes ({disk.format})",
            f"looking for evidence in an image: nothing was read; {advice}",
        )


def _unreadable(path: str, error: OSError) -> EvidenceProblem:
    return evidence_problem(
        path,
        "unreadable",
        "a readable volume",
        str(error).partition("\n")[0],
        "looking for evidence in an image: reading stopped here; check the medium",
    )


def _told(path: str, problem: Problem) -> EvidenceProblem:
    return EvidenceProblem(encodable(path), problem)


def _open_part(look: Look, listed: Listed, options: ImageOptions) -> None:
    path = f"{look.image.path}!/{listed.name}"
    if listed.filesystem is None:
        look.problems.append(_not_read(look, path, listed))
        return
    try:
        volume = opened_volume(bare(look.image), os.getpid(), listed.start, 0, options.unlock)
        look.parts.append(_Part(listed, volume, role_of(volume)))
    except OSError as error:
        look.problems.append(_unreadable(path, error))
    except VolumeRefused as error:
        message = error.message or "this volume was not read"
        look.problems.append(
            evidence_problem(
                path,
                error.code,
                error.expected,
                error.found,
                f"looking for evidence in an image: {message}",
            )
        )


def _not_read(look: Look, path: str, listed: Listed) -> EvidenceProblem:
    """A partition without a file system that is read: what it is; a warning where files of Windows may be in it."""
    kind = listed.partition.kind if listed.partition else "none"
    known = None if look.disk is None else foreign(reader(look.disk.stream), listed.start, kind)
    name, advice = (f"{known.name}, ", f"; {known.advice}") if known else ("", "")
    return evidence_problem(
        path,
        "no_file_system",
        "NTFS, FAT or exFAT",
        f"{name}partition type {kind}, {listed.size} bytes at {listed.start}",
        f"looking for evidence in an image: this partition was not read{advice}",
        Severity.WARNING if known and known.of_windows else Severity.INFO,
    )


def _set_letters(look: Look) -> None:
    """Letters of the volumes by the registry; of a Windows that does not say, C: with a remark."""
    letters: dict[bytes, str] = {}
    for part in look.parts:
        if part.role == SYSTEM:
            letters = mounted_letters(part.volume) | letters
    for part in look.parts:
        part.letter = letter_of(part.listed, letters)
        if part.role != SYSTEM or part.letter is not None:
            continue
        part.letter = system_letter(part.volume)
        if part.letter is None:
            part.letter = "C"
            look.problems.append(
                evidence_problem(
                    f"{look.image.path}!/{part.listed.name}",
                    "drive_letter_assumed",
                    "a registry that names the letter of the Windows volume",
                    "none",
                    "its paths begin with C:, as Windows is installed by default",
                    Severity.INFO,
                )
            )


def _walk_part(
    image: Found, disk: Disk, part: _Part, options: ImageOptions
) -> Iterator[Sighting | EvidenceProblem]:
    base = replace(image, unlock=options.unlock)
    place = found_member(base, part.listed.name, part.listed.size, part.listed.start, IMAGE)
    given = Given()
    yield from _walk_volume(place, disk, part.volume, part, 0, given)
    yield from (_told(place.path, p) for p in part.volume.doubts.problems)
    if not options.shadow_copies or part.volume.filesystem != "NTFS":
        return
    doubts = Doubts()
    stream, _ = plain_volume(disk, part.listed, options.unlock)
    for store in stores(stream, doubts):
        try:
            older = open_volume(store.stream, 0, store.size)
            yield from _walk_volume(place, disk, older, part, store.number, given)
        except (VolumeRefused, OSError) as error:
            doubts.add(
                "shadow_copies_unreadable",
                f"shadow copy {store.number}",
                "a readable volume",
                str(error).partition("\n")[0],
                "its files were not read",
                Severity.ERROR,
            )
    if given.again:
        doubts.add(
            "unchanged_in_shadow_copies",
            "shadow copies",
            "files that differ from the volume's",
            f"{given.again} with the same content",
            "each content is read once",
            Severity.INFO,
        )
    yield from (_told(place.path, p) for p in doubts.problems)


def _walk_volume(
    place: Found, disk: Disk, volume: Volume, part: _Part, snapshot: int, given: Given
) -> Iterator[Sighting | EvidenceProblem]:
    doubts = Doubts()
    for item in choose(volume, part.role, doubts):
        found = _found(place, item, part, snapshot)
        try:
            if not given.is_new(volume, item):
                continue
            with watched(open_node(volume, item.node, item.stream), disk) as stream:
                yield Sighting(found, stream.read(HEAD_BYTES), found.member)
        except (VolumeRefused, OSError) as error:
            told = error if isinstance(error, VolumeRefused) else None
            yield evidence_problem(
                found.path,
                told.code if told else "unreadable",
                told.expected if told else "a readable file",
                told.found if told else str(error).partition("\n")[0],
                "looking for evidence in an image: "
                + (told.message if told and told.message else "this file was not read"),
            )
    if isinstance(volume, NtfsVolume):
        volume.forget_index()
    yield from (_told(place.path, p) for p in doubts.problems)


def _found(place: Found, item: Chosen, part: _Part, snapshot: int) -> Found:
    inner = item.path.lstrip("\\").replace("\\", "/")
    shown = f"vss{snapshot}/{inner}" if snapshot else inner
    kind = volume_kind(snapshot)
    found = found_member(place, shown, item.size, item.node.file_id, kind)
    if part.role == COLLECTION:
        return found
    name = item.stream if item.stream and item.stream.startswith("$") else item.node.name
    if item.stream and not item.stream.startswith("$"):
        name = f"{item.node.name}:{item.stream}"
    path = f"{part.letter}:{item.path}" if part.letter else None
    return replace(found, name=encodable(name), windows_path=encodable(path) if path else None)


def problem_of(look: Look) -> EvidenceProblem | None:
    """Why an image was not opened."""
    error = look.refusal
    if error is None:
        return None
    return evidence_problem(
        look.image.path,
        error.code,
        error.expected,
        error.found,
        f"looking for evidence in an image: its content was not read; {error.advice}",
    )
