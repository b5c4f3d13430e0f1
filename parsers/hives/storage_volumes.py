r"""Volumes under `Enum\STORAGE\Volume`: when partitions of disks, attached VHD(X) among them, came and went.

The instance names the disk by a GUID and the partition's offset in hex, of USB storage the device itself. Times as in
`devices`. Optical drives, so ISO and IMG, have no such volume.
"""

import re
from collections.abc import Iterator

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.control_sets import control_sets
from parsers.hives.devices import property_time
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance, recoverable, text

STORAGE_VOLUME = recoverable(
    Table(
        "storage_volume",
        "Volumes of disks as Plug and Play knew them: partitions of attached VHD(X) and of USB storage among them",
        (
            Column("device_id", Sql.TEXT, r"Volume as in Enum: STORAGE\Volume\instance"),
            Column("install_utc", Sql.TIME, "Driver installed for this volume, UTC (property 0064)"),
            Column("first_install_utc", Sql.TIME, "First installed on this system, UTC (0065)"),
            Column("last_arrival_utc", Sql.TIME, "Last arrival: attach, or start of Windows with it attached, UTC (0066)"),
            Column("last_removal_utc", Sql.TIME, "Last removal, UTC (0067); before the arrival or NULL: attached at the end"),
            Column("disk_guid", Sql.TEXT, "GUID that the instance names the disk by, lower case, without braces"),
            Column("partition_offset", Sql.U64, "Byte offset of the partition on the disk, from the instance"),
            Column("device_path", Sql.TEXT, "Device in the instance (_??_USBSTOR#...); NULL: it names a disk"),
            Column("friendly_name", Sql.TEXT, "Name as shown to the user"),
            Column("container_id", Sql.TEXT, "Container GUID, as stored"),
            Column("control_set", Sql.TEXT, "Control set the key stands in"),
            Column("current", Sql.BOOL, "That control set was the one in use"),
            *PROVENANCE,
        ),
        address="offset",
        time="last_arrival_utc",
        moments=(
            Moment("first_install_utc", "storage_volume_first_install", "concat_ws(' ', device_id, 'first installed')", "current"),
            Moment("last_arrival_utc", "storage_volume_arrival", "concat_ws(' ', device_id, 'last arrival')", "current"),
            Moment("last_removal_utc", "storage_volume_removal", "concat_ws(' ', device_id, 'last removal')", "current"),
        ),
    )
)  # fmt: skip

MAX_VOLUMES = 50_000
_INSTANCE = re.compile(r"\{([0-9a-f-]{36})\}#([0-9a-f]{1,16})", re.IGNORECASE)


def storage_volumes(hive: Hive) -> Iterator[Row]:
    """One row per volume and control set."""
    for control_set in control_sets(hive):
        top = control_set.key.find(r"Enum\STORAGE\Volume")
        for key in (top.subkeys() if top is not None else [])[:MAX_VOLUMES]:
            found = _INSTANCE.fullmatch(key.name)
            yield (
                STORAGE_VOLUME,
                {
                    **provenance(key),
                    "device_id": rf"STORAGE\Volume\{key.name}",
                    "install_utc": property_time(key, "0064"),
                    "first_install_utc": property_time(key, "0065"),
                    "last_arrival_utc": property_time(key, "0066"),
                    "last_removal_utc": property_time(key, "0067"),
                    "disk_guid": found[1].lower() if found else None,
                    "partition_offset": int(found[2], 16) if found else None,
                    "device_path": None if found else key.name,
                    "friendly_name": text(key, "FriendlyName"),
                    "container_id": text(key, "ContainerID"),
                    "control_set": control_set.key.name,
                    "current": control_set.current,
                },
            )
