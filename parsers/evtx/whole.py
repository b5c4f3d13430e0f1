"""What rests on all chunks of a log: their count and order, its header's claims, slack records seen elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from parsers.contract import Artifact, Batch, Part, Problem, Severity, Window
from parsers.evtx.chunks import ChunkHead, FileHeader
from parsers.evtx.problems import Problems
from parsers.evtx.schema import EVTX_CHUNK
from parsers.evtx.slack import Slack
from parsers.frames import schema_of


@dataclass(frozen=True, slots=True)
class Left:
    """What a part leaves; `end` is where its reading stopped, `records` counts the records of each of its chunks.

    Problems and chunk rows of the first part are told while it is read; those of a later one rest on the parts before.
    """

    header: FileHeader | None
    end: int
    problems: Problems
    heads: list[ChunkHead]
    records: list[int]
    slack: Slack
    slack_unread: int


def join(
    artifact: Artifact, parts: Sequence[Part], carried: Sequence[object | None]
) -> Iterator[Batch | Problem]:
    """Rows and problems that rest on all parts."""
    left = [c if isinstance(c, Left) else None for c in carried]
    if not any(left):
        return
    complete = None not in left
    header = left[0].header if left[0] else None
    problems, slack = left[0].problems if left[0] else Problems(), Slack()
    heads: list[ChunkHead] = []
    known: int | None = 0
    for i, (part, own) in enumerate(zip(parts, left, strict=True)):
        if own is None:
            known = None
            continue
        if i:
            problems.absorb(own.problems)
            if own.heads:
                yield chunk_frame(own.heads, own.records, header, known)
        if part.stop is not None and own.end > part.stop:
            _tell_overlap(part.stop, own.end, problems)
        for batch in slack.absorb(own.slack):
            yield from windowed(batch, artifact.window)
        heads.extend(own.heads)
        known = None if known is None else known + len(own.heads)
    for batch in slack.release():
        yield from windowed(batch, artifact.window)
    _check_chunks(header, heads, problems, complete)
    _report_unread(sum(own.slack_unread for own in left if own), problems)
    yield from problems.close()


def windowed(batch: Batch, window: Window) -> Iterator[Batch]:
    """The rows inside the time window; those without a time stay."""
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


def chunk_frame(
    heads: Sequence[ChunkHead], counts: list[int], header: FileHeader | None, first: int | None
) -> Batch:
    """Rows of chunks; `first` is the number of the first one in the file, None where that is not known."""
    limit = header.chunks - first if header and first is not None else None
    rows = {
        "chunk_offset": [h.offset for h in heads],
        "first_record_id": [h.first_id for h in heads],
        "last_record_id": [h.last_id for h in heads],
        "free_space_offset": [h.free for h in heads],
        "mark_ok": [h.mark_ok for h in heads],
        "header_crc_ok": [h.header_ok if h.checked else None for h in heads],
        "records_crc_ok": [h.records_ok if h.checked else None for h in heads],
        "records": counts,
        "beyond_header": [None if limit is None else i >= limit for i in range(len(heads))],
    }
    types = {name: kind for name, kind in schema_of(EVTX_CHUNK).items() if name in rows}
    return Batch(EVTX_CHUNK.name, pl.DataFrame(rows, schema=types))


def _tell_overlap(stop: int, end: int, problems: Problems) -> None:
    """A forged chunk without its mark ran over the border of two parts, which starts with a mark."""
    message = (
        "the chunk before runs over this chunk's mark: both were read, so records may be doubled"
    )
    found = f"a chunk up to offset {end}"
    problems.add(Problem("chunk_overlap", f"offset {stop}", f"offset {stop}", found, message))


def _check_chunks(
    header: FileHeader | None, heads: list[ChunkHead], problems: Problems, complete: bool
) -> None:
    """Checksums and counts, once the whole file is known."""
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
    if header and header.chunks != len(heads) and complete:
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


def _report_unread(count: int, problems: Problems) -> None:
    if not count:
        return
    message = "older records behind free space whose content is no longer readable were left out"
    problems.add(
        Problem(
            "slack_unreadable",
            "whole file",
            "readable",
            str(count),
            message,
            Severity.INFO,
        )
    )
