"""Volume descriptors of ISO 9660: which namespaces a disc has, and what Windows makes of them.

Sources: ECMA-119 8; Joliet specification 1.0; El Torito 1.0; serial and choice of the descriptor:
the published CDFS driver sample.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

from parsers.images.media import Media
from parsers.images.model import Notes, Volume
from parsers.rows import naive_ns

SECTOR = 2048
FIRST_DESCRIPTOR = 16
MAX_DESCRIPTORS = 64
JOLIET = (b"%/@", b"%/C", b"%/E")
BLOCK_SIZES = (512, 1024, 2048)
_MAX_BOOT_IMAGES = 64
_FIRST_YEAR, _LAST_YEAR = 1678, 2261
_PLATFORMS = {0: "x86", 1: "PowerPC", 2: "Mac", 0xEF: "EFI"}
_EMULATIONS = ("no emulation", "1.2 MB floppy", "1.44 MB floppy", "2.88 MB floppy", "hard disk")

SERIAL_BASIS = "byte sums of the descriptor that CDFS takes"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A primary, Joliet or enhanced descriptor; root and path table as (byte offset, length)."""

    name_form: str
    block: int
    root: tuple[int, int]
    path_table: tuple[int, int]
    volume: Volume

    @property
    def encoding(self) -> str:
        """Codec of the names; ISO 9660 names are read in the OEM page's Western twin."""
        return "utf-16-be" if self.name_form == "joliet" else "cp1252"


def descriptors(media: Media, notes: Notes, first: int = FIRST_DESCRIPTOR) -> list[Descriptor]:
    """Descriptors from a sector on, in order. A damaged one does not end the set; a terminator does."""
    found: list[Descriptor] = []
    boot: tuple[int, str] | None = None
    for number in range(first, first + MAX_DESCRIPTORS):
        at = number * SECTOR
        sector = media.read(at, SECTOR)
        if len(sector) < SECTOR:
            break
        if sector[1:6] != b"CD001":
            continue
        if sector[0] == 255 and found:
            break
        if sector[0] == 0 and sector[7:30] == b"EL TORITO SPECIFICATION":
            boot = _boot(media, struct.unpack_from("<I", sector, 0x47)[0])
        if form := _form(sector):
            found.append(_descriptor(media, sector, at, form, notes))
    if boot is None:
        return found
    catalog, words = media.address(boot[0]), boot[1]
    return [
        replace(d, volume=replace(d.volume, boot_catalog=catalog, boot_images=words)) for d in found
    ]


def _form(sector: bytes) -> str | None:
    if sector[0] == 1:
        return "iso9660"
    if sector[0] == 2:
        return "joliet" if sector[88:91] in JOLIET else "iso9660_1999"
    return None


def _descriptor(
    media: Media,
    sector: bytes,
    at: int,
    form: str,
    notes: Notes,
) -> Descriptor:
    block = int(struct.unpack_from("<H", sector, 128)[0])
    remarks = []
    if block != SECTOR:
        remarks.append(f"block size {block}: CDFS takes only {SECTOR}")
    if block not in BLOCK_SIZES:
        notes.add(
            "iso_block_size", at, "512, 1024 or 2048", str(block), f"read with blocks of {SECTOR}"
        )
        block = SECTOR
    extent, length = both(sector, 158, media, block), both(sector, 166, media)
    codec = "utf-16-be" if form == "joliet" else "cp1252"

    def text(start: int, n: int) -> str | None:
        raw = sector[start : start + n]
        raw = raw[: len(raw) & ~1] if codec == "utf-16-be" else raw
        return raw.decode(codec, "replace").rstrip("\0 ") or None

    volume = Volume(
        filesystem="CDFS",
        name_form=form,
        address=media.address(at),
        size=both(sector, 80, media, block) * block,
        label=text(40, 32) or "",
        serial=serial(sector),
        serial_basis=SERIAL_BASIS,
        revision={"joliet": "Joliet"}.get(form, "ISO 9660"),
        created=_long_time(sector[813:830]),
        modified=_long_time(sector[830:847]),
        application=text(574, 128),
        publisher=text(318, 128),
        preparer=text(446, 128),
        system=text(8, 32),
        volume_set=text(190, 128),
        remarks=tuple(remarks),
    )
    table = (struct.unpack_from("<I", sector, 140)[0] * block, both(sector, 132, media))
    return Descriptor(form, block, (extent * block, length), table, volume)


