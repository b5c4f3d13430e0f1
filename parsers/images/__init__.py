"""The inside of disk images: every file with its hashes, and each volume's label and serial.

ISO 9660 with Joliet and Rock Ridge, UDF, raw FAT, exFAT and NTFS with or without a partition table, VHD, VHDX. The
whole image is never held: folders and content are read by extent, bounded by the image's size.
"""

from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Problem
from parsers.images import content
from parsers.images.listing import VIRTUAL_DISKS, rows
from parsers.images.media import Whole
from parsers.images.model import Notes
from parsers.images.tables import IMAGE_CONTENT, IMAGE_VOLUME
from parsers.rows import batches

KIND = "disk_image_content"
VERSION = 2
LABEL = "Disk image"
TABLES = (IMAGE_CONTENT, IMAGE_VOLUME)

ROWS_OF_A_BATCH = 5_000
_NAMES = (".iso", ".img", ".udf")


def recognise(name: str, head: bytes) -> bool:
    """By content, whatever the name; a fixed VHD, whose footer is at its end, by name too."""
    if content.is_udf_or_iso(head) or head.startswith((b"vhdxfile", b"conectix")):
        return True
    lower = name.casefold()
    if lower.endswith(VIRTUAL_DISKS):
        return bool(head)
    if len(head) < content.HEAD_BYTES:
        return False
    return content.is_volume(head) or (lower.endswith(_NAMES) and any(head))


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per file and folder of the image, and one per volume."""
    with artifact.open() as stream:
        notes = Notes()
        media = Whole(stream, artifact.size)
        yield from batches(rows(media, artifact.name, notes), notes.problems, ROWS_OF_A_BATCH)
