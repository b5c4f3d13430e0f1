"""Extra data blocks of a shortcut (MS-SHLLINK 2.5)."""

from parsers.lnk.cut import Report, ansi, guid, u32, wide
from parsers.lnk.items import read_items
from parsers.lnk.model import Extra, Item, Tracker
from parsers.lnk.properties import read_properties

_MAX_BLOCKS = 64
_ENVIRONMENT, _TRACKER, _SPECIAL, _DARWIN, _ICON = (
    0xA0000001,
    0xA0000003,
    0xA0000005,
    0xA0000006,
    0xA0000007,
)
_SHIM, _PROPERTIES, _KNOWN_FOLDER, _VISTA_ITEMS = 0xA0000008, 0xA0000009, 0xA000000B, 0xA000000C
_ANSI_BYTES = 260


def read_extra(data: bytes, start: int, report: Report) -> tuple[Extra, int]:
    """The blocks and the place behind them. The first block of a kind counts."""
    found: dict[int, tuple[int, bytes]] = {}
    signatures: list[int] = []
    at = start
    while at + 4 <= len(data):
        size = u32(data, at)
        if size < 4:
            at += 4
            break
        signature = u32(data, at + 4)
        if size < 8 or at + size > len(data) or len(signatures) == _MAX_BLOCKS:
            report("lnk_block", at, f"a block within {len(data) - at} bytes", f"size {size}")
            break
        signatures.append(signature)
        found.setdefault(signature, (at, data[at : at + size]))
        at += size
    return _extra(data, {key: value for key, (_, value) in found.items()}, found, signatures), at


def _extra(
    data: bytes,
    blocks: dict[int, bytes],
    places: dict[int, tuple[int, bytes]],
    signatures: list[int],
) -> Extra:
    vista: tuple[Item, ...] = ()
    if _VISTA_ITEMS in places:
        at, raw = places[_VISTA_ITEMS]
        vista = read_items(data, at + 8, at + len(raw))
    special = blocks.get(_SPECIAL)
    return Extra(
        tracker=_tracker(blocks.get(_TRACKER)),
        environment_target=_both(blocks.get(_ENVIRONMENT)),
        environment_icon=_both(blocks.get(_ICON)),
        darwin=_both(blocks.get(_DARWIN)),
        shim=wide(blocks.get(_SHIM, b"")[8:]) or None,
        known_folder=guid(blocks.get(_KNOWN_FOLDER, b""), 8),
        special_folder=None if special is None else u32(special, 8),
        properties=read_properties(blocks.get(_PROPERTIES, b"")[8:]),
        vista_items=vista,
        signatures=tuple(signatures),
    )


def _both(block: bytes | None) -> str | None:
    """A text in 260 bytes and again in Unicode, which wins."""
    if block is None:
        return None
    return wide(block[8 + _ANSI_BYTES :]) or ansi(block[8 : 8 + _ANSI_BYTES]) or None


def _tracker(block: bytes | None) -> Tracker | None:
    if block is None:
        return None
    return Tracker(
        ansi(block[16:32]) or None,
        guid(block, 32),
        guid(block, 48),
        guid(block, 64),
        guid(block, 80),
    )
