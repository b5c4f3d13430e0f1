"""Look through all that was handed in and ask every parser "is this yours?"."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from forensic_iso.errors import UsageError
from forensic_iso.evidence.archive import ZIP_MARKS, walk_archive
from forensic_iso.evidence.beside import join_companions
from forensic_iso.evidence.containers import unsupported_container
from forensic_iso.evidence.expected import expected_logs, not_found
from forensic_iso.evidence.folder import sight, walk_folder
from forensic_iso.evidence.found import (
    EvidenceProblem,
    Found,
    Recognised,
    Sighting,
    evidence_problem,
)
from forensic_iso.evidence.groups import LogIndex, collection_of, nearest_logs
from forensic_iso.evidence.image import is_image, is_part
from forensic_iso.evidence.image_files import (
    ImageOptions,
    Look,
    Report,
    look_at,
    problem_of,
    walk_look,
)
from forensic_iso.evidence.names import on_windows_volume
from forensic_iso.evidence.opening import forget_layers
from forensic_iso.evidence.promised import broken_promise, is_hive
from forensic_iso.evidence.tars import GZIP_MARK, is_tar, walk_tar
from forensic_iso.text import one_line
from parsers.contract import Severity
from parsers.disks import disk_format

__all__ = [
    "Discovery",
    "EvidenceProblem",
    "Found",
    "ImageOptions",
    "LogIndex",
    "Recognised",
    "Recogniser",
    "collection_of",
    "discover",
    "expected_logs",
    "nearest_logs",
    "not_found",
]


class Recogniser(Protocol):
    """What discovery needs of a parser."""

    KIND: str

    def recognise(self, name: str, head: bytes) -> bool:
        """Whether the artifact is this parser's."""
        ...


@dataclass(slots=True)
class Discovery:
    """All files of the evidence in a fixed order: taken, not taken and why, and problems."""

    recognised: list[Recognised] = field(default_factory=list)
    unrecognised: list[tuple[Found, str]] = field(default_factory=list)
    problems: list[EvidenceProblem] = field(default_factory=list)
    images: list[Found] = field(default_factory=list)
    """Disk images whose files were looked through."""

    @property
    def not_found(self) -> list[str]:
        """What was looked for and is not there: lines of "collection: what (its name)"."""
        missing = not_found(self.recognised)
        return [f"{place}: {what}" for place, lacking in missing.items() for what in lacking]


def discover(
    paths: Sequence[Path],
    parsers: Sequence[Recogniser],
    images: ImageOptions = ImageOptions(),  # noqa: B008 - frozen
    report: Report | None = None,
) -> Discovery:
    """Find every file in the evidence. The first parser that recognises a file takes it.

    Args:
        paths: files, folders, archives and disk images; what is given twice, or inside another, is found once.
        parsers: in order of precedence.
        images: how disk images are read; which ones are opened as evidence says `evidence.image`.
        report: takes how many bytes of an image were read so far; how many it will be is not known (0).

    Raises:
        UsageError: a path does not exist.
    """
    result = Discovery()
    seen: set[str] = set()
    given = [_given(path) for path in paths]
    named = {real for _, real in given}
    for shown, real in given:
        for item in _walk(shown, real):
            if isinstance(item, EvidenceProblem):
                result.problems.append(item)
            elif item.found.member not in seen:
                seen.add(item.found.member)
                explicit = item.found.member in named
                _sort_in(item, parsers, result, images, report, explicit=explicit)
    asked = {p.KIND: tuple(getattr(p, "BESIDE", ())) for p in parsers}
    result.recognised, result.unrecognised = join_companions(
        result.recognised, result.unrecognised, asked
    )
    forget_layers()
    result.problems = list(dict.fromkeys(result.problems))  # what is given twice is told once
    return result


def _given(path: Path) -> tuple[str, str]:
    """A path as given and its absolute form: links that the user names are followed."""
    try:
        exists = path.exists()
    except OSError:
        exists = os.path.lexists(path)
    if not exists:
        raise UsageError(
            f"looking for evidence in {one_line(str(path))}: expected a file or folder, "
            "found nothing there; check the path"
        )
    return str(path), os.path.realpath(path)


def _walk(shown: str, real: str) -> Iterator[Sighting | EvidenceProblem]:
    if Path(real).is_dir():
        yield from walk_folder(shown, real)
    else:
        yield sight(shown, real, "", real)


def _sort_in(
    item: Sighting,
    parsers: Sequence[Recogniser],
    result: Discovery,
    images: ImageOptions,
    report: Report | None,
    *,
    explicit: bool = False,
) -> None:
    """Put one file where it belongs; archives and images that hold evidence are walked in turn."""
    found = item.found
    is_zip = _is_zip(item, explicit)
    packed = is_tar(found.name, item.head)
    if (is_zip or packed) and (explicit or not _is_artifact(item)):
        for inner in walk_archive(found) if is_zip else walk_tar(found):
            if isinstance(inner, EvidenceProblem):
                result.problems.append(inner)
            else:
                _sort_in(inner, parsers, result, images, report)
        return
    if is_part(item):
        result.unrecognised.append((found, "read together with the first part of its image"))
        return
    if is_image(item, explicit) and _opened(
        item, parsers, result, images, report, explicit=explicit
    ):
        return
    kind = _kind(item, parsers, result)
    if kind is not None:
        result.recognised.append(Recognised(found, kind))
        return
    reason, problem = _why_not(item, is_zip=is_zip, explicit=explicit)
    result.unrecognised.append((found, reason))
    if problem is not None:
        result.problems.append(problem)


