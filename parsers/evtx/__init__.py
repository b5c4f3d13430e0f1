"""Windows event logs (.evtx)."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from parsers.contract import Artifact, Batch, Problem, Severity, Table
from parsers.evtx.binxml import Templates
from parsers.evtx.cells import Literals, Memory
from parsers.evtx.chunks import CHUNK, FILE_MARK, ChunkReader, Run
from parsers.evtx.alt_fields import RunFields
from parsers.evtx.problems import Problems
from parsers.evtx.alt_records import RECORD_HEAD, find
from parsers.evtx.alt_render import EPOCH
from parsers.evtx.schema import EVTX_CHUNK, TABLES as _TABLES
from parsers.evtx.alt_tables import RunRows, RunTables

KIND = "evtx"
VERSION = 1
TABLES: tuple[Table, ...] = _TABLES


def recognise(name: str, head: bytes) -> bool:
    """The file mark, or the usual name."""
    return head.startswith(FILE_MARK) or name.lower().endswith(".evtx")


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Read all chunks in runs."""
    problems = Problems()
    templates, literals = Templates(), Literals()
    with artifact.open() as stream:
        reader = ChunkReader(stream, problems)
        reader.start()
        n = 0
        for run in reader.runs():
            yield from _run(run, reader, templates, literals, problems, artifact)
            yield from problems.drain()
            n += len(run.heads)
        if not n:
            problems.add(Problem("no_chunks", "whole file", "event log chunks", f"{reader.size} bytes without one", "nothing to read", Severity.ERROR))
    yield from problems.close()


def _run(run: Run, reader: ChunkReader, templates: Templates, literals: Literals, problems: Problems, artifact: Artifact) -> Iterator[Batch]:
    mem = Memory(run.raw)
    starts = find(mem)
    at = starts.at
    offsets = np.array([h.offset for h in run.heads], np.int64)
    valid = np.array([h.valid for h in run.heads], np.int64)
    crc = np.array([h.crc_ok or not h.checked for h in run.heads], bool)
    for h in run.heads:
        if h.checked and not h.crc_ok:
            problems.add(Problem("chunk_crc_mismatch", f"offset {h.offset}", "both checksums match", f"header {h.header_ok}, records {h.records_ok}", "records read one by one", Severity.WARNING))
    for offset, size in starts.gaps:
        problems.add(Problem("record_unreadable", f"offset {offsets[offset // CHUNK] + offset % CHUNK}", "a record", f"{size} bytes of other", "bytes skipped to the next record", Severity.ERROR))
    counts = np.bincount(at // CHUNK, minlength=len(run.heads))
    yield Batch("evtx_chunk", pl.DataFrame({
        "chunk_offset": offsets, "first_record_id": pl.Series([h.first_id for h in run.heads], dtype=pl.UInt64),
        "last_record_id": pl.Series([h.last_id for h in run.heads], dtype=pl.UInt64),
        "free_space_offset": pl.Series([h.free for h in run.heads], dtype=pl.UInt32),
        "mark_ok": [h.mark_ok for h in run.heads], "header_crc_ok": [h.header_ok for h in run.heads],
        "records_crc_ok": [h.records_ok for h in run.heads], "records": pl.Series(counts, dtype=pl.UInt32),
        "beyond_header": [reader.header is not None and run.first_index + i >= reader.header.chunks for i in range(len(run.heads))],
    }))
    if not len(at):
        return
    head = mem.gather(at, "V24").view("<u8").reshape(-1, 3)
    size = (head[:, 0] >> np.uint64(32)).astype(np.int64)
    chunk = at // CHUNK
    cut = at % CHUNK + size > valid[chunk]
    fields = RunFields(mem, templates, literals, len(at))
    whole = np.flatnonzero(~cut)
    fields.read(at[whole] + RECORD_HEAD, (at + size)[whole], whole)
    rows = RunRows(offsets[chunk] + at % CHUNK, head[:, 1], head[:, 2].astype(np.int64) - EPOCH, starts.origin, cut, crc[chunk])
    w = artifact.window
    yield from RunTables(fields, rows).batches(w.since_ns, w.until_ns)
