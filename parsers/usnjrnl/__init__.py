"""The change journal of an NTFS volume, $UsnJrnl:$J: versions 2 and 3 (version 4 has no name: counted).

A live journal starts with a hole of many GB: it is asked from the system or skipped block by block.
"""

import re
from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Problem
from parsers.usnjrnl.tables import TABLES

KIND = "usnjrnl"
VERSION = 1
LABEL = "$UsnJrnl"

_STREAM = re.compile(r"(?:.*[^a-z0-9])?(?:\$|%24)j", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(
    r"(?:.*[^a-z0-9])?(?:(?:\$|%24)j|(?:\$|%24)?usnjrnl.*)", re.IGNORECASE | re.DOTALL
)
_OTHER = re.compile(
    r"[$%][a-z0-9]*max$|\.(?:csv|json|jsonl|txt|xml|xlsx|zip|7z|gz)$", re.IGNORECASE
)
_PADDING = 64
_RECORD = re.compile(rb".{4}[\2\3]\0\0\0", re.DOTALL)
"""Length, major version 2 or 3, minor version 0: no other file need load what reads records."""


def recognise(name: str, head: bytes) -> bool:
    """The stream's own name ($J); with a name that speaks of a journal, zeros or a record in the head.

    With any other name a record where the head's zeros end.

    Collectors name it `$J`, `$UsnJrnl%3A$J`, `$UsnJrnl_$J`, `UsnJrnl.bin` and so on; its other
    stream, $Max, is not taken.
    """
    if _OTHER.search(name):
        return False
    if _STREAM.fullmatch(name):
        return True
    if len(head) < _PADDING:
        return False
    named = _NAME.fullmatch(name) is not None
    first = (len(head) - len(head.lstrip(b"\0"))) & ~7
    if first >= len(head) & ~7:
        return named
    if not named and not _RECORD.match(head, first):
        return False
    found = _records(head)
    return bool(found) and (named or found[0] == first)


def _records(head: bytes) -> list[int]:
    """Where records start in the head."""
    import numpy as np

    from parsers.mft.columns import Fields
    from parsers.usnjrnl.records import find

    data = np.frombuffer(head[: len(head) & ~7].ljust(_PADDING, b"\0") + bytes(_PADDING), np.uint8)
    starts: list[int] = find(Fields.over(data), len(data) - _PADDING).at.tolist()
    return starts


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Rows of `usn_record` in the file's order; one block and its frame are held at a time."""
    from parsers.usnjrnl.reader import read  # Polars and NumPy only where a journal is read

    return read(artifact)


__all__ = ["KIND", "TABLES", "VERSION", "parse", "recognise"]
