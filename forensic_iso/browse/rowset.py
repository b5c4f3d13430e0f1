"""Sets of row numbers as one bit a row: 50 million rows take 6 MB, and sets combine at memory speed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CHUNK = 4096
"""Rows between two of the running sums by which a set finds its n-th row."""

Bits = np.ndarray[Any, np.dtype[np.uint8]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]


def _blank(total: int) -> Bits:
    return np.zeros(-(-total // CHUNK) * (CHUNK // 8), np.uint8)


@dataclass(slots=True)
class RowSet:
    """A set of the numbers 0..total-1. Positions count its members in order."""

    total: int
    bits: Bits
    _sums: Numbers = field(init=False)

    def __post_init__(self) -> None:
        self.recount()

    def recount(self) -> None:
        """Count anew after the bits were changed from outside."""
        ones = np.bitwise_count(self.bits).reshape(-1, CHUNK // 8).sum(axis=1, dtype=np.int64)
        self._sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(ones)])

    def __len__(self) -> int:
        return int(self._sums[-1])

    def put(self, first: int, last: int, numbers: Numbers, negative: bool = False) -> None:
        """Make the numbers the members between first (a multiple of 8) and last, or all others.

        Counts are as before until `recount`: another thread may look meanwhile.
        """
        flags = np.full(last - first, negative, np.bool_)
        flags[numbers - first] = not negative
        packed = np.packbits(flags, bitorder="little")
        self.bits[first // 8 : first // 8 + len(packed)] = packed

    def add(self, numbers: Numbers) -> None:
        """Make the numbers members, and count."""
        if len(numbers):
            ids = numbers.astype(np.int64)
            np.bitwise_or.at(self.bits, ids >> 3, (1 << (ids & 7)).astype(np.uint8))
            self.recount()

    def select(self, position: int) -> int:
        """The member at a position."""
        return self.slice(position, position + 1)[0]

    def slice(self, first: int, last: int) -> list[int]:
        """Members at positions first <= p < last."""
        last = min(last, len(self))
        out: list[int] = []
        while first < last:
            chunk = int(np.searchsorted(self._sums, first, "right")) - 1
            members = self._members(chunk)
            begin = first - int(self._sums[chunk])
            taken = members[begin : begin + last - first]
            out.extend(taken.tolist())
            first += len(taken)
        return out

    def _members(self, chunk: int) -> Numbers:
        at = chunk * (CHUNK // 8)
        flags = np.unpackbits(self.bits[at : at + CHUNK // 8], bitorder="little")
        return np.flatnonzero(flags) + chunk * CHUNK

    def rank(self, number: int) -> int:
        """Members below a number."""
        if number <= 0:
            return 0
        if number >= self.total:
            return len(self)
        chunk = number // CHUNK
        at = chunk * (CHUNK // 8)
        whole, rest = divmod(number - chunk * CHUNK, 8)
        part = int(np.bitwise_count(self.bits[at : at + whole]).sum(dtype=np.int64))
        if rest:
            part += (int(self.bits[at + whole]) & ((1 << rest) - 1)).bit_count()
        return int(self._sums[chunk]) + part

    def __contains__(self, number: int) -> bool:
        return bool((int(self.bits[number // 8]) >> (number % 8)) & 1)

    def after(self, number: int) -> int | None:
        """The next member above a number."""
        position = self.rank(number + 1)
        return self.select(position) if position < len(self) else None

    def before(self, number: int) -> int | None:
        """The next member below a number."""
        position = self.rank(number) - 1
        return self.select(position) if position >= 0 else None

    def __and__(self, other: "RowSet") -> "RowSet":
        return RowSet(self.total, self.bits & other.bits)

    def __or__(self, other: "RowSet") -> "RowSet":
        return RowSet(self.total, self.bits | other.bits)

    def copy(self) -> "RowSet":
        """As it is now, counted."""
        return RowSet(self.total, self.bits.copy())

    def inverted(self) -> "RowSet":
        """All rows that are not in it."""
        return RowSet(self.total, ~self.bits & everything(self.total).bits)


def nothing(total: int) -> RowSet:
    """The empty set."""
    return RowSet(total, _blank(total))


def everything(total: int) -> RowSet:
    """All rows."""
    return between(total, 0, total)


def between(total: int, first: int, last: int) -> RowSet:
    """Rows first <= number < last."""
    bits = _blank(total)
    first, last = max(first, 0), min(last, total)
    if first < last:
        bits[first // 8 : -(-last // 8)] = 0xFF
        bits[first // 8] &= (0xFF << (first % 8)) & 0xFF
        if last % 8:
            bits[last // 8] &= (1 << (last % 8)) - 1
    return RowSet(total, bits)


def of(total: int, numbers: Iterable[int]) -> RowSet:
    """The set of these numbers."""
    made = nothing(total)
    made.add(np.fromiter(numbers, np.int64))
    return made
