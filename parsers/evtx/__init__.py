"""Windows event logs (EVTX)."""

from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Problem
from parsers.evtx.schema import TABLES

KIND = "evtx"
VERSION = 1
NAMES_HOST = True
HOST_WITNESS = True


def recognise(name: str, head: bytes) -> bool:
    """An event log: by its mark, or by its name (the mark may be lost)."""
    return head.startswith(b"ElfFile\0") or name.lower().endswith(".evtx")


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Read the log; see `parsers.evtx.reader`."""
    from parsers.evtx import reader  # heavy imports (polars, pyarrow) only when a log is read

    return reader.parse(artifact)


__all__ = ["KIND", "TABLES", "VERSION", "parse", "recognise"]
