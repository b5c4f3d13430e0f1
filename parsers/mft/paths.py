r"""What needs the whole $MFT: extension records joined to their base, and full paths.

Strings are made once per directory, level by level from the root; the path of a file is its
directory's plus its name. Lengths are bounded as numbers before a string is made: 3,000 records
under a deep chain of long names would ask for 33 MB, a hostile $MFT of 1 GB for as much as the disk
holds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from parsers.mft.columns import Bools, Ints, Numbers

ROOT = 5
OK, DELETED_PARENT, ORPHAN, CYCLE, TOO_LONG = range(5)
STATUS = pl.Series(
    "path_status", ["ok", "deleted_parent", "orphan", "cycle_or_too_deep", "too_long"]
)
MAX_DEPTH, MAX_PATH_BYTES = 255, 32_767
ORPHAN_PREFIX, CYCLE_PREFIX = "\\$Orphan", "\\$Cycle"
_MASK48 = np.uint64((1 << 48) - 1)
_DOS = 2
_ROOT_PREFIX, _ORPHAN_PREFIX_AT = 0, 1


@dataclass(frozen=True, slots=True)
class Slots:
    """All slots of the $MFT by position; slot 0 holds record number `first`.

    `folder`: readable, a directory. `spread`: may have extension records. `extensions` are the
    positions of extension records, `bases` their references.
    """

    first: int
    sequence: npt.NDArray[np.uint16]
    readable: Bools
    in_use: Bools
    folder: Bools
    spread: Bools
    extensions: Ints
    bases: npt.NDArray[np.uint64]

    def referred(self, reference: Numbers, among: Bools) -> tuple[Ints, npt.NDArray[np.uint8]]:
        """(slot, status) of what each file reference points to, among the slots allowed.

        OK: that very use of the record. DELETED_PARENT: it was freed since (sequence raised by one,
        0 left out) and not used again. ORPHAN: not there, slot 0.
        """
        number = (reference & _MASK48).astype(np.int64) - self.first
        want = (reference >> np.uint64(48)).astype(np.uint16)
        inside = (number >= 0) & (number < len(self.sequence))
        at = np.where(inside, number, 0)
        now, used = self.sequence[at], self.in_use[at]
        after = np.where(want == 0xFFFF, 1, want + np.uint16(1))
        there = inside & among[at]
        freed = there & ~used & ((now == after) | (now == want))
        status = np.where(there & used & (now == want), OK, np.where(freed, DELETED_PARENT, ORPHAN))
        return np.where(status == ORPHAN, 0, at), status.astype(np.uint8)

    def owners(self) -> tuple[npt.NDArray[np.uint32], Ints]:
        """Slot of the base record of every slot, and the extensions that belong to no file.

        Their base is gone, or is in use and no longer has them: they were freed, or it has no list of them.
        """
        owner = np.arange(len(self.sequence), dtype=np.uint32)
        base = self.readable & self.spread
        base[self.extensions] = False
        at, status = self.referred(self.bases, base)
        lost = (status == ORPHAN) | (self.in_use[at] & ~self.in_use[self.extensions])
        owner[self.extensions] = np.where(lost, self.extensions, at)
        return owner, self.extensions[lost]

    def root_sequence(self) -> int:
        """Sequence number of the root.

        5 on every volume, also where its record is damaged or not in the file.
        """
        at = ROOT - self.first
        inside = 0 <= at < len(self.sequence)
        return int(self.sequence[at]) if inside and self.folder[at] else ROOT


@dataclass(frozen=True, slots=True)
class Directories:
    """Paths of directories by `place`; place, status and length of the path (bytes) by slot.

    The slot behind the last one stands for the root.
    """

    prefix: pl.Series
    prefix_bytes: Ints
    place: Ints
    status: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class NamePlaces:
    """Where each name hangs.

    Place of its directory, status, and length of the full path in bytes (0: no path).
    """

    place: Ints
    status: npt.NDArray[np.uint8]
    path_bytes: Ints
    is_root: Bools


def chosen_names(slots: Slots, holder: Numbers, owner: Numbers, namespace: Numbers) -> Ints:
    """Row of the name that stands for each directory, by slot: its first that is not 8.3; -1: none.

    Names in the directory's own record go before those in extensions. `holder` is the slot of each
    name row, `owner` that of its base record.
    """
    chosen = np.full(len(slots.sequence), -1, np.int64)
    short, own = namespace == _DOS, holder == owner
    for wanted in (short & ~own, short & own, ~short & ~own, ~short & own):
        rows = np.flatnonzero(wanted & slots.folder[owner])[::-1]  # written last: the first wins
        chosen[owner[rows]] = rows
    return chosen


def parents(slots: Slots, reference: Numbers, chosen: Ints) -> tuple[Ints, npt.NDArray[np.uint8]]:
    """(slot, status) of the directory of each name; the root is known even if its record is not.

    A directory without a name of its own cannot be placed: its members count as orphans.
    """
    at, status = slots.referred(reference, slots.folder & (chosen >= 0))
    to_root = reference == np.uint64(slots.root_sequence() << 48 | ROOT)
    at[to_root] = len(slots.sequence)
    status[to_root] = OK
    return at, status


def directories(
    slots: Slots, names: pl.Series, chosen: Ints, parent: Ints, status: Numbers, budget: int
) -> Directories:
    """Path of every directory.

    `chosen` is the row of its name by slot (-1: none), `parent` and `status` are by row, `budget`
    bounds the bytes of all paths together. What is left after MAX_DEPTH levels lies on or below a
    cycle, or deeper.
    """
    n = len(slots.sequence)
    place, state = np.full(n + 1, -1, np.int64), np.zeros(n + 1, np.uint8)
    length = np.zeros(n + 1, np.int64)
    place[n] = _ROOT_PREFIX
    name_bytes = names.str.len_bytes().to_numpy().astype(np.int64)
    levels = [pl.Series("p", ["", ORPHAN_PREFIX])]
    count = 2
    waiting = np.flatnonzero(chosen >= 0)
    root_slot = ROOT - slots.first
    if 0 <= root_slot < n:
        place[root_slot] = _ROOT_PREFIX
        waiting = waiting[waiting != root_slot]
    for _ in range(MAX_DEPTH):
        row = chosen[waiting]
        lost = status[row] == ORPHAN
        ready = lost | (place[parent[row]] >= 0)
        now, row, lost = waiting[ready], row[ready], lost[ready]
        waiting = waiting[~ready]
        if not len(now):
            break
        up = parent[row]
        state[now] = np.maximum(status[row], np.where(lost, OK, state[up]))
        above = np.where(lost, len(ORPHAN_PREFIX), length[up])
        length[now] = above + 1 + name_bytes[row]
        over = (length[now] > MAX_PATH_BYTES) | (np.cumsum(length[now]) > budget)
        state[now[over]] = TOO_LONG
        keep = state[now] != TOO_LONG
        budget -= int(length[now[keep]].sum())
        source = np.where(lost, _ORPHAN_PREFIX_AT, place[up])[keep]
        made = _joined(levels[-1], source - (count - len(levels[-1])), names, row[keep])
        place[now] = _ROOT_PREFIX
        place[now[keep]] = count + np.arange(len(made))
        levels.append(made)
        count += len(made)
    state[waiting] = CYCLE
    place[waiting] = count
    levels.append(pl.Series("p", [CYCLE_PREFIX]))
    prefix = pl.concat(levels)
    return Directories(prefix, prefix.str.len_bytes().to_numpy().astype(np.int64), place, state)


def _joined(above: pl.Series, source: Ints, names: pl.Series, rows: Ints) -> pl.Series:
    """Paths of one level. All parents are of the level before: orphans come in the first one."""
    heads = above.gather(pl.Series(source.astype(np.uint32)))
    tails = names.gather(pl.Series(rows.astype(np.uint32)))
    return pl.select(pl.concat_str([heads, tails], separator="\\").alias("p")).to_series()


def place_names(
    directory: Directories,
    parent: Ints,
    status: Numbers,
    names: pl.Series,
    is_root: Bools,
    budget: int,
) -> NamePlaces:
    """Place, status and length of every name's path.

    `budget` bounds the bytes of all paths together.
    """
    lost = status == ORPHAN
    total = np.where(lost, ORPHAN, np.maximum(status, directory.status[parent])).astype(np.uint8)
    place = np.where(lost, _ORPHAN_PREFIX_AT, directory.place[parent])
    length = directory.prefix_bytes[place] + 1 + names.str.len_bytes().to_numpy()
    length[is_root] = 1
    total[is_root] = OK
    length[(total == TOO_LONG) | (length > MAX_PATH_BYTES)] = 0
    length[np.cumsum(length) > budget] = 0
    total[length == 0] = TOO_LONG
    return NamePlaces(place, total, length, is_root)


def paths_of(
    directory: Directories, places: NamePlaces, names: pl.Series, rows: Ints
) -> list[pl.Series]:
    """Columns path and path_status of some rows of names."""
    at = places.place[rows]
    heads = directory.prefix.gather(pl.Series(at.astype(np.uint32)))
    tails = names.gather(pl.Series(rows.astype(np.uint32)))
    none = pl.Series(places.path_bytes[rows] == 0)
    root = pl.Series(places.is_root[rows])
    path = pl.concat_str([heads, tails], separator="\\")
    path = pl.when(none).then(None).when(root).then(pl.lit("\\")).otherwise(path)
    status = STATUS.gather(pl.Series(places.status[rows].astype(np.uint32)))
    return [pl.select(path.alias("path")).to_series(), status]
