"""Partition tables: MBR with logical partitions, GPT with its checksums and backup (UEFI 2.10, chapter 5).

Tables may lie: what does not fit the disk or another entry is told and read as far as it goes.
"""

import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from parsers.contract import Severity
from parsers.disks.streams import Doubts, ReadAt
from parsers.volumes.model import u32, u64

SECTOR_SIZES = (512, 4096)
MAX_GPT = 1024
MAX_LOGICAL = 256
_EXTENDED = (0x05, 0x0F, 0x85)
_PROTECTIVE = 0xEE
_GPT = b"EFI PART"


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition: bytes [start, start + size). `kind`: MBR type as "07", or GPT type GUID.

    `identity` is what Windows' MountedDevices names it by: the GPT partition's GUID in its 16 bytes, or the MBR's
    disk signature and the byte offset in 12.
    """

    name: str
    start: int
    size: int
    kind: str
    identity: bytes
    label: str = ""


def partitions(read: ReadAt, size: int, doubts: Doubts) -> list[Partition]:
    """The partitions of a disk of `size` bytes by GPT or MBR; an empty list: no table."""
    mbr = _mbr(read, size, doubts)
    for sector in SECTOR_SIZES:
        found = _gpt(read, size, sector, doubts)
        if found is not None:
            return _checked(_both(found, mbr, _protected(read), doubts), size, doubts)
    return _checked(mbr, size, doubts)


def _both(
    gpt: list[Partition], mbr: list[Partition], protected: bool, doubts: Doubts
) -> list[Partition]:
    """The table that Windows takes, and of the other one what begins elsewhere: GPT where the MBR protects one."""
    if not mbr:
        return gpt
    taken, other = (gpt, mbr) if protected else (mbr, gpt)
    starts = {p.start for p in taken}
    more = [p for p in other if p.start not in starts]
    words = ("GPT", "MBR") if protected else ("MBR", "GPT")
    doubts.add(
        "two_partition_tables",
        "offset 0",
        "one partition table",
        f"a GPT of {len(gpt)} partitions and an MBR of {len(mbr)}",
        f"{words[0]} was used; {len(more)} partitions that only the {words[1]} lists were read as well",
        Severity.WARNING if more else Severity.INFO,
    )
    return [*taken, *(replace(p, name=f"{words[1]} {p.name}") for p in more)]


def _gpt(read: ReadAt, size: int, sector: int, doubts: Doubts) -> list[Partition] | None:
    primary, backup = sector, (size // sector - 1) * sector
    head = read(primary, 512)
    if head.startswith(_GPT) and read(backup, 8) != _GPT:
        # an image that is larger than the disk was: the header says where its copy lies
        backup = min(u64(head, 32), size // sector - 1) * sector
    tables = [_gpt_table(read, at, sector, size) for at in (primary, backup)]
    if read(primary, 8) != _GPT and not (read(backup, 8) == _GPT and _protected(read)):
        # where the disk's start is wiped, its end tells: a table that fits both checksums is no accident
        table, fault = tables[1]
        if not table or fault or read(510, 2) == b"\x55\xaa":
            return None
    for (_table, fault), at in zip(tables, (primary, backup), strict=True):
        if fault:
            which = "primary" if at == primary else "backup"
            doubts.add(
                "partition_table_checksum",
                f"offset {at}",
                f"a sound {which} GPT",
                fault,
                "the other table was used, if it is sound; else this one as it is",
            )
    sound = [table for table, fault in tables if table is not None and not fault]
    if len(sound) == 2 and sound[0] != sound[1]:
        doubts.add(
            "partition_tables_differ",
            f"offset {backup}",
            "the entries of the primary GPT",
            "others in the backup",
            "the primary one was used",
        )
    any_table = [table for table, _ in tables if table is not None]
    chosen = (sound or any_table or [[]])[0]
    return chosen


def _protected(read: ReadAt) -> bool:
    mbr = read(0, 512)
    return mbr[510:512] == b"\x55\xaa" and _PROTECTIVE in mbr[450:510:16]


def _gpt_table(
    read: ReadAt, at: int, sector: int, size: int
) -> tuple[list[Partition] | None, str | None]:
    """(partitions, what is wrong); None: there is no header."""
    head = read(at, 512)
    if not head.startswith(_GPT):
        return None, "no header"
    length = u32(head, 12)
    fault = None
    if not 92 <= length <= 512 or zlib.crc32(head[:16] + bytes(4) + head[20:length]) != u32(
        head, 16
    ):
        fault = "another CRC-32 of the header"
    first, count, each = u64(head, 72) * sector, u32(head, 80), u32(head, 84)
    if not 128 <= each <= 4096 or first >= size:
        return None, f"entries of {each} bytes at {first}"
    raw = read(first, min(count, MAX_GPT) * each)
    if count <= MAX_GPT and zlib.crc32(raw) != u32(head, 88):
        fault = fault or "another CRC-32 of the entries"
    if count > MAX_GPT:
        fault = fault or f"{count} entries"
    return [
        _gpt_entry(k, raw[k * each : k * each + 128], sector)
        for k in range(len(raw) // each)
        if any(raw[k * each : k * each + 16])
    ], fault


def _gpt_entry(k: int, entry: bytes, sector: int) -> Partition:
    first, last = u64(entry, 32), u64(entry, 40)
    label = entry[56:128].decode("utf-16-le", "replace").partition("\0")[0]
    kind = str(uuid.UUID(bytes_le=entry[:16]))
    return Partition(
        f"partition {k + 1}",
        first * sector,
        max(0, last - first + 1) * sector,
        kind,
        entry[16:32],
        label,
    )


def _mbr(read: ReadAt, size: int, doubts: Doubts) -> list[Partition]:
    mbr = read(0, 512)
    if mbr[510:512] != b"\x55\xaa":
        return []
    signature = mbr[440:444]
    entries = [(mbr[450 + 16 * k], *_range(mbr, 446 + 16 * k)) for k in range(4)]
    starts = [start for kind, start, count in entries if kind not in (0, _PROTECTIVE) and count]
    sector = _sector_of(read, starts)
    found: list[Partition] = []
    extended = 0
    for k, (kind, start, count) in enumerate(entries):
        if kind in _EXTENDED:
            extended = extended or start
        elif kind and count and kind != _PROTECTIVE:
            found.append(_mbr_entry(k + 1, kind, start, count, signature, sector))
    return found + _logical(read, extended, signature, sector, doubts)


def _range(table: bytes, at: int) -> tuple[int, int]:
    """(first sector, count) of the entry of a table at a place."""
    return u32(table, at + 8), u32(table, at + 12)


def _sector_of(read: ReadAt, starts: Sequence[int]) -> int:
    """Bytes of a sector that an MBR counts in: it does not say; where a partition begins there is a boot sector."""
    for sector in SECTOR_SIZES:
        if any(read(start * sector + 510, 2) == b"\x55\xaa" for start in starts):
            return sector
    return SECTOR_SIZES[0]


def _mbr_entry(
    number: int, kind: int, start: int, count: int, signature: bytes, sector: int
) -> Partition:
    place = start * sector
    identity = signature + place.to_bytes(8, "little")
    return Partition(f"partition {number}", place, count * sector, f"{kind:02x}", identity)


def _logical(
    read: ReadAt, extended: int, signature: bytes, sector: int, doubts: Doubts
) -> list[Partition]:
    """The chain of logical partitions; each link's start counts from the extended one's."""
    found: list[Partition] = []
    at, seen = extended, set[int]()
    while at:
        if at in seen or len(seen) >= MAX_LOGICAL:
            doubts.add(
                "partition_table_loop",
                f"offset {at * sector}",
                "a chain of logical partitions that ends",
                "a loop" if at in seen else f"more than {MAX_LOGICAL}",
                "the chain was followed up to here",
            )
            break
        seen.add(at)
        link = read(at * sector, 512)
        if link[510:512] != b"\x55\xaa":
            doubts.add(
                "partition_table_broken",
                f"offset {at * sector}",
                "a table of a logical partition (55 AA)",
                link[510:512].hex(" ") or "the end of the disk",
                "the chain of logical partitions was followed up to here",
                Severity.ERROR,
            )
            break
        kind, (start, count) = link[450], _range(link, 446)
        if kind and count:
            number = 5 + len(found)
            found.append(_mbr_entry(number, kind, at + start, count, signature, sector))
        at = extended + u32(link, 470) if link[466] in _EXTENDED else 0
    return found


def _checked(found: Sequence[Partition], size: int, doubts: Doubts) -> list[Partition]:
    """Partitions that begin on the disk, cut at its end; overlaps are told."""
    kept: list[Partition] = []
    for p in found:
        place = f"{p.name} at {p.start}"
        if p.start >= size or p.size <= 0:
            doubts.add(
                "partition_outside",
                place,
                f"a partition on a disk of {size} bytes",
                f"{p.size} bytes at {p.start}",
                "not read: it does not lie on this disk",
                Severity.ERROR,
            )
            continue
        if p.start + p.size > size:
            doubts.add(
                "partition_cut",
                place,
                f"an end before {size}",
                f"an end at {p.start + p.size}",
                "the image is cut, or the table lies: read as far as the image goes",
                Severity.ERROR,
            )
        for other in kept:
            if p.start < other.start + other.size and other.start < p.start + p.size:
                doubts.add(
                    "partitions_overlap",
                    place,
                    "bytes of its own",
                    f"bytes shared with {other.name}",
                    "both were read",
                )
        kept.append(
            Partition(p.name, p.start, min(p.size, size - p.start), p.kind, p.identity, p.label)
        )
    return kept
