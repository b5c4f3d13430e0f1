r"""Storage devices under `Enum\SCSI`, `Enum\IDE` and `Enum\USBSTOR`, with their install, arrival and removal times.

Source of the property numbers: DEVPKEY_Device_InstallDate (0064), FirstInstallDate (0065), LastArrivalDate (0066) and
LastRemovalDate (0067) of `{83da6326-97a6-4088-9453-a1923f573b29}`, FILETIME.
"""

import re
from collections.abc import Iterator

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.control_sets import ControlSet, control_sets
from parsers.hives.keys import Key
from parsers.hives.mounted import image_slot
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance, recoverable, text

TIMES = r"Properties\{83da6326-97a6-4088-9453-a1923f573b29}"
_COLUMNS = (
    Column("device_id", Sql.TEXT, r"Device as in Enum: bus\device\instance"),
    Column("install_utc", Sql.TIME, "Driver installed for this instance, UTC (property 0064)"),
    Column("first_install_utc", Sql.TIME, "First installed on this system, UTC (0065)"),
    Column("last_arrival_utc", Sql.TIME, "Last arrival: attach, or start of Windows with it attached, UTC (0066)"),
    Column("last_removal_utc", Sql.TIME, "Last removal, UTC (0067); before the arrival or NULL: attached at the end"),
    Column("device_class", Sql.TEXT, "CdRom or Disk, from the device's name"),
    Column("vendor", Sql.TEXT, "Vendor from the device's name"),
    Column("product", Sql.TEXT, "Product from the device's name"),
    Column("revision", Sql.TEXT, "Revision from the device's name"),
    Column("instance_id", Sql.TEXT, "Instance; of USB storage the serial number, with & as its second character a made-up one"),
    Column("friendly_name", Sql.TEXT, "Name as shown to the user"),
    Column("service", Sql.TEXT, "Driver service (cdrom, disk)"),
    Column("hardware_id", Sql.TEXT, "First hardware id"),
    Column("container_id", Sql.TEXT, "Container GUID, as stored"),
    Column("is_virtual_dvd", Sql.BOOL, "Named Msft Virtual DVD-ROM: an attached ISO/IMG, or a Hyper-V guest's own drive"),
    Column("is_virtual_disk", Sql.BOOL, "Named Msft Virtual Disk: an attached VHD(X), or a Hyper-V guest's own disk"),
    Column("image_slot", Sql.I32, "Slot of attached images (instance 2&1f4adffe&0&00000N), used again by later ones; NULL: no such instance"),
    Column("control_set", Sql.TEXT, "Control set the key stands in"),
    Column("current", Sql.BOOL, "That control set was the one in use"),
    *PROVENANCE,
)  # fmt: skip


def _moments(word: str) -> tuple[Moment, ...]:
    name = "coalesce(friendly_name, device_id)"
    slot = "CASE WHEN image_slot IS NOT NULL THEN 'image slot ' || image_slot END"
    return tuple(
        Moment(column, f"{word}_{kind}", f"concat_ws(' ', {name}, '{said}', {slot})", "current")
        for column, kind, said in (
            ("first_install_utc", "first_install", "first installed"),
            ("install_utc", "install", "installed"),
            ("last_arrival_utc", "arrival", "last arrival"),
            ("last_removal_utc", "removal", "last removal"),
        )
    )


SCSI_DEVICE = recoverable(
    Table(
        "scsi_device",
        "Disks and optical drives of SCSI and IDE buses, attached images among them: times are per slot, not per image",
        _COLUMNS,
        address="offset",
        time="last_arrival_utc",
        moments=_moments("scsi_device"),
    )
)
USB_STORAGE_DEVICE = recoverable(
    Table(
        "usb_storage_device",
        "USB mass storage devices that were attached",
        _COLUMNS,
        address="offset",
        time="last_arrival_utc",
        moments=_moments("usb_storage"),
    )
)
MAX_DEVICES = 50_000
_PART = re.compile(r"(Ven|Prod|Rev)_", re.IGNORECASE)


def devices(hive: Hive) -> Iterator[Row]:
    """Rows of all control sets and buses."""
    for control_set in control_sets(hive):
        for bus, table in (
            ("SCSI", SCSI_DEVICE),
            ("IDE", SCSI_DEVICE),
            ("USBSTOR", USB_STORAGE_DEVICE),
        ):
            for count, (device, instance) in enumerate(_instances(control_set, bus)):
                if count >= MAX_DEVICES:
                    break
                yield table, _row(control_set, bus, device, instance)


def _instances(control_set: ControlSet, bus: str) -> Iterator[tuple[Key, Key]]:
    top = control_set.key.find(rf"Enum\{bus}")
    for device in top.subkeys() if top is not None else ():
        for instance in device.subkeys():
            yield device, instance


def _row(control_set: ControlSet, bus: str, device: Key, instance: Key) -> dict[str, object]:
    kind, vendor, product, revision = _name_parts(device.name)
    lower = device.name.lower()
    hardware = instance.value("HardwareID")
    ids = hardware.strings() if hardware is not None else []
    return {
        **provenance(instance),
        "device_id": f"{bus}\\{device.name}\\{instance.name}",
        "install_utc": property_time(instance, "0064"),
        "first_install_utc": property_time(instance, "0065"),
        "last_arrival_utc": property_time(instance, "0066"),
        "last_removal_utc": property_time(instance, "0067"),
        "device_class": kind,
        "vendor": vendor,
        "product": product,
        "revision": revision,
        "instance_id": instance.name,
        "friendly_name": text(instance, "FriendlyName"),
        "service": text(instance, "Service"),
        "hardware_id": ids[0] if ids else None,
        "container_id": text(instance, "ContainerID"),
        "is_virtual_dvd": "ven_msft&prod_virtual_dvd-rom" in lower,
        "is_virtual_disk": "ven_msft&prod_virtual_disk" in lower,
        "image_slot": image_slot(instance.name),
        "control_set": control_set.key.name,
        "current": control_set.current,
    }


def property_time(instance: Key, number: str) -> int | None:
    """A property's time: the default value of its key, or of the key `00000000` below (Windows 7)."""
    key = instance.find(rf"{TIMES}\{number}") or instance.find(rf"{TIMES}\0000{number}\00000000")
    value = None
    if key is not None:
        value = key.value("") or key.value("Data")
    return None if value is None else value.filetime_ns()


def _name_parts(name: str) -> tuple[str | None, str | None, str | None, str | None]:
    """Class, vendor, product, revision of `CdRom&Ven_Msft&Prod_Virtual_DVD-ROM&Rev_1.0`."""
    found: dict[str, str] = {}
    first = name.split("&", 1)[0]
    for part in name.split("&")[1:]:
        if match := _PART.match(part):
            found[match[1].lower()] = part[match.end() :]
    kind = next(
        (k for k in ("CdRom", "Disk", "Sfloppy") if first.lower().startswith(k.lower())), first
    )
    return kind or None, found.get("ven"), found.get("prod"), found.get("rev")
