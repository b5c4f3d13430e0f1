"""The property store of a shortcut (MS-PROPSTORE): the plain value types, as texts."""

from datetime import UTC, datetime, timedelta

from parsers.lnk.cut import ansi, guid, i32, u16, u32, u64, wide

_STORAGE = b"1SPS"
_NAMED = "d5cdd505-2e9c-101b-9397-08002b2cf9ae"
_MAX_VALUES = 256
_MAX_TEXT = 4096
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)

APP_ID = "9f4c2855-9f79-4b39-a8d0-e1d42de1d5f3/5"
OWNER_SID = "46588ae2-4cbc-4338-bbfc-139326986dce/4"
PARSING_PATH = "28636aa6-953d-11d2-b5d6-00c04fd918d0/30"
VOLUME_ID = "446d16b1-8dad-4870-a748-402ea43d788c/104"


def read_properties(raw: bytes) -> dict[str, str]:
    """Values by `format GUID/number` or `format GUID/name`; unknown types as `(type 0x..)`."""
    out: dict[str, str] = {}
    at = 0
    while at + 28 <= len(raw) and len(out) < _MAX_VALUES:
        size = u32(raw, at)
        if size < 24 or raw[at + 4 : at + 8] != _STORAGE:
            break
        group = guid(raw, at + 8) or str(None)
        _values(raw[at : min(at + size, len(raw))], group, out)
        at += size
    return out


def _values(part: bytes, group: str, out: dict[str, str]) -> None:
    at = 24
    while at + 13 <= len(part) and len(out) < _MAX_VALUES:
        size = u32(part, at)
        if size < 13:
            break
        value = part[at : at + size]
        if group == _NAMED:
            length = u32(value, 4)
            key, body = wide(value[9 : 9 + length]), value[9 + length :]
        else:
            key, body = str(u32(value, 4)), value[9:]
        out.setdefault(f"{group}/{key}", _text(body)[:_MAX_TEXT])
        at += size


def _text(body: bytes) -> str:
    kind = u16(body, 0)
    raw = body[4:]
    match kind:
        case 0x1F:
            return wide(raw[4 : 4 + 2 * u32(raw, 0)])
        case 0x08:
            return wide(raw[4 : 4 + u32(raw, 0)])
        case 0x1E:
            return ansi(raw[4 : 4 + u32(raw, 0)])
        case 0x0B:
            return "true" if u16(raw, 0) else "false"
        case 0x02 | 0x12:
            return str(u16(raw, 0))
        case 0x03 | 0x16:
            return str(i32(raw, 0))
        case 0x13 | 0x17:
            return str(u32(raw, 0))
        case 0x14 | 0x15:
            return str(u64(raw, 0))
        case 0x40:
            return _time(u64(raw, 0))
        case 0x48:
            return guid(raw, 0) or ""
    return f"(type {kind:#x})"


def _time(filetime: int) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=filetime // 10)).isoformat()
    except OverflowError:
        return f"(FILETIME {filetime})"
