"""Where the $MFT lies: its own record, or the mirror's copy, with what its extension records add."""

from parsers.contract import Severity
from parsers.disks.streams import Doubts, ReadAt
from parsers.volumes import ntfs_records as records
from parsers.volumes.model import Extents, VolumeRefused, bounded, open_extents, read_extents
from parsers.volumes.ntfs_boot import Boot
from parsers.volumes.ntfs_records import Attribute, Record, extents_of, own

MASK48 = (1 << 48) - 1
MAX_PIECES = 65_536
"""Extension records of one file; Windows itself stops at about 4,000."""
MAX_LIST = 1 << 20


def find_mft(read: ReadAt, boot: Boot, size_of_volume: int, doubts: Doubts) -> tuple[Extents, int]:
    """Where the $MFT lies, by its own record, or by the mirror's copy of it."""
    for place in (boot.mft, boot.mirror):
        record = records.parse_record(read(place, boot.record))
        data = own(record, records.DATA, "") if record else []
        if record is None or not data or data[0].resident:
            continue
        if place != boot.mft:
            doubts.add(
                "mft_mirror_used",
                f"offset {boot.mft}",
                "record 0 of the $MFT",
                "none",
                "the place of the $MFT was taken from $MFTMirr",
            )
        known = extents_of(data, boot.cluster)
        whole = _spread(read, boot, record, data, known)
        there = sum(length for _, length in whole)
        if there < data[0].size:
            doubts.add(
                "mft_incomplete",
                f"offset {place}",
                f"{data[0].size} bytes of the $MFT",
                f"{there} bytes by its run lists",
                "the rest of the $MFT was not found",
                Severity.ERROR,
            )
        size = min(data[0].size, there, size_of_volume)
        return bounded(whole, size), size
    raise VolumeRefused("no_mft", "record 0 of the $MFT, or of its mirror", "neither")


def _spread(
    read: ReadAt, boot: Boot, record: Record, data: list[Attribute], known: Extents
) -> Extents:
    """The $MFT's extents where its run list goes on in extension records."""
    total, read_mft = read_extents(read, known)
    pieces = list(data)
    for reference in references(read, boot.cluster, record, records.DATA):
        at = (reference & MASK48) * boot.record
        if reference & MASK48 and at + boot.record <= total:
            other = records.parse_record(read_mft(at, boot.record))
            pieces += own(other, records.DATA, "") if other else []
            total, read_mft = read_extents(read, extents_of(pieces, boot.cluster))
    return extents_of(pieces, boot.cluster)


def references(read: ReadAt, cluster: int, record: Record, kind: int) -> list[int]:
    """Extension records that hold attributes of a kind, by the record's $ATTRIBUTE_LIST."""
    found = own(record, records.ATTRIBUTE_LIST, "")
    if not found:
        return []
    value = found[0].value
    if not found[0].resident:
        extents = extents_of(found[:1], cluster)
        size = min(found[0].size, MAX_LIST)
        value = open_extents(read, extents, size).read()
    return records.list_references(value, kind)[:MAX_PIECES]
