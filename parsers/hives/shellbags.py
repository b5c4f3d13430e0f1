"""Shellbags: the tree of folders a user browsed in Explorer (`BagMRU`), in users' hives and in UsrClass.dat."""

from collections.abc import Iterator

from parsers.hives.keys import Key
from parsers.hives.profiles import mru_entries, newest_time
from parsers.hives.regf import Hive
from parsers.hives.rows import Row, provenance
from parsers.hives.user_lists import item_columns, read_list
from parsers.hives.user_tables import SHELLBAG
from parsers.hives.values import Value
from parsers.shell_items import Item, spell

PLACES = (
    r"Local Settings\Software\Microsoft\Windows\Shell\BagMRU",
    r"Local Settings\Software\Microsoft\Windows\ShellNoRoam\BagMRU",
    r"Wow6432Node\Local Settings\Software\Microsoft\Windows\Shell\BagMRU",
    r"Software\Microsoft\Windows\Shell\BagMRU",
    r"Software\Microsoft\Windows\ShellNoRoam\BagMRU",
)
MAX_DEPTH = 64
MAX_CHARACTERS = 64 << 20
"""Of all paths together; a real tree has some 10,000 nodes of 100 characters."""
_NO_NODE = ("nodeslot", "nodeslots")


def shellbags(hive: Hive) -> Iterator[Row]:
    """One row per node, parents first."""
    left = MAX_CHARACTERS
    for place in PLACES:
        top = hive.find(place)
        todo: list[tuple[Key, tuple[Item, ...]]] = [(top, ())] if top is not None else []
        while todo:
            key, above = todo.pop()
            children = {child.name: child for child in key.subkeys()}
            for position, value in mru_entries(key):
                if value.name.lower() in _NO_NODE:
                    continue
                child = children.get(value.name)
                items = (*above, *read_list(value, value.data).items)
                path = spell(items)
                left -= len(path or "")
                if len(items) > MAX_DEPTH or left < 0:
                    value.problem(
                        "shellbag_limit", f"{MAX_DEPTH} levels, {MAX_CHARACTERS} characters", "more",
                        "nodes were skipped",
                    )  # fmt: skip
                    continue
                yield SHELLBAG, _row(key, value, child, items, path, position)
                if child is not None:
                    todo.append((child, items))


def _row(
    key: Key,
    value: Value,
    child: Key | None,
    items: tuple[Item, ...],
    path: str | None,
    position: int | None,
) -> dict[str, object]:
    last = items[-1] if items else None
    return {
        **provenance(key, value),
        "opened_utc": newest_time(key, position),
        "first_opened_utc": None if child is None or child.subkeys() else child.last_written_ns,
        "node_last_write_utc": None if child is None else child.last_written_ns,
        **item_columns(last),
        "path": path,
        "name": None if last is None else last.text,
        "kind": None if last is None else last.kind,
        "drive": _drive(items),
        "mru_position": position,
        "value_name": value.name,
    }


def _drive(items: tuple[Item, ...]) -> str | None:
    for item in reversed(items):
        if item.kind == "volume" and item.text and item.text[1:2] == ":":
            return item.text[:2].upper()
    return None
