"""Records behind a chunk's free space: kept where no live record equals them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from parsers.contract import Batch
from parsers.evtx.cells import uniques

SLACK_ROWS = 100_000
"""Slack rows held back until all live records are known; beyond it they are compared with those read so far."""


def record_keys(ids: np.ndarray, written: np.ndarray) -> np.ndarray:
    """One number per record: header id and time mixed."""
    mixed: np.ndarray = ids * np.uint64(0x9E3779B97F4A7C15) ^ written
    return mixed


@dataclass(slots=True)
class Slack:
    """Slack rows that wait for all live records to be known, and the keys of those seen so far."""

    seen: list[np.ndarray] = field(default_factory=list)
    held: list[Batch] = field(default_factory=list)
    rows: int = 0

    def see(self, keys: np.ndarray) -> None:
        """Take the keys of live records."""
        self.seen.append(keys)

    def hold(self, batch: Batch) -> Iterator[Batch]:
        """Take slack rows; beyond the bound all that wait are given back, cleared of those seen so far."""
        if batch.frame.height:
            self.held.append(batch)
            self.rows += batch.frame.height
        if self.rows > SLACK_ROWS:
            yield from self.release()

    def absorb(self, later: "Slack") -> Iterator[Batch]:
        """Take what another part of the file left."""
        self.seen.extend(later.seen)
        for batch in later.held:
            yield from self.hold(batch)

    def release(self) -> Iterator[Batch]:
        """Slack records that no live record and no slack record before equals."""
        if not self.held:
            return
        seen, fresh = uniques(np.concatenate(self.seen)), np.zeros(0, np.uint64)
        for batch in self.held:
            ids = batch.frame["header_record_id"].to_numpy()
            written = (
                batch.frame["written_utc"].to_physical().fill_null(0).to_numpy() // 100
                + 116444736000000000
            )
            keys = record_keys(ids, written.astype(np.uint64))
            new = np.zeros(len(keys), bool)
            new[np.unique(keys, return_index=True)[1]] = True
            new &= ~_among(seen, keys) & ~_among(fresh, keys)
            fresh = uniques(np.concatenate([fresh, keys[new]]))
            if new.any():
                yield Batch(batch.table, batch.frame.filter(pl.Series(new)))
        self.seen, self.held, self.rows = [seen, fresh], [], 0


def _among(ordered: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Where the keys are found in an ascending array."""
    if not len(ordered):
        return np.zeros(len(keys), bool)
    found: np.ndarray = (
        ordered[np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)] == keys
    )
    return found
