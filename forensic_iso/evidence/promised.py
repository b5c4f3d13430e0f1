"""Files whose name promises an artifact that is read, while their first bytes are another thing.

A damaged head, or another file set in its place: told as a problem, since an examiner would take the artifact for read.
"""

import re
from dataclasses import dataclass

from parsers.disks import SEGMENT_MARKS


@dataclass(frozen=True, slots=True)
class Promise:
    """What names of that pattern stand for, and the marks that such a file begins with: each with its offset."""

    what: str
    names: re.Pattern[str]
    marks: tuple[tuple[int, bytes], ...]

    def is_kept(self, head: bytes) -> bool:
        """Whether a file begins as its name says."""
        return any(head.startswith(mark, offset) for offset, mark in self.marks)


def _promise(what: str, names: str, *marks: tuple[int, bytes]) -> Promise:
    return Promise(what, re.compile(names, re.IGNORECASE), marks)


HIVE = b"regf"


PROMISES = (
    _promise(
        "a registry hive",
        r"(?:.*[_-])?(?:SYSTEM|SOFTWARE|NTUSER\.DAT|UsrClass\.dat|Amcache\.hve)",
        (0, HIVE),
    ),
    _promise("a prefetch file", r".+-[0-9A-F]{8}\.pf", (4, b"SCCA"), (0, b"MAM")),
    _promise("a shortcut", r".+\.lnk", (0, b"L\0\0\0\x01\x14\x02\0")),
    _promise("the master file table", r"\$MFT", (0, b"FILE"), (0, b"BAAD")),
    _promise("a jump list", r"[0-9a-f]{6,16}\.automaticDestinations-ms", (0, b"\xd0\xcf\x11\xe0")),
    _promise("an EnCase image", r".+\.(?:E|Ex)01", *((0, mark) for mark in SEGMENT_MARKS)),
    _promise("a QCOW2 disk", r".+\.qcow2", (0, b"QFI\xfb")),
    _promise("the database of SRUM", r"SRUDB\.dat", (4, b"\xef\xcd\xab\x89")),
)


def broken_promise(name: str, head: bytes) -> Promise | None:
    """What a name promises and the bytes are not; None: the name promises nothing, or it is kept."""
    promise = next((p for p in PROMISES if p.names.fullmatch(name)), None)
    return None if promise is None or promise.is_kept(head) else promise


def is_hive(name: str, head: bytes) -> bool:
    """A registry hive, of those that are not read (SAM, SECURITY, BCD) or not to be told; no transaction log."""
    return head.startswith(HIVE) and re.search(r"\.LOG[12]?$", name, re.IGNORECASE) is None
