r"""`MountedDevices`: which volume a letter or a volume GUID stands for. Last holder only; stays after the unmount."""

import re
import struct
from collections.abc import Iterator
from uuid import UUID

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance
from parsers.hives.values import utf16

MOUNTED_DEVICE = Table(
    "mounted_device",
    "Letters and volume GUIDs with the volume they stood for last; equal identities join a letter with a GUID",
    (
        Column("value_name", Sql.TEXT, r"Name of the value: \DosDevices\E:, \??\Volume{guid}"),
        Column("letter", Sql.TEXT, "Drive letter with colon, upper case, if the row names one"),
        Column("volume_guid", Sql.TEXT, "GUID of the volume, lower case, without braces, if the row names one"),
        Column("identity", Sql.TEXT, "mbr: signature and offset, gpt: partition GUID, device: path, other"),
        Column("disk_signature", Sql.TEXT, "MBR disk signature, 8 upper-case hex digits"),
        Column("partition_offset", Sql.U64, "Byte offset of the partition on the MBR disk"),
        Column("partition_guid", Sql.TEXT, "GPT partition GUID, lower case, without braces"),
        Column("device_path", Sql.TEXT, r"Device the value names, as stored (\??\SCSI#CdRom&Ven_Msft&...)"),
        Column("device_instance", Sql.TEXT, r"Device instance out of that path, as in Enum (SCSI\...\...)"),
        Column("is_virtual_dvd", Sql.BOOL, "The path names the DVD drive of attached images or of a Hyper-V guest (by vendor and product)"),
        Column("image_slot", Sql.I32, "Slot of the attached image (instance 2&1f4adffe&0&00000N); NULL: no such instance"),
        Column("data_hex", Sql.TEXT, "The data of the value, lower-case hex, at most 1,024 bytes"),
        *PROVENANCE,
    ),
    address="offset",
    time=None,
    moments=(
        Moment(
            "key_last_write_utc",
            "mounted_devices_written",
            "concat_ws(' ', 'MountedDevices last changed;', letter, 'stands for', coalesce(device_path, "
            "partition_guid, disk_signature))",
            "letter IS NOT NULL",
        ),
    ),
)  # fmt: skip

MAX_DATA = 1024
_GUID = re.compile(r"\{([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}", re.IGNORECASE)
_LETTER = re.compile(r"\\DosDevices\\([A-Za-z]:)", re.IGNORECASE)
_SLOT = re.compile(r"2&1f4adffe&\d+&0*(\d{1,6})", re.IGNORECASE)


def image_slot(instance: str) -> int | None:
    """Slot number of an attached image from its instance id; a Hyper-V guest's own drives have another form."""
    found = _SLOT.fullmatch(instance)
    return int(found[1]) if found else None


def mounted_devices(hive: Hive) -> Iterator[Row]:
    """One row per value of `MountedDevices`."""
    key = hive.find("MountedDevices")
    for value in key.values() if key is not None else ():
        if key is None:
            return
        letter = _LETTER.fullmatch(value.name)
        guid = _GUID.search(value.name)
        data = value.data
        yield (
            MOUNTED_DEVICE,
            {
                **provenance(key, value),
                "value_name": value.name,
                "letter": letter[1].upper() if letter else None,
                "volume_guid": guid[1].lower() if guid else None,
                "data_hex": data[:MAX_DATA].hex(),
                **_identity(data),
            },
        )


def _identity(data: bytes) -> dict[str, object]:
    if len(data) == 12:
        signature, offset = struct.unpack("<IQ", data)
        return {
            "identity": "mbr",
            "disk_signature": f"{signature:08X}",
            "partition_offset": offset,
        }
    if len(data) == 24 and data.startswith(b"DMIO:ID:"):
        return {"identity": "gpt", "partition_guid": str(UUID(bytes_le=data[8:]))}
    path = utf16(data).rstrip("\0")
    if not path.startswith(("\\??\\", "_??_", "\\\\?\\")):
        return {"identity": "other"}
    parts = path[4:].split("#")
    instance = "\\".join(parts[:3]) if len(parts) >= 3 else None
    return {
        "identity": "device",
        "device_path": path,
        "device_instance": instance,
        "is_virtual_dvd": "ven_msft&prod_virtual_dvd-rom" in path.lower(),
        "image_slot": image_slot(parts[2]) if len(parts) >= 3 else None,
    }
