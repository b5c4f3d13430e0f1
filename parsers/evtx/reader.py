"""EVTX file -> batches and problems."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from parsers.contract import POLARS, Artifact, Batch, Problem, Severity
from parsers.evtx.cells import Bools, Memory, uniques
from parsers.evtx.chunks import CHUNK, READ_ERRORS, ChunkHead, ChunkReader, Run
from parsers.evtx.fragments import Grouper, Values
from parsers.evtx.problems import Problems
from parsers.evtx.records import RESYNC, SLACK, Starts, find
from parsers.evtx.render import Renderer
from parsers.evtx.schema import EVTX_CHUNK
from parsers.evtx.system import Header
from parsers.evtx.tables import Known, RunTables

SLACK_ROWS = 100_000
"""Slack rows held back until all live records are known; beyond it they are compared with those read so far."""


@dataclass(slots=True)
class State:
    """What a file's reading carries from run to run."""

    problems: Problems
    known: Known = field(default_factory=Known)
    live: list[np.ndarray] = field(default_factory=list)
    slack: list[Batch] = field(default_factory=list)
    slack_rows: int = 0
    slack_unread: int = 0
    heads: list[ChunkHead] = field(default_factory=list)


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Read an event log; whatever the bytes are, the worst that comes is a Problem."""
    problems = Problems()
    try:
        stream = artifact.open()
    except READ_ERRORS as error:
        yield Problem(
            "read_error",
            "offset 0",
            "a readable stream",
            type(error).__name__,
            str(error),
            Severity.ERROR,
        )
        return
    with stream:
        reader = ChunkReader(stream, problems)
        reader.start()
        _check_header(reader)
        state = State(problems)
        for run in reader.runs():
            for batch in _read_run(run, reader, state):
                yield from _windowed(batch, artifact)
            yield from problems.drain()
            if state.known.full():
                state.known = Known()
        for batch in _slack(state):
            yield from _windowed(batch, artifact)
        _check_chunks(reader, state)
        yield from problems.close()


def _windowed(batch: Batch, artifact: Artifact) -> Iterator[Batch]:
    window = artifact.window
    frame = batch.frame
    if window and "time_utc" in frame.columns:
        ns = pl.col("time_utc").dt.timestamp("ns")
        keep = pl.lit(True)
        if window.since_ns is not None:
            keep = keep & (ns >= window.since_ns)
        if window.until_ns is not None:
            keep = keep & (ns < window.until_ns)
        frame = frame.filter(keep | pl.col("time_utc").is_null())
    if frame.height:
        yield Batch(batch.table, frame)


def _read_run(run: Run, reader: ChunkReader, state: State) -> Iterator[Batch]:
    mem = Memory(run.raw)
    starts = find(mem)
    first = len(state.heads)
    state.heads.extend(run.heads)
    for at, size in starts.gaps:
        place = f"offset {run.heads[at // CHUNK].offset + at % CHUNK}"
        message = "these bytes hold no readable record"
        state.problems.add(
            Problem(
                "record_unreadable", place, "a record", f"{size} bytes", message, Severity.ERROR
            )
        )
    if len(starts.at):
        head = _header(mem, run, starts)
        yield from _events(mem, run, head, starts.torn, state)
    yield _chunk_frame(
        run, reader, np.bincount(starts.at // CHUNK, minlength=len(run.heads)), first
    )


def _header(mem: Memory, run: Run, starts: Starts) -> Header:
    at = starts.at
    words = mem.gather(at, "V24").view("<u8").reshape(-1, 3)
    chunk = at // CHUNK
    offsets = np.array([h.offset for h in run.heads], np.int64)
    ok = np.array([h.crc_ok for h in run.heads], bool)
    known = np.array([h.checked for h in run.heads], bool)
    return Header(
        at,
        words[:, 1],
        words[:, 2],
        starts.size,
        starts.origin,
        offsets[chunk] + at % CHUNK,
        ok[chunk],
        known[chunk],
    )


def _events(mem: Memory, run: Run, head: Header, torn: Bools, state: State) -> Iterator[Batch]:
    values = Values(state.known.literals)
    grouper = Grouper(mem, state.known.templates, values)
    valid = np.array([h.valid for h in run.heads], np.int64)
    cut = torn | (head.at % CHUNK + head.size > valid[head.at // CHUNK])
    whole = np.flatnonzero(~cut)
    grouping = grouper.records(whole, head.at[whole], head.size[whole])
    unread = cut.copy()
    unread[list(grouping.unread)] = True
    tables = RunTables(Renderer(mem, values), state.known, grouping)
    system = tables.system(head, unread)
    dropped = ~system.complete & (head.origin == SLACK)
    state.slack_unread += int(dropped.sum())
    _report(head, ~system.complete & ~dropped, grouping.bounded, system.bad_times, state.problems)
    live = head.origin != SLACK
    state.live.append(_keys(head.ids[live], head.written[live]))
    for name, rows, frame in tables.frames(system):
        keep = live[rows]
        if not keep.all():
            held = frame.filter(pl.Series(~keep & ~dropped[rows]))
            frame = frame.filter(pl.Series(keep))
            yield from _hold(Batch(name, held), state)
        if frame.height:
            yield Batch(name, frame)


def _keys(ids: np.ndarray, written: np.ndarray) -> np.ndarray:
    """One number per record: header id and time mixed."""
    mixed: np.ndarray = ids * np.uint64(0x9E3779B97F4A7C15) ^ written
    return mixed


def _hold(batch: Batch, state: State) -> Iterator[Batch]:
    if batch.frame.height:
        state.slack.append(batch)
        state.slack_rows += batch.frame.height
    if state.slack_rows > SLACK_ROWS:
        yield from _slack(state)


def _slack(state: State) -> Iterator[Batch]:
    """Slack records that no live record and no slack record before equals."""
    if not state.slack:
        return
    seen = uniques(np.concatenate(state.live))
    for batch in state.slack:
        ids = batch.frame["header_record_id"].to_numpy()
        written = (
            batch.frame["written_utc"].to_physical().fill_null(0).to_numpy() // 100
            + 116444736000000000
        )
        keys = _keys(ids, written.astype(np.uint64))
        new = np.zeros(len(keys), bool)
        new[np.unique(keys, return_index=True)[1]] = True
        place = np.minimum(np.searchsorted(seen, keys), len(seen) - 1)
        new &= seen[place] != keys if len(seen) else True
        seen = uniques(np.concatenate([seen, keys[new]]))
        if new.any():
            yield Batch(batch.table, batch.frame.filter(pl.Series(new)))
    state.live = [seen]
    state.slack = []
    state.slack_rows = 0


def _report(
    head: Header,
    damaged: np.ndarray,
    bounded: set[int],
    bad_times: list[tuple[int, str]],
    problems: Problems,
) -> None:
    for row in np.flatnonzero(damaged).tolist():
        place = f"offset {int(head.offset[row])}"
        if row in bounded:
            message = "reading this record was given up: it would grow beyond all measure"
            problems.add(Problem("work_bound", place, "a record of usual size", "more", message))
        message = "the record's content could not be read in full"
        found = f"record {int(head.ids[row])}, {int(head.size[row])} bytes"
        problems.add(
            Problem("record_unreadable", place, "readable BinXML", found, message, Severity.ERROR)
        )
    for row in np.flatnonzero((head.origin == RESYNC) & ~damaged).tolist()[:1]:
        place = f"offset {int(head.offset[row])}"
        message = "records were found by their mark behind damaged bytes"
        problems.add(
            Problem("records_resynced", place, "a chain", "a break", message, Severity.INFO)
        )
    for row, text in bad_times:
        place = f"offset {int(head.offset[row])}"
        message = "TimeCreated is out of range: time_utc is left empty"
        problems.add(
            Problem("time_out_of_range", place, "a time from 1678 to 2262", text[:100], message)
        )


def _chunk_frame(run: Run, reader: ChunkReader, counts: np.ndarray, first: int) -> Batch:
    limit = reader.header.chunks if reader.header else None
    hs = run.heads
    rows = {
        "chunk_offset": [h.offset for h in hs],
        "first_record_id": [h.first_id for h in hs],
        "last_record_id": [h.last_id for h in hs],
        "free_space_offset": [h.free for h in hs],
        "mark_ok": [h.mark_ok for h in hs],
        "header_crc_ok": [h.header_ok if h.checked else None for h in hs],
        "records_crc_ok": [h.records_ok if h.checked else None for h in hs],
        "records": counts.tolist(),
        "beyond_header": [None if limit is None else first + i >= limit for i in range(len(hs))],
    }
    schema = {c.name: POLARS[c.type] for c in EVTX_CHUNK.columns if c.name in rows}
    return Batch(EVTX_CHUNK.name, pl.DataFrame(rows, schema=schema))


def _check_header(reader: ChunkReader) -> None:
    block = reader.head_block
    header = reader.header
    if not block.strip(b"\0"):
        what = "an empty file" if not block else "zeros"
        problem = Problem(
            "not_evtx", "offset 0", "ElfFile", what, "the file's header is blank", Severity.WARNING
        )
    elif header is None:
        problem = Problem(
            "file_mark_lost",
            "offset 0",
            "ElfFile",
            block[:8].hex(),
            "the file's header is not readable",
        )
    elif not header.crc_ok:
        message = "the checksum of the file's header does not match"
        problem = Problem(
            "header_crc_mismatch", "offset 124", "CRC32 of bytes 0 to 119", "another", message
        )
    else:
        return
    reader.problems.add(problem)


def _check_chunks(reader: ChunkReader, state: State) -> None:
    """Checksums and counts, once the whole file is known."""
    header, heads, problems = reader.header, state.heads, state.problems
    if not heads:
        message = "no chunk was found: the file holds no events, or is no event log"
        problems.add(Problem("no_chunks", "whole file", "ElfChnk", "none", message))
        return
    current = {len(heads) - 1, max(range(len(heads)), key=lambda i: heads[i].last_id)}
    if header:
        current.add(header.current)
    dirty = header is None or header.dirty
    for i, head in enumerate(heads):
        if head.crc_ok:
            continue
        which = " and ".join(
            n for n, ok in (("header", head.header_ok), ("records", head.records_ok)) if not ok
        )
        expected_so = (dirty and i in current) or not head.checked
        message = "a checksum of this chunk does not match"
        if expected_so:
            message += (
                "; usual for the chunk that was being written"
                if head.checked
                else "; the log keeps none"
            )
        severity = Severity.INFO if expected_so else Severity.WARNING
        place = f"offset {head.offset}"
        problems.add(
            Problem(
                "chunk_crc_mismatch", place, "matching CRC32", f"wrong: {which}", message, severity
            )
        )
    if header and header.chunks != len(heads):
        found = f"{len(heads)} chunks"
        message = (
            "the header's count of chunks is stale"
            if header.dirty
            else "the header's count of chunks is wrong"
        )
        problems.add(
            Problem(
                "chunk_count_mismatch",
                "offset 42",
                f"{header.chunks} chunks",
                found,
                message,
                Severity.INFO,
            )
        )
    if state.slack_unread:
        message = (
            "older records behind free space whose content is no longer readable were left out"
        )
        problems.add(
            Problem(
                "slack_unreadable",
                "whole file",
                "readable",
                str(state.slack_unread),
                message,
                Severity.INFO,
            )
        )
