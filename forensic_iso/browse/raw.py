"""The bytes of a row, read again from the evidence: hex, and an event's XML by an independent reader."""

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from forensic_iso.browse.case import Case, Record

if TYPE_CHECKING:
    from forensic_iso.evidence.found import Found

RECORD_MAGIC = b"\x2a\x2a\x00\x00"
CHUNK_MAGIC = b"ElfChnk\x00"
CHUNK_BYTES = 65_536
MFT_BYTES = 1024
OTHER_BYTES = 512
MOST_BYTES = 65_536


class RawError(Exception):
    """The bytes cannot be shown; the message says what was expected and found."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes at an offset of an artifact; `what` names them, `remark` says what is doubtful, if anything."""

    offset: int
    data: bytes
    what: str
    remark: str | None


def reopen(source: Record) -> BinaryIO:
    """A stream over an artifact, by its row of the table `source`.

    Raises:
        RawError: the evidence is not where it was when it was read.
    """
    from forensic_iso.evidence.archive import open_found
    from forensic_iso.evidence.zips import BadArchive

    try:
        return open_found(_found(source))
    except (OSError, ValueError, BadArchive) as e:  # ValueError: a NUL in the path
        raise RawError(
            f"reading the evidence again: expected {source['path']} below {source['given']}, found {e};"
            " put the evidence back where it was when the case was made"
        ) from e


def _found(source: Record) -> "Found":
    from forensic_iso.evidence.reopen import found_at

    found = found_at(str(source["given"]), str(source["path"]))
    if found is None:
        raise RawError(
            f"reading the evidence again: expected {source['path']} below {source['given']}, found nothing;"
            " put the evidence back where it was when the case was made"
        )
    return found


def read(case: Case, source_id: str, table: str, address: str) -> Raw:
    """The bytes of a row.

    Raises:
        RawError: the address is no offset, or the evidence cannot be read.
    """
    source = case.one("SELECT * FROM source WHERE source_id = ?", [source_id])
    if source is None:
        raise RawError(f"reading the evidence again: no source {source_id} in the case")
    if not address.isdecimal():
        raise RawError(f"showing bytes: the address {address} is no offset in {source['path']}")
    offset = int(address)
    with reopen(source) as stream:
        stream.seek(offset)
        data = stream.read(MOST_BYTES)
        stream.seek(0, io.SEEK_END)
        length = stream.tell()
    remark = None
    if source["bytes"] is not None and length != int(str(source["bytes"])):
        remark = (
            f"the file has {length} bytes now, {source['bytes']} when it was read: it was changed"
        )
    size, what = _extent(data, str(source["kind"]))
    return Raw(offset, data[:size], what, remark)


def _extent(data: bytes, kind: str) -> tuple[int, str]:
    """How many bytes belong to the row, and what they are."""
    if kind == "evtx" and data[:4] == RECORD_MAGIC and len(data) >= 8:
        return min(int(struct.unpack_from("<I", data, 4)[0]), len(data)), "event record"
    if kind == "mft" and data[:4] in (b"FILE", b"BAAD") and len(data) >= 32:
        size = int(struct.unpack_from("<I", data, 28)[0])
        return (size if 0 < size <= 4096 else MFT_BYTES), "$MFT record"
    return OTHER_BYTES, f"first {min(OTHER_BYTES, len(data))} bytes at the address"


def xml(case: Case, source_id: str, address: str) -> str:
    """An event record as indented XML, by python-evtx from the evidence and lxml.

    Raises:
        RawError: no event record there, or it cannot be read.
    """
    source = case.one("SELECT * FROM source WHERE source_id = ?", [source_id])
    if source is None or source["kind"] != "evtx" or not address.isdecimal():
        raise RawError("showing XML: only records of event logs have it")
    offset = int(address)
    with reopen(source) as stream:
        start, chunk = _chunk(stream, offset)
    return _render(chunk, offset - start)


def _chunk(stream: BinaryIO, offset: int) -> tuple[int, bytes]:
    """The chunk (MS-EVEN6 / ElfChnk, 64 KiB) around a record: chunks of a log lie at 4096 + n * 65536."""
    start = 4096 + max(0, offset - 4096) // CHUNK_BYTES * CHUNK_BYTES
    stream.seek(start)
    chunk = stream.read(CHUNK_BYTES)
    if len(chunk) < 512 or chunk[:8] != CHUNK_MAGIC:
        raise RawError(
            f"showing XML: expected a chunk at offset {start}, found none; see the bytes instead"
        )
    return start, chunk.ljust(CHUNK_BYTES, b"\0")


def _render(chunk: bytes, at: int) -> str:
    from Evtx.Evtx import ChunkHeader, Record
    from lxml import etree  # type: ignore[import-untyped]

    try:
        text = str(Record(chunk, at, ChunkHeader(chunk, 0)).xml())
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, recover=True, remove_blank_text=True
        )
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
        if root is None:
            return text
        return str(etree.tostring(root, pretty_print=True, encoding="unicode"))
    except Exception as e:  # the library's rim: python-evtx raises what its reader meets
        raise RawError(
            f"showing XML: python-evtx cannot read the record: {type(e).__name__}: {e}"
        ) from e


def hex_lines(raw: Raw) -> list[str]:
    """Offset, sixteen bytes, and their ASCII, a line for each sixteen bytes."""
    out = []
    for at in range(0, len(raw.data), 16):
        piece = raw.data[at : at + 16]
        text = "".join(chr(b) if 32 <= b < 127 else "." for b in piece)
        pairs = f"{piece[:8].hex(' ')}  {piece[8:].hex(' ')}"
        out.append(f"{raw.offset + at:010x}  {pairs:<48}  {text}")
    return out
