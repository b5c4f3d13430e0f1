"""Link information of a shortcut: volume, network share, local path (MS-SHLLINK 2.3)."""

from parsers.lnk.cut import Report, ansi, ansi_at, u32, unpack_u32s, wide, wide_at
from parsers.lnk.model import Info, Share, Volume

_HAS_VOLUME, _HAS_SHARE = 1, 2
_WITH_UNICODE = 0x24
_HEAD = 0x1C
_LABEL_IS_UNICODE = 0x14
_PROVIDER_VALID, _DEVICE_VALID = 2, 1


def read_info(data: bytes, start: int, end: int, report: Report) -> Info:
    """What stands between two places; what cannot be read is None and goes to `report`."""
    raw = data[start:end]
    if len(raw) < _HEAD:
        report("lnk_info", start, f"at least {_HEAD} bytes", str(len(raw)))
        return Info()
    head, flags, volume_at, path_at, share_at, suffix_at = unpack_u32s(raw, 4, 6)
    size = len(raw)
    both = head >= _WITH_UNICODE and size >= _WITH_UNICODE
    wide_path_at, wide_suffix_at = unpack_u32s(raw, 28, 2) if both else (0, 0)
    volume = share = local = None
    is_ansi = False
    if flags & _HAS_VOLUME:
        volume = _volume(raw, volume_at, start, report)
        narrow, local = ansi_at(raw, path_at, size), wide_at(raw, wide_path_at, size)
        if not local:
            local, is_ansi = narrow, bool(narrow and not narrow.isascii())
    if flags & _HAS_SHARE:
        share = _share(raw, share_at, start, report)
    suffix = wide_at(raw, wide_suffix_at, size)
    if not suffix:
        suffix = ansi_at(raw, suffix_at, size)
        is_ansi = is_ansi or bool(suffix and not suffix.isascii())
    return Info(volume, share, local or None, suffix or None, is_ansi)


def _volume(raw: bytes, at: int, start: int, report: Report) -> Volume | None:
    if not _HEAD <= at <= len(raw) - 16:
        report("lnk_volume", start + 12, f"within {len(raw)}", str(at))
        return None
    size, kind, serial, label_at, wide_label_at = unpack_u32s(raw, at, 5)
    part = raw[at : at + size]
    if label_at == _LABEL_IS_UNICODE:
        label = wide(part[wide_label_at:])
    else:
        label = ansi(part[label_at:]) if label_at else ""
    return Volume(kind, serial, label or None)


def _share(raw: bytes, at: int, start: int, report: Report) -> Share | None:
    if not _HEAD <= at <= len(raw) - 20:
        report("lnk_share", start + 20, f"within {len(raw)}", str(at))
        return None
    size, flags, name_at, device_at, provider = unpack_u32s(raw, at, 5)
    part = raw[at : at + size]
    name = device = None
    if name_at > 0x14:
        name = wide_at(part, u32(part, 20), len(part))
        device = wide_at(part, u32(part, 24), len(part))
    name = name or ansi_at(part, name_at, len(part))
    if flags & _DEVICE_VALID:
        device = device or ansi_at(part, device_at, len(part))
    else:
        device = None
    return Share(name or None, device or None, provider if flags & _PROVIDER_VALID else None)
