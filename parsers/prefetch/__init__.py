r"""Prefetch files (`Windows\Prefetch\*.pf`), versions 17 to 31, plain or compressed."""

import re
from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Problem, Severity, Table
from parsers.evtx.problems import Problems
from parsers.prefetch import mam, rows, scca
from parsers.prefetch.tables import TABLES
from parsers.rows import Row, batches, content

__all__ = ["KIND", "LABEL", "TABLES", "VERSION", "parse", "recognise"]

KIND = "prefetch"
VERSION = 1
LABEL = "Prefetch"

_NAME = re.compile(r".*\.pf", re.IGNORECASE | re.DOTALL)
_FULL_NAME = re.compile(r".+-[0-9A-F]{8}\.pf", re.IGNORECASE)
_HINTS = {
    "prefetch_container": "Read as far as it can be unpacked",
    "prefetch_time": "Time left empty",
}
_SKIPPED = "Left out; the rest is read"


def recognise(name: str, head: bytes) -> bool:
    """SCCA and a known version; under Windows' form of name any version (told as a problem); or a container in .pf."""
    if head[4:8] == scca.SIGNATURE:
        return (
            _FULL_NAME.fullmatch(name) is not None
            or int.from_bytes(head[:4], "little") in scca.VERSIONS
        )
    return head[:3] == mam.MAGIC and _NAME.fullmatch(name) is not None


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row of `prefetch`; its run times, files and volumes."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    whole = True

    def report(code: str, place: str, expected: str, found: str) -> None:
        nonlocal whole
        whole = False
        text = _HINTS.get(code, _SKIPPED)
        problems.add(Problem(code, place, expected, found, text, Severity.ERROR))

    data = content(artifact, mam.MAX_SIZE)
    if artifact.size > mam.MAX_SIZE:
        report("prefetch_size", "whole file", f"at most {mam.MAX_SIZE} bytes", str(artifact.size))
    compressed = data[:3] == mam.MAGIC
    if compressed:
        unpacked = mam.unpack(data)
        if unpacked.trouble is not None:
            report("prefetch_container", "offset 0", "MAM, Huffman", unpacked.trouble)
        data = unpacked.data
    found = scca.read(data, report)
    if found is None:
        return
    yield from rows.all_rows(artifact, found, compressed, whole, report)
