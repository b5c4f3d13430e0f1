"""What the SOFTWARE hive remembers of volumes: labels by letter, ReadyBoost tests, portable devices."""

import re
from collections.abc import Iterator

from parsers.hives.regf import Hive
from parsers.hives.rows import Row, number, provenance, text
from parsers.hives.software_tables import PORTABLE_DEVICE, READYBOOST_VOLUME, VOLUME_INFO

MAX_ROWS = 50_000
DRIVE_TYPES = {2: "removable", 3: "fixed", 4: "remote", 5: "cdrom", 6: "ramdisk"}
_TESTED = re.compile(r"(?P<device>.*[#}])?(?P<label>[^#}]*)_(?P<serial>\d{1,10})")


def volume_info(hive: Hive) -> Iterator[Row]:
    """One row per letter."""
    top = hive.find(r"Microsoft\Windows Search\VolumeInfoCache")
    for key in (top.subkeys() if top is not None else [])[:MAX_ROWS]:
        kind = number(key, "DriveType")
        yield (
            VOLUME_INFO,
            {
                **provenance(key),
                "letter": key.name.upper(),
                "label": text(key, "VolumeLabel"),
                "drive_type": None if kind is None else DRIVE_TYPES.get(kind, str(kind)),
            },
        )


def readyboost(hive: Hive) -> Iterator[Row]:
    """One row per tested volume; the key's name ends with label and serial in decimal."""
    top = hive.find(r"Microsoft\Windows NT\CurrentVersion\EMDMgmt")
    for key in (top.subkeys() if top is not None else [])[:MAX_ROWS]:
        found = _TESTED.fullmatch(key.name)
        if found is None or int(found["serial"]) > 0xFFFFFFFF:
            continue
        serial = f"{int(found['serial']):08X}"
        tested = key.value("LastTestedTime")
        yield (
            READYBOOST_VOLUME,
            {
                **provenance(key),
                "device": found["device"],
                "last_tested_utc": tested.filetime_ns() if tested is not None else None,
                "label": found["label"] or None,
                "volume_serial": f"{serial[:4]}-{serial[4:]}",
            },
        )


def portable_devices(hive: Hive) -> Iterator[Row]:
    """One row per portable device."""
    top = hive.find(r"Microsoft\Windows Portable Devices\Devices")
    for key in (top.subkeys() if top is not None else [])[:MAX_ROWS]:
        yield (
            PORTABLE_DEVICE,
            {
                **provenance(key),
                "device": key.name,
                "friendly_name": text(key, "FriendlyName"),
            },
        )
