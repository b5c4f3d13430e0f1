"""Tries the hashes in the names of prefetch files against the programs of mounted images."""

from collections.abc import Iterator
from functools import lru_cache

import duckdb

from parsers.prefetch import name_hash

AFTER = "11_prefetch_name.sql"
"""The SQL file that leaves the candidates; the next one reads the matches."""
FILLED = "prefetch_name_match"

_CANDIDATES = (
    "SELECT candidate_id, name_hash, executable, image_kind, file_path, lnk_target, lnk_arguments"
    " FROM prefetch_name_candidate ORDER BY candidate_id"
)
_OPTICAL = "\\DEVICE\\CDROM"
_SYSTEM_FOLDERS = ("\\WINDOWS\\SYSTEM32\\", "\\WINDOWS\\SYSWOW64\\")

Row = tuple[int, str, str | None]


@lru_cache(maxsize=4096)
def _line_hashes(target: str, arguments: str) -> dict[int, str]:
    """Usual command lines of a shortcut by their hash; the first of equal ones stays."""
    found: dict[int, str] = {}
    for line in name_hash.command_lines(target, arguments):
        found.setdefault(name_hash.vista(line), line)
    return found


def _on_image(hash_value: int, path: str, kind: str | None) -> str | None:
    """The device path on a volume of the image's kind; NULL kind: on any."""
    for match in name_hash.matches(hash_value, "\\" + path):
        optical = match.device_path.startswith(_OPTICAL)
        if kind is None or optical == (kind == "optical"):
            return match.device_path
    return None


def _by_shortcut(hash_value: int, executable: str, target: str, arguments: str) -> Row | None:
    """A program that hashes its command line, started with a shortcut's arguments."""
    lines = _line_hashes(target, arguments)
    places = dict.fromkeys([target, *(folder + executable for folder in _SYSTEM_FOLDERS)])
    for place in places:
        for device_path in name_hash.candidate_paths(place):
            left = name_hash.remainder(hash_value, device_path)
            for hint in range(name_hash.MAX_HINT + 1):
                if (line := lines.get((left - hint) & 0xFFFFFFFF)) is not None:
                    return 0, device_path, line
    return None


def _found(rows: list[tuple[int, str, str, str | None, str, str | None, str]]) -> Iterator[Row]:
    tried: dict[tuple[str, ...], Row | None] = {}
    for number, text, executable, kind, path, target, arguments in rows:
        key = (text, kind or "", path, target or "", arguments or "")
        if key not in tried:
            value = int(text, 16)
            if target is None:
                device_path = _on_image(value, path, kind)
                tried[key] = (0, device_path, None) if device_path else None
            elif executable in name_hash.HOSTING:
                tried[key] = _by_shortcut(value, executable, target, arguments or "")
            else:
                tried[key] = None
        if (row := tried[key]) is not None:
            yield number, row[1], row[2]


def fill(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `prefetch_name_match` from `prefetch_name_candidate` (domain: the prefetch name hash)."""
    found = list(_found(con.execute(_CANDIDATES).fetchall()))
    if found:
        con.executemany(f"INSERT INTO {FILLED} VALUES (?, ?, ?)", found)
