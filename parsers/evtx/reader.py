"""EVTX file -> batches and problems."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from parsers.contract import Artifact, Batch, Carry, Part, Problem, Severity
from parsers.evtx.cells import Bools, Memory
from parsers.evtx.chunks import CHUNK, READ_ERRORS, WHOLE, ChunkHead, ChunkReader, Run
from parsers.evtx.fragments import Grouper, Values
from parsers.evtx.problems import Problems
from parsers.evtx.records import RESYNC, SLACK, Starts, find, written_end
from parsers.evtx.render import Renderer
from parsers.evtx.slack import Slack, record_keys
from parsers.evtx.system import Header
from parsers.evtx.tables import Known, RunTables, known
from parsers.evtx.whole import Left, chunk_frame, join, windowed


@dataclass(slots=True)
class State:
    """What a file's reading carries from run to run."""

    problems: Problems
    known: Known = field(default_factory=known)
    slack: Slack = field(default_factory=Slack)
    slack_unread: int = 0
    heads: list[ChunkHead] = field(default_factory=list)


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Read an event log; whatever the bytes are, the worst that comes is a Problem."""
    left: object | None = None
    for item in parse_part(artifact, WHOLE):
        if isinstance(item, Carry):
            left = item.state
        else:
            yield item
    yield from join(artifact, [WHOLE], [left])


def parse_part(artifact: Artifact, part: Part) -> Iterator[Batch | Problem | Carry]:
    """Read the chunks that start in one part of the log."""
    problems = Problems()
    try:
        stream = artifact.open()
    except READ_ERRORS as error:
        yield Problem(
            "read_error",
            f"offset {part.start}",
            "a readable stream",
            type(error).__name__,
            str(error),
            Severity.ERROR,
        )
        return
    with stream:
        reader = ChunkReader(stream, problems, part)
        reader.start()
        if not part.start:
            _check_header(reader)
        state = State(problems)
        records: list[int] = []
        for run in reader.runs():
            first = len(state.heads)
            counts, batches = _read_run(run, state)
            for batch in batches:
                yield from windowed(batch, artifact.window)
            if part.start:
                records.extend(counts)
            else:
                yield chunk_frame(run.heads, counts, reader.header, first)
                yield from problems.drain()
            del run, batches  # the next run's bytes need not lie beside these
            if state.known.full():
                known.cache_clear()
                state.known = known()
    yield Carry(
        Left(
            reader.header,
            reader.place,
            problems,
            state.heads,
            records,
            state.slack,
            state.slack_unread,
        )
    )


def _read_run(run: Run, state: State) -> tuple[list[int], Iterator[Batch]]:
    """Number of records of each chunk, and the rows."""
    mem = Memory(run.raw)
    starts = find(mem)
    state.heads.extend(run.heads)
    for at, size in starts.gaps:
        place = f"offset {run.heads[at // CHUNK].offset + at % CHUNK}"
        message = "these bytes hold no readable record"
        state.problems.add(
            Problem(
                "record_unreadable", place, "a record", f"{size} bytes", message, Severity.ERROR
            )
        )
    counts: list[int] = np.bincount(starts.at // CHUNK, minlength=len(run.heads)).tolist()
    if not len(starts.at):
        return counts, iter(())
    return counts, _events(mem, run, _header(mem, run, starts), starts.torn, state)


def _header(mem: Memory, run: Run, starts: Starts) -> Header:
    at = starts.at
    words = mem.gather(at, "V24").view("<u8").reshape(-1, 3)
    chunk = at // CHUNK
    offsets = np.array([h.offset for h in run.heads], np.int64)
    ok = np.array([h.crc_ok for h in run.heads], bool)
    checked = np.array([h.checked for h in run.heads], bool)
    return Header(
        at,
        words[:, 1],
        words[:, 2],
        starts.size,
        starts.origin,
        offsets[chunk] + at % CHUNK,
        ok[chunk],
        checked[chunk],
    )


def _events(mem: Memory, run: Run, head: Header, torn: Bools, state: State) -> Iterator[Batch]:
    values = Values(state.known.literals)
    live = head.origin != SLACK
    grouper = Grouper(mem, state.known.templates, values, head.crc_ok & live)
    valid = np.array([h.valid for h in run.heads], np.int64)
    chunk_end = head.at // CHUNK * CHUNK + valid[head.at // CHUNK]
    cut = torn | (head.at + head.size > chunk_end)
    whole = np.flatnonzero(~cut)
    grouping = grouper.records(whole, head.at[whole], head.size[whole])
    for row in np.flatnonzero(cut).tolist():
        at, end = int(head.at[row]), int(head.at[row] + head.size[row])
        end = written_end(mem.raw, at, end) if torn[row] else int(chunk_end[row])
        grouper.torn(np.array([row]), np.array([at]), np.array([end]))
    unread, wounded, borrowed = (
        _flags(rows, len(head.at))
        for rows in (grouping.unread, grouping.wounded, grouping.borrowed)
    )
    tables = RunTables(Renderer(mem, values), state.known, grouping)
    system = tables.system(head, unread | wounded | borrowed)
    dropped = (unread | ~system.named) & ~live
    state.slack_unread += int(dropped.sum())
    lent = borrowed & system.named & ~unread & ~wounded
    _report_borrowed(head, lent & live, state.problems)
    _report(
        head, ~system.complete & ~lent & live, grouping.bounded, system.bad_times, state.problems
    )
    state.slack.see(record_keys(head.ids[live], head.written[live]))
    for name, rows, frame in tables.frames(system):
        keep = live[rows]
        if not keep.all():
            held = frame.filter(pl.Series(~keep & ~dropped[rows]))
            frame = frame.filter(pl.Series(keep))
            yield from state.slack.hold(Batch(name, held))
        if frame.height:
            yield Batch(name, frame)


def _flags(rows: set[int], count: int) -> Bools:
    """The numbers as flags."""
    out = np.zeros(count, bool)
    out[list(rows)] = True
    return out


def _report_borrowed(head: Header, rows: Bools, problems: Problems) -> None:
    message = "the template is lost in its chunk; the one of the same id in a sound chunk of this log was used"
    for row in np.flatnonzero(rows).tolist():
        place, found = f"offset {int(head.offset[row])}", f"record {int(head.ids[row])}"
        problems.add(Problem("template_borrowed", place, "its own template", found, message))


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
    resynced = np.flatnonzero((head.origin == RESYNC) & ~damaged)
    _, first_of_chunk = np.unique(head.at[resynced] // CHUNK, return_index=True)
    for row in resynced[first_of_chunk].tolist():
        place = f"offset {int(head.offset[row])}"
        message = "records were found by their mark behind damaged bytes"
        problems.add(
            Problem("records_resynced", place, "a chain", "a break", message, Severity.INFO)
        )
    for row, text in bad_times:
        place = f"offset {int(head.offset[row])}"
        message = "TimeCreated is out of range: time_utc is left empty"
        problems.add(
            Problem(
                "time_out_of_range",
                place,
                "a time from 1678 to 2262",
                text[:100] or "none",
                message,
            )
        )


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
