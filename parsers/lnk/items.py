"""The target's ID list: drives, folders, files, network places; other items by their GUID.

Basis: the public descriptions of shell items (file entries with the extension block 0xBEEF0004,
volumes, network locations). Their FAT times are UTC.
"""

from parsers.lnk.cut import ansi, dos_seconds, guid, u16, u32, u64, wide
from parsers.lnk.model import Item

MAX_ITEMS = 256
_FILE_EXTENSION = b"\x04\x00\xef\xbe"
_DELEGATE = b"CFSF"
_DELEGATE_ITEM = bytes.fromhex("741a595e96dfd3488d671733bcee28ba")
_MY_COMPUTER = "20d04fe0-3aea-1069-a2d8-08002b30309d"
_KNOWN_ROOTS = {
    _MY_COMPUTER: "",
    "208d2c60-3aea-1069-a2d7-08002b30309d": "",
}
"""This PC and Network: the next item says the whole path."""


def read_items(data: bytes, start: int, end: int) -> tuple[Item, ...]:
    """Items of a list between two places; it ends with an item of size 0 or where it is cut."""
    items: list[Item] = []
    at = start
    while at + 2 <= end and len(items) < MAX_ITEMS:
        size = u16(data, at)
        if size < 3 or at + size > end:
            break
        items.append(_item(data[at : at + size], at))
        at += size
    return tuple(items)


def path_of(items: tuple[Item, ...]) -> str | None:
    r"""The path that a list spells: `C:\folder\file`, `\\server\share\file`, `::{guid}\...`."""
    parts: list[str] = []
    for item in items:
        if item.text is None:
            return None if not parts else "\\".join([*parts, "?"])
        if item.kind in ("volume", "network", "uri"):
            parts = [item.text.rstrip("\\")] if item.kind != "network" else _network(parts, item)
        elif item.text:
            parts.append(item.text)
    if not parts:
        return None
    whole = "\\".join(parts)
    return whole + "\\" if len(whole) == 2 and whole[1] == ":" else whole


def _network(parts: list[str], item: Item) -> list[str]:
    """A share says its server again; other places of the network follow each other."""
    text = item.text or ""
    return [text] if text.startswith("\\\\") or not parts else [*parts, text]


def _item(raw: bytes, at: int) -> Item:
    kind = raw[2]
    if raw[6:10] == _DELEGATE and len(raw) > 24:
        return _file(raw[10:], at, "delegate")
    family = kind & 0x70
    if kind == 0x1F or kind == 0x2E:
        name = guid(raw, len(raw) - 16 if raw[-32:-16] == _DELEGATE_ITEM else 4)
        text = None if name is None else _KNOWN_ROOTS.get(name, f"::{{{name}}}")
        return Item("root", text, at)
    if family == 0x20:
        return Item("volume", ansi(raw[3:]) or None, at)
    if family == 0x30:
        return _file(raw, at, "folder" if kind & 1 else "file")
    if family == 0x40:
        return Item("network", ansi(raw[5:]) or None, at)
    if kind == 0x61:
        return Item("uri", _uri(raw), at)
    name = guid(raw, 14) if kind == 0x71 else None
    return Item("other", None if name is None else f"::{{{name}}}", at)


def _uri(raw: bytes) -> str | None:
    text = wide(raw[8:]) if raw[3] & 0x80 else ansi(raw[8:])
    return text or None


def _file(raw: bytes, at: int, kind: str) -> Item:
    """A file entry: short name, then the block with the long name, times and file reference."""
    is_wide = bool(raw[2] & 4)
    short = wide(raw[14:]) if is_wide else ansi(raw[14:])
    mark = raw.find(_FILE_EXTENSION, 14)
    long = created = accessed = reference = None
    if mark >= 18:
        block = raw[mark - 4 :]
        created, accessed = dos_seconds(u32(block, 8)), dos_seconds(u32(block, 12))
        version = u16(block, 2)
        name_at = 18
        if version >= 7:
            reference = u64(block, 20) or None
            name_at += 18
        name_at += (2 if version >= 3 else 0) + (4 if version >= 9 else 0)
        name_at += 4 if version >= 8 else 0
        long = wide(block[name_at:])
    return Item(
        kind,
        long or short or None,
        at,
        u32(raw, 4),
        dos_seconds(u32(raw, 8)),
        created,
        accessed,
        u16(raw, 12),
        reference,
    )
