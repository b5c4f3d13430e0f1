"""The $MFT of an NTFS volume: records, names with paths, streams, and Zone.Identifier marks.

An $MFT is a state, not a log: `artifact.window` does not cut it. Times of any age are part of the
answer, and a path needs its directories however old they are.
"""

import re
from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Problem
from parsers.mft.head import RECORD_SIZES, plausible_record
from parsers.mft.tables import TABLES

KIND = "mft"
VERSION = 1
LABEL = "$MFT"

_NAME = re.compile(r"(?:.*[^a-z0-9])?(?:\$|%24)?mft(?:[^a-z0-9].*)?", re.IGNORECASE | re.DOTALL)
_MIRROR = re.compile(r"mftmirr", re.IGNORECASE)
_MARKS = (b"FILE", b"BAAD")


def recognise(name: str, head: bytes) -> bool:
    """Whether it is an $MFT, a part of one or a single record.

    With the name of an $MFT a mark at the start of a record is enough (the first record may be
    wiped); with any other name the first record must have a sound header. $MFTMirr only repeats the
    first records: not taken.
    """
    if _MIRROR.search(name):
        return False
    if plausible_record(head):
        return True
    marked = any(head[at : at + 4] in _MARKS for at in (0, *RECORD_SIZES))
    return marked and _NAME.fullmatch(name) is not None


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Rows of `TABLES`, and problems.

    Memory: names and about 25 bytes a record stay until the end.
    """
    from parsers.mft.reader import read  # Polars and NumPy only where an $MFT is read

    return read(artifact)


__all__ = ["KIND", "TABLES", "VERSION", "parse", "recognise"]
