"""The bytes of a row, read again from the evidence: hex, and an event's XML by an independent reader."""

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from forensic_iso.browse.addresses import address_of
from forensic_iso.browse.case import Case, Record

if TYPE_CHECKING:
    from forensic_iso.evidence.found import Found

RECORD_MAGIC = b"\x2a\x2a\x00\x00"
CHUNK_MAGIC = b"ElfChnk\x00"
CHUNK_BYTES = 65_536
MFT_BYTES = 1024
OTHER_BYTES = 512
HEAD_BYTES = 512
INSIDE = {"jumplist_entry": "stream", "bits_transfer": "record_number"}
"""Tables whose offsets count inside a part of the file, with the column that names the part."""
PACKED = b"MAM"
"""Begins a compressed prefetch file: its rows' offsets count in what it unpacks to."""
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
    from forensic_iso.evidence.opening import open_found
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
    told = address_of(case, table)
    if not told.counts_bytes or not address.isdecimal():
        raise RawError(
            f"showing bytes: expected a byte offset as address, found {told.column} {address}"
            f" ({told.meaning}); S names the file that holds it"
        )
    inner = _stream_of(case, source_id, table, int(address))
    with reopen(source) as stream:
        head = stream.read(HEAD_BYTES)
        length = stream.seek(0, io.SEEK_END)
        data, where = _at(stream, head, int(address), inner)
    changed = None
    if source["bytes"] is not None and length != int(str(source["bytes"])):
        changed = (
            f"the file has {length} bytes now, {source['bytes']} when it was read: it was changed"
        )
    size, what = _extent(data, str(source["kind"]))
    remarks = [r for r in (changed, _doubt(case, source_id, table, int(address), head)) if r]
    return Raw(int(address), data[:size], f"{what}{where}", "; ".join(remarks) or None)


def _stream_of(case: Case, source_id: str, table: str, offset: int) -> str | None:
    """Name of the stream of a compound file that a row's offset counts in; None: the file itself.

    Raises:
        RawError: rows of several streams, or a record of a database, have this offset.
    """
    inside = INSIDE.get(table)
    if inside is None:
        return None
    found = case.rows(
        f'SELECT DISTINCT {inside} FROM "{table}" WHERE source_id = ? AND "offset" = ? ORDER BY 1',
        [source_id, offset],
    )
    names = [name for (name,) in found if name is not None]
    if names and (inside != "stream" or len(found) > 1):
        told = ", ".join(str(name) for name in names[:9])
        raise RawError(
            f"showing bytes: expected an offset of the file, found {offset}, which counts in"
            f" {inside.replace('_', ' ')} {told}; S names the file that holds it"
        )
    return str(names[0]) if names else None


def _at(stream: BinaryIO, head: bytes, offset: int, inner: str | None) -> tuple[bytes, str]:
    """Bytes at an offset, and in what it counts where that is not the file itself."""
    if inner is not None:
        import olefile  # type: ignore[import-untyped, unused-ignore]

        stream.seek(0)
        try:
            with olefile.OleFileIO(stream) as compound:
                whole = bytes(compound.openstream(inner).read())
        except Exception as e:  # the library's rim: it raises what the file makes it raise
            raise RawError(f"showing bytes: stream {inner} cannot be read: {e}") from e
        return whole[offset : offset + MOST_BYTES], f" in stream {inner}"
    if head.startswith(PACKED):
        from parsers.prefetch import mam

        stream.seek(0)
        whole = mam.unpack(stream.read(mam.MAX_SIZE)).data
        return whole[offset : offset + MOST_BYTES], " in what the compressed file unpacks to"
    stream.seek(offset)
    return stream.read(MOST_BYTES), ""


def _doubt(case: Case, source_id: str, table: str, offset: int, head: bytes) -> str | None:
    """A row of a hive that its transaction logs changed: the file's own bytes are older."""
    if not head.startswith(b"regf") or not case.has_column(table, "origin"):
        return None
    found = case.rows(
        f'SELECT 1 FROM "{table}" WHERE source_id = ? AND "offset" = ? AND origin = \'log\' LIMIT 1',
        [source_id, offset],
    )
    return (
        "the row is of the hive after replay of its logs: the file holds older bytes here"
        if found
        else None
    )


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
