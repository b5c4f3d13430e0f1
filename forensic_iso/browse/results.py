"""A query's result, as it is kept, looked at like the timeline: sorted, searched, counted, narrowed."""

from collections import Counter
from dataclasses import replace

from forensic_iso.browse.console import Result

Cells = tuple[str | None, ...]


def ordered(result: Result, column: int, descending: bool) -> Result:
    """Rows by one column: by number where every value is one, else as text; NULL comes last."""
    there = [r for r in result.rows if r[column] is not None]
    absent = [r for r in result.rows if r[column] is None]
    numbers = _numbers(there, column)
    if numbers is None:
        there.sort(key=lambda r: r[column] or "", reverse=descending)
    else:
        order = sorted(range(len(there)), key=numbers.__getitem__, reverse=descending)
        there = [there[i] for i in order]
    return replace(result, rows=there + absent)


def _numbers(rows: list[Cells], column: int) -> list[float] | None:
    try:
        return [float(r[column] or "") for r in rows]
    except ValueError:
        return None


def only(result: Result, column: int, value: str | None, include: bool = True) -> Result:
    """The rows with a value of a column, or those without it."""
    return replace(result, rows=[r for r in result.rows if (r[column] == value) == include])


def values(result: Result, column: int) -> list[tuple[str | None, int]]:
    """Values of a column with their counts, most frequent first."""
    counts = Counter(r[column] for r in result.rows)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0] is None, pair[0] or ""))


def find(result: Result, word: str, start: int, by: int) -> int | None:
    """The next row after `start`, either way and round the end, that holds a word, capitals alike."""
    wanted, total = word.lower(), len(result.rows)
    for step in range(1, total + 1):
        at = (start + by * step) % total
        if any(cell is not None and wanted in cell.lower() for cell in result.rows[at]):
            return at
    return None
