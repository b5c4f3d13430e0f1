"""Defender XDR advanced hunting and Sentinel exports: Device*Events as CSV, JSON or Parquet, text as UTF-8 or UTF-16.

Rows exported twice within a file are kept once. A row's address is its number in the file, from 1.
"""

from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Problem
from parsers.mde.classify import looks_like_export
from parsers.mde.schema import TABLES

KIND = "mde"
VERSION = 1
LABEL = "Defender XDR"
NAMES_HOST = True

__all__ = ["KIND", "TABLES", "VERSION", "parse", "recognise"]


def recognise(name: str, head: bytes) -> bool:
    """Whether the head names a time, a device and a kind of event; Parquet by file name alone."""
    return looks_like_export(name, head)


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Read an export: batches per table, problems for what is left out or doubtful."""
    from parsers.mde.read import Reading

    return Reading(artifact).run()
