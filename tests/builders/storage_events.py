"""Events of the storage stack: virtual disks (VHDMP) and disks (Partition/Diagnostic 1006).

Shapes: Windows 10 2004 and later; order of the events of a double click and of an eject as Windows
logs them.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.builders.evtx_values import Value, boolean, guid, hex64, u16, u32, u64
from tests.builders.host import NO_GUID, PARTITION, SYSTEM_SID, VHDMP, Host, Process

StorageFields = list[tuple[str, Value | str]]
MS = timedelta(milliseconds=1)
ATTACH_AND_READ = 0xD0000
GET_INFO = 0x80000
TYPE_ISO = 3
READ_DESIRED = 0x120089
OPENING, CLOSING_HANDLE, FILE_OPEN, FILE_CLOSE, SURFACE, UNSURFACE, CLEANUP = (
    1201,
    1202,
    1203,
    1204,
    1205,
    1206,
    1207,
)


@dataclass(frozen=True, slots=True)
class Mounted:
    """A mounted image, as needed to unmount it."""

    path: str
    disk: int
    disk_object: int
    handle: int
    by: Process


def _pointer(seed: str) -> int:
    digest = hashlib.sha256(seed.encode()).digest()
    return 0xFFFF800000000000 | int.from_bytes(digest[:6], "big") & 0x7FFFFFFFFFF0


def _emit(
    host: Host,
    when: datetime,
    by: Process,
    event_id: int,
    task: int,
    opcode: int,
    fields: StorageFields,
    kernel: bool = False,
) -> None:
    host.emit(
        when,
        VHDMP,
        event_id,
        fields,
        pid=4 if kernel else by.pid,
        user_sid=SYSTEM_SID if kernel else by.user.sid,
        task=task,
        opcode=opcode,
        keywords=0x8000000000000000 | bool(task),
    )


def _opened(
    path: str, mask: int, info_only: bool, handle: int, disk_object: int, file: int
) -> StorageFields:
    return [
        ("Status", u32(0)),
        ("VhdFile", f"\\\\?\\{path}"),
        ("VmId", guid(NO_GUID)),
        ("VhdType", u32(TYPE_ISO)),
        ("Version", u32(2 if info_only else 1)),
        ("Flags", u32(0)),
        ("AccessMask", u32(mask)),
        ("WriteDepth", u32(0)),
        ("GetInfoOnly", boolean(info_only)),
        ("ReadOnly", boolean(info_only)),
        ("HandleContext", hex64(handle)),
        ("VirtualDisk", hex64(disk_object)),
        ("FileObject", hex64(file)),
    ]


def open_for_information(host: Host, when: datetime, by: Process, path: str) -> None:
    """A handle for information only: 12, 14, 16 and no mount."""
    handle, disk_object, file = (
        _pointer(f"{part}{when}{path}") for part in ("handle", "disk", "file")
    )
    _emit(host, when, by, 12, OPENING, 2, _opened(path, GET_INFO, True, handle, disk_object, file))
    closing: StorageFields = [
        ("HandleContext", hex64(handle)),
        ("VirtualDisk", hex64(disk_object)),
    ]
    _emit(host, when + 8 * MS, by, 14, CLOSING_HANDLE, 2, closing)
    _emit(host, when + 11 * MS, by, 16, 0, 0, closing[1:])


def mount(host: Host, when: datetime, by: Process, path: str, disk: int) -> Mounted:
    """A double click: 21, 22, 23, 15, 12 (at `when`), 25, 1. `disk`: n of the device CdRomn."""
    handle, disk_object, file = (
        _pointer(f"{part}{when}{path}") for part in ("handle", "disk", "file")
    )
    long = f"\\\\?\\{path}"
    pointer: StorageFields = [("VirtualDisk", hex64(disk_object))]
    _emit(host, when - 12 * MS, by, 21, OPENING, 1, [("FileObject", hex64(file))])
    _emit(
        host,
        when - 10 * MS,
        by,
        22,
        FILE_OPEN,
        1,
        [("VhdFileName", long), ("DesiredAccess", u32(READ_DESIRED))],
    )
    _emit(host, when - 8 * MS, by, 23, FILE_OPEN, 2, [("VhdFileName", long), ("Status", u32(0))])
    _emit(host, when - 4 * MS, by, 15, 0, 0, pointer)
    _emit(
        host,
        when,
        by,
        12,
        OPENING,
        2,
        _opened(path, ATTACH_AND_READ, False, handle, disk_object, file),
    )
    _emit(host, when + 19 * MS, by, 25, SURFACE, 1, [("VhdFileName", path), *pointer])
    surfaced: StorageFields = [("VhdFileName", path), ("VhdDiskNumber", u32(disk)), *pointer]
    _emit(host, when + 264 * MS, by, 1, SURFACE, 2, surfaced, kernel=True)
    return Mounted(path, disk, disk_object, handle, by)


def unmount(host: Host, when: datetime, image: Mounted) -> None:
    """An eject: 26, 2 (at `when`), 14, 31, 32, 27, 28, 16."""
    long, by = f"\\\\?\\{image.path}", image.by
    pointer: StorageFields = [("VirtualDisk", hex64(image.disk_object))]
    gone: StorageFields = [
        ("VhdFileName", image.path),
        ("VhdDiskNumber", u32(image.disk)),
        *pointer,
    ]
    _emit(host, when - 58 * MS, by, 26, UNSURFACE, 1, pointer)
    _emit(host, when, by, 2, UNSURFACE, 2, gone)
    _emit(
        host,
        when + 9 * MS,
        by,
        14,
        CLOSING_HANDLE,
        2,
        [("HandleContext", hex64(image.handle)), *pointer],
    )
    _emit(host, when + 13 * MS, by, 31, CLEANUP, 1, [("VhdFileName", long)])
    _emit(host, when + 15 * MS, by, 32, CLEANUP, 2, [("VhdFileName", long)])
    _emit(
        host,
        when + 17 * MS,
        by,
        27,
        FILE_CLOSE,
        1,
        [("VhdFileName", long), ("DesiredAccess", u32(READ_DESIRED))],
    )
    _emit(host, when + 19 * MS, by, 28, FILE_CLOSE, 2, [("VhdFileName", long), ("Status", u32(0))])
    _emit(host, when + 22 * MS, by, 16, 0, 0, pointer)


@dataclass(frozen=True, slots=True)
class Disk:
    """What Partition/Diagnostic says of a disk."""

    number: int
    bus: int
    capacity: int
    manufacturer: str
    model: str
    serial: str
    location: str
    parent: str
    system: bool = False
    style: int = 1


def partition_event(host: Host, when: datetime, disk: Disk, removed: bool = False) -> None:
    """1006 of event version 0 (record version 3): the disk arrived, or left (capacity 0)."""

    def ident(part: str) -> Value:
        return guid(
            str(uuid.UUID(bytes=hashlib.sha256(f"{part}{disk.serial}".encode()).digest()[:16]))
        )

    empty = b""
    flag = boolean
    lead: list[tuple[str, object]] = [
        ("Version", 3),
        ("DiskNumber", disk.number),
        ("Flags", 8208),
        ("Characteristics", 256 if disk.system else 257),
        ("IsSystemCritical", disk.system),
        ("PagingCount", u32(disk.system)),
        ("HibernationCount", 0),
        ("DumpCount", 0),
        ("BytesPerSector", 512),
        ("Capacity", u64(0 if removed else disk.capacity)),
        ("BusType", disk.bus),
        ("Manufacturer", disk.manufacturer),
        ("Model", disk.model),
        ("Revision", "1.00"),
        ("SerialNumber", disk.serial),
        ("Location", disk.location),
        ("ParentId", disk.parent),
        ("IoctlSupport", 59903),
        ("IdFlags", 4),
        ("DiskId", ident("disk")),
        ("AdapterId", ident("adapter")),
        ("RegistryId", ident("registry")),
        ("PoolId", guid(NO_GUID)),
        ("FirmwareSupportsUpgrade", False),
        ("FirmwareSlotCount", 0),
        ("StorageIdCount", 0),
        ("StorageIdCodeSet", 0),
        ("StorageIdType", 0),
        ("StorageIdAssociation", 0),
        ("StorageIdBytes", 0),
        ("StorageId", empty),
    ]
    cache: list[tuple[str, object]] = [
        ("WriteCacheType", 2),
        ("WriteCacheEnabled", 2),
        ("WriteCacheChangeable", 2),
        ("WriteThroughSupported", 1),
        ("FlushCacheSupported", True),
        ("IsPowerProtected", False),
        ("NVCacheEnabled", False),
        ("BytesPerLogicalSector", 512),
        ("BytesPerPhysicalSector", 4096),
        ("BytesOffsetForSectorAlignment", 0),
        ("IncursSeekPenalty", False),
        ("IsTrimSupported", disk.system),
        ("IsThinProvisioned", False),
        ("OptimalUnmapGranularity", u64(0)),
        ("UnmapAlignment", u64(0)),
        ("NumberOfLogicalCopies", 0),
        ("NumberOfPhysicalCopies", 0),
        ("FaultTolerance", 0),
        ("NumberOfColumns", 0),
        ("InterleaveBytes", 0),
        ("HybridSupported", False),
        ("HybridCacheBytes", u64(0)),
        ("AdapterMaximumTransferBytes", 131072),
        ("AdapterMaximumTransferPages", 33),
        ("AdapterAlignmentMask", 1),
        ("AdapterSerialNumber", "NULL"),
        ("PortDriver", u16(1)),
        ("UserRemovalPolicy", flag(not disk.system)),
    ]
    table: list[tuple[str, object]] = [
        ("PartitionStyle", disk.style),
        ("PartitionCount", 0 if removed else 1),
        ("PartitionTableBytes", 0),
        ("PartitionTable", empty),
        ("MbrBytes", 0),
        ("Mbr", empty),
        ("Vbr0Bytes", 0),
        ("Vbr0", empty),
        ("Vbr1Bytes", 0),
        ("Vbr1", empty),
        ("Vbr2Bytes", 0),
        ("Vbr2", empty),
        ("Vbr3Size", 0),
        ("Vbr3", empty),
    ]
    host.emit(when, PARTITION, 1006, [*lead, *cache, *table], user_sid=SYSTEM_SID)
