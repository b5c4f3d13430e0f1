"""Files whose $DATA holds no content although it has a size: packed by the system, deduplicated, or in the cloud only."""

from parsers.volumes.model import VolumeRefused, u32
from parsers.volumes.ntfs_records import DATA, REPARSE_POINT, Record

_WOF, _DEDUP, _CLOUD = 0x8000_0017, 0x8000_0013, 0x9000_001A
_CLOUD_MASK = 0xFFFF_0FFF
"""Cloud files have the tags 9000001A to 9000F01A (MS-FSCC 2.1.2.1)."""


def refuse_elsewhere(record: Record, where: str) -> None:
    """Raise for content that reading the file's clusters would give as zeros.

    Raises:
        VolumeRefused: the reparse point says that the content is kept in another form or place.
    """
    point = next((a for a in record.attributes if a.kind == REPARSE_POINT and a.resident), None)
    if point is None or _has_clusters(record):
        return
    tag = u32(point.value, 0)
    if tag == _WOF:
        raise VolumeRefused(
            "compact_file",
            f"the content of {where} in its clusters",
            "a file that Windows packed (compact /exe)",
            "not read: export it with Windows, or by a tool that unpacks WofCompressedData",
        )
    if tag == _DEDUP:
        raise VolumeRefused(
            "deduplicated_file",
            f"the content of {where} in its clusters",
            "a file of a volume with deduplication",
            "not read: its pieces lie in the chunk store",
        )
    if tag & _CLOUD_MASK == _CLOUD:
        raise VolumeRefused(
            "cloud_file",
            f"the content of {where} in its clusters",
            "a file that lies in the cloud only",
            "not read: there is nothing of it on this volume",
        )


def _has_clusters(record: Record) -> bool:
    """Whether any content lies in the record or in a cluster."""
    main = [a for a in record.attributes if a.kind == DATA and not a.name]
    return any((a.resident and a.value) or any(at is not None for _, at in a.runs) for a in main)
