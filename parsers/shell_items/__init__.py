r"""ID lists of the shell as registry values hold them (MRU lists, shellbags): bytes to a path and its items.

Each item is read as in shortcuts (`parsers.lnk.items`), and those that shortcuts seldom hold by `signed`; here its
text is never missing, and the whole is bounded. FAT times of items are UTC and two seconds fine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from parsers.lnk.items import MAX_ITEMS, path_of, read_items
from parsers.lnk.model import Item as Item
from parsers.shell_items.signed import refined

MAX_TEXT = 2_100
"""Characters of one item's text: the longest address Windows takes; names of files have 255 at most."""
MAX_PATH = 32_767
"""Characters of the longest path Windows knows."""
MAX_LIST = 1 << 20
"""Bytes of a list that are read."""
ENTRY_MASK = (1 << 48) - 1
_WHOLE = ("volume", "network", "uri")
"""Kinds that begin a path of their own."""


@dataclass(frozen=True, slots=True)
class ShellPath:
    r"""A whole ID list: `E:\folder\file`, `\\server\share`, `Libraries\Documents`, `::{guid}\...`; unknown `[type 0xNN]`.

    `path` is None for an empty list and for one longer than any path of Windows. `complete`: the list ended with its
    own end mark, so nothing is cut off.
    """

    path: str | None
    items: tuple[Item, ...]
    complete: bool

    @property
    def last(self) -> Item | None:
        """The item the list leads to."""
        return self.items[-1] if self.items else None


def parse_id_list(data: bytes) -> ShellPath:
    """Items of a list without the size that stands before it in shortcuts. Raises nothing, whatever the bytes."""
    data = data[:MAX_LIST]
    items = tuple(_named(item, data) for item in read_items(data, 0, len(data)))
    end = items[-1].offset + _size(data, items[-1].offset) if items else 0
    complete = len(items) < MAX_ITEMS and end + 2 <= len(data) and _size(data, end) == 0
    return ShellPath(spell(items), items, complete)


def spell(items: Sequence[Item]) -> str | None:
    r"""The path that items spell, as Explorer shows it (`E:\a`, `This PC\Downloads`).

    Empty for This PC alone, None for no item and beyond `MAX_PATH`.
    """
    if not items:
        return None
    path = path_of(tuple(items)) or ""
    if path and items[0].text == "" and not any(item.kind in _WHOLE for item in items):
        path = rf"This PC\{path}"
    return path if len(path) <= MAX_PATH else None


def mft_entry(item: Item) -> int | None:
    """Record number of a file entry in its $MFT."""
    return None if item.mft_reference is None else item.mft_reference & ENTRY_MASK


def mft_sequence(item: Item) -> int | None:
    """Sequence number of that record."""
    return None if item.mft_reference is None else item.mft_reference >> 48


def _named(item: Item, data: bytes) -> Item:
    """The item with a text: its type where it has none. A text that no name of Windows reaches counts as none."""
    item = refined(item, data[item.offset : item.offset + _size(data, item.offset)])
    if item.text is None or len(item.text) > MAX_TEXT:
        return replace(item, text=f"[type 0x{data[item.offset + 2]:02X}]")
    return item


def _size(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
