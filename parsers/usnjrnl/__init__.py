"""The change journal of an NTFS volume, $UsnJrnl:$J: versions 2 and 3 (version 4 has no name: counted).

A live journal starts with a hole of many GB: it is asked from the system or skipped block by block.
"""

import re
from collections.abc import Iterator

import numpy as np

from parsers.contract import Artifact, Batch, Problem
from parsers.mft.columns import Fields
from parsers.usnjrnl.reader import read
from parsers.usnjrnl.records import find
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
    data = np.frombuffer(head[: len(head) & ~7].ljust(_PADDING, b"\0") + bytes(_PADDING), np.uint8)
    n = len(data) - _PADDING
    words = np.flatnonzero(data.view("<u8"))
    named = _NAME.fullmatch(name) is not None
    if not len(words):
        return named
    found = find(Fields.over(data), n).at
    return bool(len(found)) and (named or int(found[0]) == int(words[0]) * 8)


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Rows of `usn_record` in the file's order; one block and its frame are held at a time."""
    return read(artifact)


__all__ = ["KIND", "TABLES", "VERSION", "parse", "recognise"]
