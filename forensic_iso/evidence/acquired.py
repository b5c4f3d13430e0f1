"""Whether a disk image still is what was acquired: the hashes it holds, and the checksums of its blocks."""

from collections.abc import Callable

from forensic_iso.evidence.found import Found
from forensic_iso.evidence.image import open_image
from parsers.contract import Problem, Severity
from parsers.disks import DiskRefused, check_stored


def check_image(found: Found, report: Callable[[int, int], None]) -> list[Problem] | None:
    """Read the whole disk of an image that holds hashes of it; None: it holds none.

    Args:
        found: the image.
        report: takes (bytes read, bytes in all).

    Returns:
        What speaks against it: a hash that differs, blocks that do not fit their checksum, parts that lack.

    Raises:
        OSError: a file cannot be read.
        BadArchive: the archive that holds it changed.
    """
    try:
        disk = open_image(found)
    except DiskRefused as error:
        return [
            Problem(error.code, "file", error.expected, error.found, error.advice, Severity.ERROR)
        ]
    if not disk.stored:
        return None
    differing = check_stored(disk, report)
    return differing + [p for p in disk.problems if p.severity == Severity.ERROR]
