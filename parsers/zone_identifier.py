"""The text of a Zone.Identifier stream (Mark-of-the-Web).

INI text with the section [ZoneTransfer] (MS-FSCC 5.6.1). Windows reads it as a private profile:
names ignore case, the first section and the first key of a name count, blanks around = are dropped.
"""

import hashlib
import re
from dataclasses import dataclass, field

KNOWN_ZONES = range(5)
"""0 local, 1 intranet, 2 trusted, 3 Internet, 4 restricted."""

_SECTION = "zonetransfer"
_FIELDS = {
    "zoneid": "zone_raw",
    "hosturl": "host_url",
    "referrerurl": "referrer_url",
    "hostipaddress": "host_ip_address",
    "lastwriterpackagefamilyname": "last_writer_package_family_name",
    "appzoneid": "app_zone_id",
    "appdefinedzoneid": "app_zone_id",
}
_FLAT_KEY = re.compile(rf"(?<=[\s\]])[ \t]*(?=(?:{'|'.join(_FIELDS)})\s*=)", re.IGNORECASE)
_FLAT_START = re.compile(r"\s*(?:\[|ZoneId\s*=)", re.IGNORECASE)
_LINE = re.compile(r"\r\n|[\n\r\0]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
_MIN_FOR_GUESS = 8
_NUL_SHARE = 0.3
_MAX_KEYS = _MAX_REMARKS = 32
"""Unknown keys and remarks that are kept.

A stream of 4 KB made of single letters must not become a report.
"""
_MAX_QUOTE = 80


@dataclass(frozen=True, slots=True)
class ZoneIdentifier:
    """What a stream says.

    `zone_id` is None where the zone is missing or not one of 0..4: marked, zone unknown.

    `other_keys` are (key, value) pairs in order, as written; `remarks` say what is unusual, most
    telling first.
    """

    zone_id: int | None = None
    zone_raw: str | None = None
    host_url: str | None = None
    referrer_url: str | None = None
    host_ip_address: str | None = None
    last_writer_package_family_name: str | None = None
    app_zone_id: str | None = None
    other_keys: tuple[tuple[str, str], ...] = ()
    text: str = ""
    encoding: str = "utf-8"
    remarks: tuple[str, ...] = ()
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    size_bytes: int = 0


@dataclass(slots=True)
class _Found:
    """Keys seen so far; the first of a name counts."""

    values: dict[str, str] = field(default_factory=dict)
    others: dict[str, tuple[str, str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    dropped: int = 0

    def take(self, key: str, value: str) -> None:
        """Keep the first value of a key, remark on the others."""
        name = _FIELDS.get(key.casefold())
        if name in self.values or key.casefold() in self.others:
            self.remarks.append(f"duplicate {key[:_MAX_QUOTE]}: {value[:_MAX_QUOTE]!r} not counted")
        elif name is not None:
            self.values[name] = value
        elif len(self.others) < _MAX_KEYS:
            self.others[key.casefold()] = (key, value)
        else:
            self.dropped += 1


def parse_zone_identifier(data: bytes) -> ZoneIdentifier:
    """Read the bytes of a stream; raises nothing, whatever they are."""
    text, encoding, remarks = decode(data)
    return _parse(text, encoding, remarks, data)


def parse_zone_text(text: str) -> ZoneIdentifier:
    """Read text that a log shows (Sysmon 15 Contents), where line ends may have become blanks.

    No hashes.
    """
    return _parse(text, "text", [], None)


def decode(data: bytes) -> tuple[str, str, list[str]]:
    """(text, encoding, remarks) of a stream.

    Encodings: utf-8, utf-8-sig, utf-16-le, utf-16-be, cp1252.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return _wide(data[2:], encoding, [])
    odd = data[1::2]
    if len(data) >= _MIN_FOR_GUESS and odd.count(0) >= _NUL_SHARE * len(odd) and _alternates(data):
        return _wide(data, "utf-16-le", ["UTF-16 without a byte order mark"])
    remarks: list[str] = []
    body = data.rstrip(b"\0")
    if len(body) != len(data):
        remarks.append(f"{len(data) - len(body)} NUL bytes at the end")
    if b"\0" in body:
        remarks.append(f"{len(body) - body.index(0)} bytes from a NUL on")
    encoding = "utf-8"
    if body.startswith(b"\xef\xbb\xbf"):
        encoding, body = "utf-8-sig", body[3:]
        remarks.append("UTF-8 BOM hides the section from Windows")
    try:
        return body.decode("utf-8"), encoding, remarks
    except UnicodeDecodeError:
        remarks.append("no UTF-8, read as cp1252")
        return _ansi(body), "cp1252", remarks


def _alternates(data: bytes) -> bool:
    """Whether NULs sit at odd offsets only by rule: padding at the end has as many at even ones."""
    body = data.rstrip(b"\0")
    return body[1::2].count(0) > 2 * body[0::2].count(0)


def _ansi(data: bytes) -> str:
    """cp1252 with its five holes as the C1 controls that Windows makes of them."""
    return "".join(
        part.decode("cp1252") if part not in _HOLES else chr(part[0])
        for part in (data[i : i + 1] for i in range(len(data)))
    )


_HOLES = {b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"}


def _wide(data: bytes, encoding: str, remarks: list[str]) -> tuple[str, str, list[str]]:
    if len(data) % 2:
        remarks.append("odd number of bytes for UTF-16")
    text = data[: len(data) & ~1].decode(encoding, "replace")
    if "\ufffd" in text:
        remarks.append("not all of it is UTF-16")
    body = text.rstrip("\0")
    if len(body) != len(text):
        remarks.append(f"{len(text) - len(body)} NUL characters at the end")
    if "\0" in body:
        remarks.append(f"{len(body) - body.index(chr(0))} characters from a NUL on")
    return body, encoding, remarks


def split_lines(text: str) -> list[str]:
    """Lines of the text that are not blank.

    Text that a log flattened to one line is cut before each known key that follows a blank or a
    bracket. In text with line ends only a line that starts with the section or the zone is: other
    values may hold such words (paths of archives).
    """
    lines = [line for line in _LINE.split(text) if line.strip()]
    flat = len(lines) == 1
    parts = (_FLAT_KEY.split(line) if flat or _FLAT_START.match(line) else [line] for line in lines)
    return [part.strip() for cut in parts for part in cut if part.strip()]


def _parse(text: str, encoding: str, remarks: list[str], data: bytes | None) -> ZoneIdentifier:
    found = _Found(remarks=remarks)
    _read_keys(text, found)
    values = found.values
    zone_id = _zone(values.get("zone_raw"))
    if not text.strip("\0 \t\r\n"):
        found.remarks.insert(0, "stream is empty")
    if zone_id is None:
        found.remarks.insert(0, "marked, zone unknown")
    if found.dropped:
        found.remarks.append(f"{found.dropped} more keys")
    return ZoneIdentifier(
        zone_id=zone_id,
        zone_raw=values.get("zone_raw"),
        host_url=values.get("host_url"),
        referrer_url=values.get("referrer_url"),
        host_ip_address=values.get("host_ip_address"),
        last_writer_package_family_name=values.get("last_writer_package_family_name"),
        app_zone_id=values.get("app_zone_id"),
        other_keys=tuple(found.others.values()),
        text=text,
        encoding=encoding,
        remarks=_bounded(found.remarks),
        md5=None if data is None else hashlib.md5(data, usedforsecurity=False).hexdigest(),
        sha1=None if data is None else hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        sha256=None if data is None else hashlib.sha256(data).hexdigest(),
        size_bytes=len(text) if data is None else len(data),
    )


def _bounded(remarks: list[str]) -> tuple[str, ...]:
    more = len(remarks) - _MAX_REMARKS
    return (*remarks[:_MAX_REMARKS], f"{more} more remarks") if more > 0 else tuple(remarks)


def _zone(raw: str | None) -> int | None:
    if raw is None or not _NUMBER.fullmatch(raw):
        return None
    number = int(raw)
    return number if number in KNOWN_ZONES else None


def _read_keys(text: str, found: _Found) -> None:
    """Keys of the first [ZoneTransfer]; of the whole text where there is no such section."""
    sections = _sections(text)
    wanted = [lines for name, lines in sections if name == _SECTION]
    if wanted:
        for lines in wanted[1:]:
            found.remarks.append(
                f"second section [ZoneTransfer] with {len(lines)} lines not counted"
            )
        skipped = sum(len(lines) for name, lines in sections if name != _SECTION)
        if skipped:
            found.remarks.append(f"{skipped} lines outside [ZoneTransfer] not counted")
        lines = wanted[0]
    else:
        lines = [line for _, part in sections for line in part]
        if lines:
            found.remarks.append("no section [ZoneTransfer]")
    for line in lines:
        key, equals, value = line.partition("=")
        if equals and key.strip():
            found.take(key.strip(), value.strip())
        else:
            found.remarks.append(f"line without a key: {line[:_MAX_QUOTE]!r}")


def _sections(text: str) -> list[tuple[str, list[str]]]:
    """(name in lower case, lines) of each section in order.

    Lines before the first have the name ''.
    """
    out: list[tuple[str, list[str]]] = [("", [])]
    for line in split_lines(text):
        if line.startswith("["):
            name, _, rest = line[1:].partition("]")
            out.append((name.strip().casefold(), []))
            line = rest.strip()
        if line and not line.startswith(";"):
            out[-1][1].append(line)
    return out
