"""Windows event logs (EVTX)."""

from collections.abc import Iterator, Sequence

from parsers.contract import Artifact, Batch, Carry, Part, Problem
from parsers.evtx.schema import TABLES

KIND = "evtx"
VERSION = 2
NAMES_HOST = True
HOST_WITNESS = True


def recognise(name: str, head: bytes) -> bool:
    """An event log: by its mark, or by its name (the mark may be lost)."""
    return head.startswith(b"ElfFile\0") or name.lower().endswith(".evtx")


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Read the log; see `parsers.evtx.reader`."""
    from parsers.evtx import reader  # heavy imports (polars, pyarrow) only when a log is read

    return reader.parse(artifact)


def parts(artifact: Artifact, least: int, most: int) -> Sequence[Part]:
    """Cut a large log between chunks; see `parsers.evtx.borders`."""
    from parsers.evtx.borders import parts as cut

    return cut(artifact, least, most)


def parse_part(artifact: Artifact, part: Part) -> Iterator[Batch | Problem | Carry]:
    """Read the chunks that start in one part."""
    from parsers.evtx import reader

    return reader.parse_part(artifact, part)


def join(
    artifact: Artifact, parts: Sequence[Part], carried: Sequence[object | None]
) -> Iterator[Batch | Problem]:
    """Rows and problems that rest on all chunks of the log."""
    from parsers.evtx import whole

    return whole.join(artifact, parts, carried)


__all__ = ["KIND", "TABLES", "VERSION", "join", "parse", "parse_part", "parts", "recognise"]
