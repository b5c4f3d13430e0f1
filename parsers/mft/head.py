"""The header of a FILE record, as far as it tells what a file is. Layout: linux-ntfs documentation."""

SECTOR = 512
RECORD_SIZES = (512, 1024, 2048, 4096)


def plausible_record(head: bytes) -> int:
    """Size of the record at the start of `head`, by a sound header; 0: it is none."""
    if len(head) < 48 or head[:4] not in (b"FILE", b"BAAD"):
        return 0
    array, count = int.from_bytes(head[4:6], "little"), int.from_bytes(head[6:8], "little")
    first, size = int.from_bytes(head[20:22], "little"), int.from_bytes(head[28:32], "little")
    sound = (
        size in RECORD_SIZES
        and count == size // SECTOR + 1
        and 40 <= array <= SECTOR - 2 - 2 * count
        and array + 2 * count <= first <= size - 8
        and first % 8 == 0
    )
    return size if sound else 0


def record_size(head: bytes) -> int:
    """Size stated by the first sound record in `head`; 1,024 when there is none."""
    for at in range(0, len(head) - 47, SECTOR):
        if size := plausible_record(head[at : at + 48]):
            return size
    return 1024
