"""Going through the timeline step by step: each is short, and the first ones show before the end."""

from collections.abc import Iterator

FIRST, LARGEST = 122_880, 983_040
"""Rows of the first and of the largest step: one and eight row groups of DuckDB."""


def steps(total: int, backwards: bool = False, start: int = 0) -> Iterator[tuple[int, int]]:
    """Ranges first <= rid < last that cover the timeline; each starts at a multiple of a row group.

    Backwards: the latest first. Forwards from `start` to the end, then what lies before it.
    """
    blocks = -(-total // FIRST)
    head = 0 if backwards else min(start // FIRST, max(blocks - 1, 0))
    size = FIRST
    for low, high in ((head, blocks), (0, head)):
        done = 0
        while done < high - low:
            count = min(size // FIRST, high - low - done)
            begin = high - done - count if backwards else low + done
            yield begin * FIRST, min((begin + count) * FIRST, total)
            done += count
            size = min(size * 2, LARGEST)
