"""From a journal to batches: blocks, what lies between records, and the time window."""

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
import polars as pl

from parsers.contract import Artifact, Batch, Problem, Severity, Window
from parsers.evtx.problems import Problems
from parsers.mft.columns import PADDING, Fields, Ints
from parsers.usnjrnl.records import LONGEST, Found, Records, find, records, version_4
from parsers.usnjrnl.regions import PAGE, data_regions
from parsers.usnjrnl.tables import USN_RECORD

BLOCK_BYTES = 4 << 20


def read(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Batches of one block each, and the problems met."""
    problems = Problems(200)
    journal = _Journal(problems)
    with artifact.open() as stream:
        for start, end in data_regions(stream, artifact.size):
            for frame in journal.region(stream, start, end):
                kept = _cut(frame, artifact.window)
                if kept.height:
                    yield Batch(USN_RECORD.name, kept)
                yield from problems.drain()
    journal.sum_up()
    yield from problems.close()


class _Journal:
    """Reads regions of one file into one reused block."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._store = np.zeros(BLOCK_BYTES + PADDING, np.uint8)
        self._version_4 = self._found = 0

    def region(self, stream: BinaryIO, at: int, end: int) -> Iterator[pl.DataFrame]:
        """Frames of the records in [at, end)."""
        while at < end:
            want = min(BLOCK_BYTES, end - at)
            got = _fill(stream, at, self._store.data[:want])
            last = got < want or at + got >= end
            if got < want:
                self._add(
                    "usn_cut", at + got, f"{end - at} bytes", f"{got} bytes", "The file ends early"
                )
            if not got:
                return
            store = self._store
            store[got : got + PADDING] = 0
            if not store[: got & ~7].view("<u8").any():
                at += got if last else got & ~7
                continue
            f = Fields.over(store[: got + PADDING])
            found = find(f, got)
            behind = int(found.end[-1]) if len(found.at) else 0
            # A record may lie across the border: the next block starts before it.
            stop = got if last else max(behind, (got - LONGEST) & ~7)
            if len(found.at):
                part = records(f, got, found, at)
                self._note(part)
                self._found += len(found.at)
                yield part.frame
            self._gaps(f, found, stop, at)
            at += stop
            if last:
                return

    def _gaps(self, f: Fields, found: Found, stop: int, place: int) -> None:
        """What lies between records: zeros are padding, version 4 is counted, anything else is damage."""
        low = np.concatenate([np.zeros(1, np.int64), found.end])
        high = np.concatenate([found.at, np.array([stop], np.int64)])
        gap = high - low >= 8
        low, high = low[gap], high[gap]
        page_end = -(-(low + place) // PAGE) * PAGE - place
        padding = (f.u8[low] == 0) & (high <= page_end)
        if not padding.all():
            self._damage(f, low[~padding], high[~padding], stop, place)

    def _damage(self, f: Fields, low: Ints, high: Ints, stop: int, place: int) -> None:
        """Note the gaps that hold anything but zeros and records of version 4."""
        used = f.u1[: stop & ~7].view("<u8") != 0
        starts, lengths = version_4(f, stop)
        gap = np.searchsorted(low, starts, "right") - 1
        inside = (gap >= 0) & (starts + lengths <= high[gap])
        for start, length in zip(starts[inside].tolist(), lengths[inside].tolist(), strict=True):
            used[start // 8 : (start + length) // 8] = False
        self._version_4 += int(inside.sum())
        words = np.flatnonzero(used) * 8
        first, behind = np.searchsorted(words, low), np.searchsorted(words, high)
        for gap_first, gap_behind in zip(
            first[first < behind].tolist(), behind[first < behind].tolist(), strict=True
        ):
            start, end = int(words[gap_first]), int(words[gap_behind - 1]) + 8
            self._add(
                "usn_damage",
                place + start,
                "a record of version 2 or 3",
                f"{end - start} bytes that are none",
                "Skipped; reading went on at the next plausible record",
            )

    def _note(self, part: Records) -> None:
        offsets = part.frame["offset"]
        for row in part.bad_times.tolist():
            self._add(
                "usn_time",
                offsets[row],
                "a FILETIME between 1677 and 2262",
                "another",
                "Time left empty",
            )
        for row in part.wide_ids.tolist():
            self._add(
                "usn_file_id",
                offsets[row],
                "a 64-bit reference",
                "a 128-bit file ID",
                "Record number left empty",
            )
        for row in part.torn.tolist():
            self._add("usn_torn", offsets[row], "a record, zeros or a page's end behind it", "other bytes",
                      "The record is read; its tail may be from another write")  # fmt: skip

    def _add(self, code: str, offset: int, expected: str, found: str, message: str) -> None:
        self._problems.add(Problem(code, f"offset {offset}", expected, found, message))

    def sum_up(self) -> None:
        """Say how many records of version 4 were passed over, and if there was no other at all."""
        if not self._found:
            self._problems.add(
                Problem("usn_empty", "whole file", "records of version 2 or 3", "none", "No rows")
            )
        if self._version_4:
            self._problems.add(
                Problem(
                    "usn_version_4",
                    "whole file",
                    "records of version 2 or 3",
                    f"{self._version_4} of version 4",
                    "They tell ranges of an overwrite, without name or time, and are not read",
                    Severity.INFO,
                )
            )


def _fill(stream: BinaryIO, at: int, body: memoryview) -> int:
    """Fill the block as far as the stream goes; not every archive member gives all at once."""
    stream.seek(at)
    read_into = cast(io.RawIOBase, stream).readinto
    got = 0
    while got < len(body) and (more := read_into(body[got:])):
        got += more
    return got


def _cut(frame: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Rows inside the window; a row without a time stays."""
    if not window:
        return frame
    ns = pl.col("time_utc").cast(pl.Int64())
    keep = pl.lit(True)
    if window.since_ns is not None:
        keep = keep & (ns >= window.since_ns)
    if window.until_ns is not None:
        keep = keep & (ns < window.until_ns)
    return frame.filter(keep | ns.is_null())