def both(data: bytes, at: int, media: Media, unit: int = 1) -> int:
    """A number stored little, then big endian: the little one, as Windows; the big one if only that fits."""
    little, big = struct.unpack_from("<I", data, at)[0], struct.unpack_from(">I", data, at + 4)[0]
    return int(big if little * unit > media.size >= big * unit > 0 else little)


def serial(sector: bytes) -> str:
    """Volume serial of a descriptor: four byte sums over its lanes, lane 0 most significant, no carry."""
    sums = [sum(sector[lane::4]) & 255 for lane in range(4)]
    return f"{sums[0]:02X}{sums[1]:02X}-{sums[2]:02X}{sums[3]:02X}"


def short_time(raw: bytes) -> tuple[int | None, int | None]:
    """(ns UTC, zone in minutes) of seven bytes: years since 1900 ... second, offset in quarter hours."""
    if len(raw) < 7 or not any(raw[:6]):
        return None, None
    zone = 15 * (raw[6] - 256 if raw[6] > 127 else raw[6])
    year, month, day, hour, minute, second = raw[:6]
    return _ns(1900 + year, (month, day, hour, minute, second), zone), zone


def long_time(raw: bytes) -> tuple[int | None, int | None]:
    """(ns UTC, zone in minutes) of 16 digits and the offset in quarter hours (ECMA-119 8.4.26.1)."""
    digits = raw[:16]
    if len(raw) < 17 or not digits.isdigit() or not int(digits):
        return None, None
    zone = 15 * (raw[16] - 256 if raw[16] > 127 else raw[16])
    parts = tuple(int(digits[i : i + 2]) for i in range(4, 14, 2))
    return _ns(int(digits[:4]), parts, zone, int(digits[14:16]) * 10_000_000), zone


def _long_time(raw: bytes) -> int | None:
    return long_time(raw)[0]


def _ns(year: int, parts: tuple[int, ...], zone: int, fraction: int = 0) -> int | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    month, day, hour, minute, second = parts
    try:
        offset = timezone(timedelta(minutes=zone))
        moment = datetime(year, month, day, hour, minute, second, tzinfo=offset)
    except ValueError:
        return None
    return naive_ns(moment.astimezone(UTC).replace(tzinfo=None), fraction)


def _boot(media: Media, sector: int) -> tuple[int, str]:
    """Byte offset of the boot catalog and its images in words (El Torito 2)."""
    data = media.read(sector * SECTOR, SECTOR)
    if len(data) < SECTOR or data[0] != 1 or data[30:32] != b"\x55\xaa":
        return sector * SECTOR, "catalog not readable"
    return sector * SECTOR, "; ".join(_boot_images(data))


def _boot_images(data: bytes) -> Iterator[str]:
    platform, count = data[1], 0
    for at in range(32, len(data), 32):
        kind = data[at]
        if kind in (0x90, 0x91):
            platform = data[at + 1]
        elif kind in (0x00, 0x88) and any(data[at : at + 32]) and count < _MAX_BOOT_IMAGES:
            count += 1
            media, sectors, start = struct.unpack_from("<xB4xHI", data, at)
            words = _EMULATIONS[media & 15] if media & 15 < len(_EMULATIONS) else "unknown"
            yield (
                f"{_PLATFORMS.get(platform, hex(platform))}, {words},"
                f" {'bootable' if kind else 'not bootable'}, sector {start}, {sectors} x 512 bytes"
            )
