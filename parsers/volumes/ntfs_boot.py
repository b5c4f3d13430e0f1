"""The boot sector of NTFS (Microsoft, "NTFS boot sector"; linux-ntfs documentation)."""

from dataclasses import dataclass

from parsers.volumes.model import u16, u32, u64

OEM = b"NTFS    "


@dataclass(frozen=True, slots=True)
class Boot:
    """What the boot sector says; sizes in bytes."""

    cluster: int
    record: int
    size: int
    mft: int
    mirror: int
    serial: int
    place: int


def read_boot(raw: bytes, place: int) -> Boot | None:
    """Fields of a boot sector; None: it is none of NTFS (MS "NTFS boot sector")."""
    if len(raw) < 512 or raw[3:11] != OEM:
        return None
    sector, per = u16(raw, 11), raw[13]
    per = per if per <= 128 else 1 << min(256 - per, 16)
    cluster = sector * per
    size = int.from_bytes(raw[64:65], signed=True)
    record = 1 << min(-size, 31) if size < 0 else size * cluster
    if sector not in (256, 512, 1024, 2048, 4096) or not per or per & per - 1:
        return None
    if record not in (512, 1024, 2048, 4096) or cluster > 2 << 20:
        return None
    total = u64(raw, 40) * sector
    return Boot(
        cluster, record, total, u64(raw, 48) * cluster, u64(raw, 56) * cluster, u32(raw, 72), place
    )
