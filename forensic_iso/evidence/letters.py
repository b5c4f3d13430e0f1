"""Drive letters of the volumes of an image, as the registry of the Windows on it says."""

import io
from typing import BinaryIO, cast

from parsers.hives.regf import Hive, HiveError, open_hive
from parsers.volumes import Listed, Volume, VolumeRefused

_CONFIG = "\\Windows\\System32\\config\\"
_LOGS = (".LOG1", ".LOG2")
_GPT_MARK = b"DMIO:ID:"
MAX_HIVE = 512 << 20


def mounted_letters(system: Volume) -> dict[bytes, str]:
    r"""Letters by the identity of a partition (`Partition.identity`), by `MountedDevices` of a system volume."""
    hive = _hive(system, "SYSTEM")
    key = hive.find("MountedDevices") if hive is not None else None
    found: dict[bytes, str] = {}
    for value in key.values() if key is not None else ():
        name = value.name.upper()
        if not name.startswith("\\DOSDEVICES\\") or len(name) != 14:
            continue
        data = value.data
        identity = data[len(_GPT_MARK) :] if data.startswith(_GPT_MARK) else data
        if len(identity) in (12, 16):
            found.setdefault(identity, name[12])
    return found


def system_letter(system: Volume) -> str | None:
    """The letter that Windows on this volume calls it by: of its `SystemRoot`."""
    hive = _hive(system, "SOFTWARE")
    key = hive.find("Microsoft\\Windows NT\\CurrentVersion") if hive is not None else None
    value = key.value("SystemRoot") if key is not None else None
    root = value.text() if value is not None else None
    return root[0].upper() if root and root[1:3] == ":\\" and root[0].isalpha() else None


def letter_of(listed: Listed, letters: dict[bytes, str]) -> str | None:
    """The letter of a volume by its partition."""
    return letters.get(listed.partition.identity) if listed.partition is not None else None


def _hive(system: Volume, name: str) -> Hive | None:
    data = _bytes(system, _CONFIG + name)
    if data is None:
        return None
    logs = [log for log in (_bytes(system, _CONFIG + name + end) for end in _LOGS) if log]
    try:
        return open_hive(data, logs)
    except HiveError:
        return None


def _bytes(system: Volume, path: str) -> BinaryIO | None:
    node = system.stat(path)
    if node is None or not 0 < node.size <= MAX_HIVE:
        return None
    try:
        with system.open(node) as stream:
            return cast(BinaryIO, io.BytesIO(stream.read(node.size)))
    except (VolumeRefused, OSError):
        return None
