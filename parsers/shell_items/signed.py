"""Items that shortcuts seldom hold: told by a signature or by their form rather than by their type.

Basis: the public description of shell items (Control Panel, delegates, portable devices over MTP, URI, views over
properties, burning), checked with its samples; entries of ZIP archives by published samples.
"""

import re
from dataclasses import replace

from parsers.lnk.cut import ansi, guid, u16, u32, u64, wide
from parsers.lnk.items import read_items
from parsers.lnk.model import Item
from parsers.rows import filetime_ns
from parsers.shell_items.folders import CATEGORIES, THIS_PC, folder_name

NS = 1_000_000_000
_DELEGATE_ITEM = bytes.fromhex("741a595e96dfd3488d671733bcee28ba")
_CATEGORY = 0x39DE2184
_CPL_FILE, _CPL_FILE_OLD = 0xFFFFFF38, 0xFFFFFFFF
_MTP_DEVICE, _MTP_VOLUME, _MTP_ENTRY = 0x08312006, 0x10312005, 0x07192006
_PROPERTY_VIEWS = (0x23FEBBEE, 0x10141981, 0x23A3DFD5, 0x3B93AFBB, 0xBEEBEE00)
_BURN, _APPS = b"AugM", b"APPS"
_ZIP_DATE = re.compile(rb"(?:\d\0){1,2}[/.\-]\0|N\0/\0A\0\0\0|(?:\d\0){4}[/.\-]\0")
_NAME_PROPERTIES = (
    (bytes.fromhex("30f125b7ef471a10a5f102608c9eebac"), 10),
    (bytes.fromhex("55284c9f799f394ba8d0e1d42de1d5f3"), 5),
    (bytes.fromhex("a66a63283d95d211b5d600c04fd918d0"), 30),
)
"""Display name, model id of an application, parsing path."""
_VT_LPWSTR = 0x1F
MAX_PROPERTIES = 64
LEAST_PROPERTY = 13
"""Bytes of a property without a value."""


def refined(item: Item, raw: bytes) -> Item:
    """The item with kind, text and times of what shortcuts' reader leaves open; `raw` are the item's own bytes."""
    kind = raw[2]
    if kind in (0x1F, 0x2E) or (item.kind == "volume" and not kind & 1):
        return _place(item, raw)
    if kind == 0x61:
        return replace(item, text=_uri(raw) or item.text)
    if item.kind == "other":
        return _other(item, raw)
    return item


def _other(item: Item, raw: bytes) -> Item:
    """Types 0, 1, 0x52, 0x71 and what else has no family."""
    if raw[2] == 0x71:
        name = guid(raw, 14)
        return replace(item, kind="control_panel", text=None if name is None else folder_name(name))
    early, late = u32(raw, 4), u32(raw, 6)
    if early == _CATEGORY:
        number = u32(raw, 8)
        text = CATEGORIES[number] if number < len(CATEGORIES) else None
        return replace(item, kind="control_panel", text=text)
    if early in (_CPL_FILE, _CPL_FILE_OLD):
        text = wide(raw[24:]) if early == _CPL_FILE else ansi(raw[12:])
        return replace(item, kind="control_panel", text=text or None)
    if raw[4:8] == _BURN:
        return _first_inside(item, raw)
    if raw[6:10] == _APPS:
        return replace(item, kind="app", text=_named_property(raw))
    if late in (_MTP_VOLUME, _MTP_ENTRY):
        return _portable(item, raw, late)
    if late in _PROPERTY_VIEWS:
        return _view(item, raw)
    if len(raw) > 0x5C and _ZIP_DATE.match(raw, 0x24):
        return _zip_entry(item, raw)
    return item


def _place(item: Item, raw: bytes) -> Item:
    """A folder by its GUID: at byte 4, or last in a delegate, whose own data may name a portable device."""
    if u32(raw, 6) == _MTP_DEVICE:
        return replace(item, kind="mtp", text=wide(raw[40 : 40 + 2 * u32(raw, 30)]) or None)
    if raw[3:4] in (b"\0", b"\x80") or raw[2] == 0x1F:
        at = raw.find(_DELEGATE_ITEM)
        name = guid(raw, at + 16 if at > 0 else 4)
        if u32(raw, 6) in _PROPERTY_VIEWS:
            return _view(item, raw)
        shown = "" if name == THIS_PC else None if name is None else folder_name(name)
        return replace(item, kind="root", text=shown)
    return item


def _uri(raw: bytes) -> str | None:
    """The address behind a block of its own size (none: 0) and two empty bytes."""
    at = 4 + max(u16(raw, 4), 2) + 2
    return (wide(raw[at:]) if raw[3] & 0x80 else ansi(raw[at:])) or None


def _first_inside(item: Item, raw: bytes) -> Item:
    """Burning keeps a list of its own inside; its first item is the one shown."""
    start = 20 if u32(raw, 8) == 4 else 16
    inside = next(iter(read_items(raw, start, len(raw))), None)
    if inside is None or inside.kind not in ("file", "folder"):
        return replace(item, kind="burn", text=None)
    return replace(inside, offset=item.offset)


def _portable(item: Item, raw: bytes, signature: int) -> Item:
    """Storage or folder of a portable device; the folder's two FILETIMEs are cut to whole seconds."""
    if signature == _MTP_VOLUME:
        return replace(item, kind="mtp", text=wide(raw[54 : 54 + 2 * u32(raw, 38)]) or None)
    modified, created = (filetime_ns(u64(raw, at)) for at in (26, 34))
    return replace(
        item,
        kind="mtp",
        text=wide(raw[74 : 74 + 2 * u32(raw, 62)]) or None,
        modified=None if modified is None else modified // NS,
        created=None if created is None else created // NS,
    )


def _view(item: Item, raw: bytes) -> Item:
    """A library or another view over properties: a known folder's GUID, else the name among its properties."""
    text = _named_property(raw)
    name = guid(raw, 14) if u16(raw, 12) == 16 and not u16(raw, 10) else None
    if name is not None:
        text = folder_name(name)
    return replace(item, kind="view", text=text)


def _zip_entry(item: Item, raw: bytes) -> Item:
    """A folder inside an archive: up to two names; the text of its date (locale of the host) is not read."""
    first, second = u32(raw, 0x54), u32(raw, 0x58)
    names = [wide(raw[0x5C : 0x5C + 2 * first])]
    if second:
        at = 0x5C + 2 * first + 2
        names.append(wide(raw[at : at + 2 * second]))
    text = "\\".join(name.strip("/").replace("/", "\\") for name in names if name)
    return replace(item, kind="zip_entry", text=text or None)


def _named_property(raw: bytes) -> str | None:
    """The first known name in the item's property store."""
    for group, number in _NAME_PROPERTIES:
        at = raw.find(b"1SPS" + group)
        if at >= 0 and (text := _property(raw, at + 20, number)):
            return text
    return None


def _property(raw: bytes, at: int, number: int) -> str | None:
    """One text of a property storage, whose entries are size, number, a reserved byte, type and value."""
    for _ in range(MAX_PROPERTIES):
        size = u32(raw, at)
        if size < LEAST_PROPERTY or at + size > len(raw):
            return None
        if u32(raw, at + 4) == number and u16(raw, at + 9) == _VT_LPWSTR:
            return wide(raw[at + 17 : at + size]) or None
        at += size
    return None