def _opened(
    item: Sighting,
    parsers: Sequence[Recogniser],
    result: Discovery,
    images: ImageOptions,
    report: Report | None,
    *,
    explicit: bool,
) -> bool:
    """Walk an image that is evidence; False: it is an artifact like others, or one as well."""
    look = look_at(item.found, images, report)
    try:
        return _looked_through(item, look, parsers, result, images, report, explicit=explicit)
    finally:
        look.unwatch()


def _looked_through(
    item: Sighting,
    look: Look,
    parsers: Sequence[Recogniser],
    result: Discovery,
    images: ImageOptions,
    report: Report | None,
    *,
    explicit: bool,
) -> bool:
    refused = problem_of(look)
    if refused is not None:
        if explicit or not _is_artifact(item):
            result.problems.append(refused)
            result.unrecognised.append(
                (item.found, f"a disk image that is not read: {refused.problem.found}")
            )
            return True
        return False
    acquired = look.is_acquisition and not _is_artifact(item)
    if not (explicit or look.is_evidence or acquired):
        return False
    for inner in walk_look(look, images):
        if isinstance(inner, EvidenceProblem):
            result.problems.append(inner)
        else:
            _sort_in(inner, parsers, result, images, report)
    # Given by itself it was looked through all the same: it is a file like others only where a parser takes it.
    if look.is_evidence or _kind(item, parsers, result) is None:
        result.images.append(item.found)
        result.unrecognised.append((item.found, look.remark))
        return True
    return False


def _is_artifact(item: Sighting) -> bool:
    """Whether a container is itself evidence: what a user had is no collection of ours."""
    return item.found.windows_path is not None or on_windows_volume(item.below)


def _is_zip(item: Sighting, explicit: bool) -> bool:
    named = item.found.name.lower().endswith(".zip")
    marked = item.head.startswith(ZIP_MARKS) and not item.found.name.lower().endswith(".aff4")
    return named or (explicit and marked)


def _kind(item: Sighting, parsers: Sequence[Recogniser], result: Discovery) -> str | None:
    for parser in parsers:
        try:
            if parser.recognise(item.found.name, item.head):
                return parser.KIND
        except (
            Exception
        ) as error:  # the rim: one parser's defect must not hide a file from the others
            result.problems.append(
                evidence_problem(
                    item.found.path,
                    "recognise_failed",
                    f"an answer of the parser {parser.KIND}",
                    f"{type(error).__name__}: {error}",
                    "asking parsers whose file this is; the others were asked all the same",
                )
            )
    return None


def _why_not(item: Sighting, *, is_zip: bool, explicit: bool) -> tuple[str, EvidenceProblem | None]:
    """Why no parser takes a file, and the problem this is, if it is one."""
    if not item.found.size:
        return "empty file", None
    if is_zip:
        return "an archive on the collected volume", evidence_problem(
            item.found.path,
            "archive_not_opened",
            "a collection",
            "an archive on the collected volume",
            "a user's archive is an artifact; to read it as a collection give it by itself",
            Severity.INFO,
        )
    container = unsupported_container(item.found.name, item.head)
    packed = item.head.startswith(GZIP_MARK)  # of an image that was looked at and holds no Windows
    if (container is None or packed) and is_image(item, explicit):
        return "a disk image with no Windows volume on it", evidence_problem(
            item.found.path,
            "image_not_opened",
            "a volume of Windows, or an image given by itself",
            "a disk image with no Windows volume on it",
            "what a user had is no evidence disk; to look into it give it by itself",
            Severity.INFO,
        )
    if container is None and disk_format(item.found.name, item.head):
        return "a disk image on the volume of an image", evidence_problem(
            item.found.path,
            "image_not_opened",
            "an image in no other image",
            "a disk image on the volume of an image",
            "looking for evidence: it was not looked into; export it and give it by itself",
            Severity.WARNING,
        )
    if container is None:
        return _not_known(item)
    if _is_artifact(item) and not explicit:
        return f"{container.name} on the collected volume", None
    return container.name, evidence_problem(
        item.found.path,
        "container_not_supported",
        "a folder, a ZIP, or single files",
        container.name,
        f"looking for evidence: its content was not read; {container.advice}",
    )


def _not_known(item: Sighting) -> tuple[str, EvidenceProblem | None]:
    """A file of no known kind; a problem where its name promises one."""
    promise = broken_promise(item.found.name, item.head)
    if is_hive(item.found.name, item.head):
        return "a registry hive of a kind that is not read", None
    if promise is None:
        return "no parser knows it", None
    return f"named as {promise.what}, but does not begin as one", evidence_problem(
        item.found.path,
        "not_as_named",
        " or ".join(f"{mark.hex(' ')} at byte {offset}" for offset, mark in promise.marks),
        f"first bytes {item.head[:8].hex(' ')}",
        "looking for evidence: it was not read; its head is damaged, or it is another file",
    )
