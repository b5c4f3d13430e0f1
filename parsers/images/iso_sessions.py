"""Sessions of a disc besides the one that Windows shows: where their descriptors begin.

Writers that add to an image either append a session behind the volume (its descriptors 16 sectors from its start), or
keep the first one at sector 32 and set the newest one's descriptors at sector 16.
"""

from collections.abc import Sequence

from parsers.images.iso_descriptors import FIRST_DESCRIPTOR, SECTOR, Descriptor
from parsers.images.media import READ_BYTES, Media

FIRST_KEPT = 32
MAX_SESSIONS = 16
MAX_SCANNED = 1 << 30
_MARK = b"\1CD001\1"


def other_sessions(media: Media, taken: Sequence[Descriptor]) -> list[int]:
    """Sectors where the descriptors of other sessions begin."""
    kept = FIRST_KEPT + FIRST_DESCRIPTOR
    found = [kept] if media.read(kept * SECTOR, len(_MARK)) == _MARK else []
    end = max((d.volume.size for d in taken), default=media.size)
    start = max(end // SECTOR * SECTOR, (kept + 1) * SECTOR)
    for base in range(start, min(media.size, start + MAX_SCANNED), READ_BYTES):
        data = media.read(base, READ_BYTES)
        for at in range(0, len(data), SECTOR):
            if data.startswith(_MARK, at):
                found.append((base + at) // SECTOR)
    return found[:MAX_SESSIONS]
