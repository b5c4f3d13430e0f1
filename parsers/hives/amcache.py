r"""Amcache.hve: the application inventory of files, programs, drivers and devices.

Two formats: `Root\Inventory...` (Windows 10 1607 and later) and `Root\File` (earlier), where values bear numbers as
names. Source of the layouts: published analyses of the hive.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from parsers.contract import Artifact, Batch, Problem
from parsers.hives.amcache_tables import (
    AMCACHE_DEVICE,
    AMCACHE_DRIVER,
    AMCACHE_FILE,
    AMCACHE_PROGRAM,
)
from parsers.hives.keys import Key
from parsers.hives.regf import Hive
from parsers.hives.rows import BESIDE as BESIDE
from parsers.hives.rows import Row, is_hive, number, provenance, read_hive, text

KIND = "amcache"
VERSION = 1
LABEL = "Amcache"
TABLES = (AMCACHE_FILE, AMCACHE_PROGRAM, AMCACHE_DRIVER, AMCACHE_DEVICE)
NS = 1_000_000_000
_SHA1 = re.compile(r"0000([0-9a-f]{40})", re.IGNORECASE)
_DATE = re.compile(r"(\d{2})[/-](\d{2})[/-](\d{4})(?: (\d{2}):(\d{2}):(\d{2}))?")


def recognise(name: str, head: bytes) -> bool:
    """A hive by the name Amcache.hve, its own or the one inside."""
    return is_hive(name, head, "Amcache.hve", r"\amcache.hve")


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """All tables."""
    yield from read_hive(artifact, (files, old_files, programs, drivers, devices))


def files(hive: Hive) -> Iterator[Row]:
    """Entries of `InventoryApplicationFile`."""
    for key in _entries(hive, "InventoryApplicationFile"):
        yield (
            AMCACHE_FILE,
            {
                **provenance(key),
                "path": text(key, "LowerCaseLongPath"),
                "sha1": sha1(text(key, "FileId")),
                "link_date_utc": _date_ns(key, "LinkDate"),
                "name": text(key, "Name"),
                "original_name": text(key, "OriginalFileName"),
                "size_bytes": _size(key, "Size"),
                "publisher": text(key, "Publisher"),
                "product_name": text(key, "ProductName"),
                "product_version": text(key, "ProductVersion"),
                "file_version": text(key, "Version"),
                "binary_type": text(key, "BinaryType"),
                "program_id": text(key, "ProgramId"),
                "usn": number(key, "Usn"),
            },
        )


def old_files(hive: Hive) -> Iterator[Row]:
    r"""Entries of `Root\File\{volume}\reference`."""
    top = hive.find(r"Root\File")
    for volume in top.subkeys() if top is not None else ():
        for key in volume.subkeys():
            path = text(key, "15")
            yield (
                AMCACHE_FILE,
                {
                    **provenance(key),
                    "path": path,
                    "sha1": sha1(text(key, "101")),
                    "file_modified_utc": _filetime(key, "17") or _filetime(key, "11"),
                    "file_created_utc": _filetime(key, "12"),
                    "link_date_utc": _unix(key, "f"),
                    "name": path.rpartition("\\")[2] if path else None,
                    "size_bytes": _size(key, "6"),
                    "publisher": text(key, "1"),
                    "product_name": text(key, "0"),
                    "file_version": text(key, "5"),
                    "program_id": text(key, "100"),
                    "volume_guid": volume.name.strip("{}").lower(),
                    "file_reference": key.name,
                },
            )


def programs(hive: Hive) -> Iterator[Row]:
    """Entries of `InventoryApplication`."""
    for key in _entries(hive, "InventoryApplication"):
        yield (
            AMCACHE_PROGRAM,
            {
                **provenance(key),
                "name": text(key, "Name"),
                "install_date": _local(key, "InstallDate"),
                "version": text(key, "Version"),
                "publisher": text(key, "Publisher"),
                "source": text(key, "Source"),
                "root_dir": text(key, "RootDirPath"),
                "uninstall": text(key, "UninstallString"),
                "program_id": text(key, "ProgramId") or key.name,
            },
        )


def drivers(hive: Hive) -> Iterator[Row]:
    """Entries of `InventoryDriverBinary`."""
    for key in _entries(hive, "InventoryDriverBinary"):
        yield (
            AMCACHE_DRIVER,
            {
                **provenance(key),
                "path": key.name.replace("/", "\\"),
                "sha1": sha1(text(key, "DriverId")),
                "link_date_utc": _unix(key, "DriverTimeStamp"),
                "name": text(key, "DriverName"),
                "service": text(key, "Service"),
                "company": text(key, "DriverCompany"),
                "product": text(key, "Product"),
                "version": text(key, "DriverVersion"),
                "signed": _flag(key, "DriverSigned"),
                "in_box": _flag(key, "DriverInBox"),
            },
        )


def devices(hive: Hive) -> Iterator[Row]:
    """Entries of `InventoryDevicePnp`."""
    for key in _entries(hive, "InventoryDevicePnp"):
        yield (
            AMCACHE_DEVICE,
            {
                **provenance(key),
                "device_id": key.name.replace("/", "\\").lower(),
                "install_date": _day(key, "InstallDate"),
                "first_install_date": _day(key, "FirstInstallDate"),
                "description": text(key, "Description"),
                "model": text(key, "Model"),
                "manufacturer": text(key, "Manufacturer"),
                "device_class": text(key, "Class"),
                "hardware_ids": text(key, "HWID"),
                "container_id": text(key, "ContainerId"),
                "parent_id": text(key, "ParentId"),
            },
        )


def sha1(identity: str | None) -> str | None:
    """The SHA-1 in a file id: 40 hex digits after four zeros; None for anything else."""
    found = _SHA1.fullmatch(identity or "")
    return found[1].upper() if found else None


def _entries(hive: Hive, inventory: str) -> list[Key]:
    top = hive.find(rf"Root\{inventory}")
    return top.subkeys() if top is not None else []


def _date(key: Key, name: str) -> datetime | None:
    """`MM/DD/YYYY HH:MM:SS` or `MM-DD-YYYY`; what is no date gives a problem."""
    value = key.value(name)
    shown = value.text() if value is not None else None
    if value is None or not shown:
        return None
    found = _DATE.fullmatch(shown)
    try:
        if found is None or not 1678 <= int(found[3]) < 2262:
            raise ValueError
        month, day, year, hour, minute, second = (int(part or 0) for part in found.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        value.problem("amcache_date", "MM/DD/YYYY HH:MM:SS", shown[:40], "no date given")
        return None


def _date_ns(key: Key, name: str) -> int | None:
    date = _date(key, name)
    return None if date is None else int(date.timestamp()) * NS


def _day(key: Key, name: str) -> str | None:
    date = _date(key, name)
    return None if date is None else date.date().isoformat()


def _local(key: Key, name: str) -> str | None:
    date = _date(key, name)
    return None if date is None else date.strftime("%Y-%m-%d %H:%M:%S")


def _unix(key: Key, name: str) -> int | None:
    seconds = number(key, name)
    return seconds * NS if seconds and seconds < 1 << 33 else None


def _filetime(key: Key, name: str) -> int | None:
    value = key.value(name)
    return None if value is None else value.filetime_ns()


def _size(key: Key, name: str) -> int | None:
    """A size: a number, or in early formats its text in hex."""
    size = number(key, name)
    if size is not None:
        return size
    shown = text(key, name)
    if shown and re.fullmatch(r"0x[0-9a-fA-F]{1,16}", shown):
        return int(shown, 16)
    return None


def _flag(key: Key, name: str) -> bool | None:
    value = number(key, name)
    if value is None:
        return {"1": True, "0": False}.get(text(key, name) or "")
    return bool(value)
