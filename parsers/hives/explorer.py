r"""What Explorer keeps in a user's hive beside lists: volumes it saw (MountPoints2) and programs started (UserAssist).

Source of the layouts: published analyses; samples of Windows 7 and 10.
"""

import codecs
import re
from collections.abc import Iterator
from uuid import UUID

from parsers.hives.keys import Key
from parsers.hives.regf import Hive
from parsers.hives.rows import Row, provenance, text
from parsers.hives.user_lists import EXPLORER
from parsers.hives.user_tables import MOUNT_POINT, USER_ASSIST
from parsers.hives.values import Value
from parsers.rows import epoch_ns

GREGORIAN_1582 = 0x01B21DD213814000
"""1970 in the 100 ns of version 1 GUIDs, which count from 15 October 1582."""
_GUID = re.compile(r"\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}", re.IGNORECASE)
_LISTS = {
    "{cebff5cd-ace2-4f4f-9178-9926f41749ea}": "programs",
    "{f4e57c4b-2036-45f0-a9ab-443bcfe33d9f}": "shortcuts",
}
_FOLDERS = {
    "{1ac14e77-02e7-4e5d-b744-2eb1ae5198b7}": r"%SystemRoot%\System32",
    "{d65231b0-b2f1-4857-a4ce-a8e7c6ea7d27}": r"%SystemRoot%\SysWOW64",
    "{f38bf404-1d43-42f2-9305-67de0b28fc23}": "%SystemRoot%",
    "{6d809377-6af0-444b-8957-a3773f02200e}": "%ProgramW6432%",
    "{7c5a40ef-a0fb-4bfc-874a-c0f2e0b9fa8e}": "%ProgramFiles(x86)%",
    "{905e63b6-c1bf-494e-b29c-65b732d3d21a}": "%ProgramFiles%",
    "{0139d44e-6afe-49f2-8690-3dafcae6ffb8}": r"%ProgramData%\Microsoft\Windows\Start Menu\Programs",
    "{a77f5d77-2e2b-44c3-a6a2-aba601054a51}": r"%AppData%\Microsoft\Windows\Start Menu\Programs",
    "{9e3995ab-1f9c-4f13-b827-48b24b6c7174}": (
        r"%AppData%\Microsoft\Internet Explorer\Quick Launch\User Pinned"
    ),
    "{374de290-123f-4565-9164-39c4925e467b}": r"%UserProfile%\Downloads",
    "{b4bfcc3a-db2c-424c-b029-7fe99a87c641}": r"%UserProfile%\Desktop",
    "{fdd39ad0-238f-46af-adb4-6c85480369c7}": r"%UserProfile%\Documents",
}
"""Known folders; a user may have moved the last three."""


def mount_points(hive: Hive) -> Iterator[Row]:
    """One row per key of MountPoints2, and per volume in its older cache `CPC`."""
    top = hive.find(rf"{EXPLORER}\MountPoints2")
    cache = hive.find(rf"{EXPLORER}\MountPoints2\CPC\Volume")
    for above in (top, cache):
        for key in above.subkeys() if above is not None else ():
            if key.name.upper() != "CPC":
                yield MOUNT_POINT, {**provenance(key), "name": key.name, **_mounted(key)}


def _mounted(key: Key) -> dict[str, object]:
    name, label = key.name, text(key, "_LabelFromReg")
    if name.startswith("##"):
        return {"kind": "share", "share": name.replace("#", "\\"), "label": label}
    if re.fullmatch("[A-Za-z]:?", name):
        return {"kind": "letter", "letter": f"{name[0].upper()}:", "label": label}
    if _GUID.fullmatch(name):
        return {
            "kind": "volume",
            "volume_guid": name[1:-1].lower(),
            "label": label,
            **_inside(UUID(name)),
        }
    return {"kind": "other", "label": label}  # fmt: skip


def _inside(guid: UUID) -> dict[str, object]:
    """What a volume's GUID itself says: the time it was made, or disk signature and partition offset."""
    if guid.version == 1:
        return {"guid_time_utc": epoch_ns(guid.time, 100, GREGORIAN_1582)}
    raw = guid.bytes_le
    if raw[:4] != bytes(4) and raw[4:8] == bytes(4):
        return {
            "disk_signature": f"{guid.time_low:08X}",
            "partition_offset": int.from_bytes(raw[8:], "little"),
        }
    return {}


def user_assist(hive: Hive) -> Iterator[Row]:
    """One row per value of each list's `Count`."""
    top = hive.find(rf"{EXPLORER}\UserAssist")
    for listed in top.subkeys() if top is not None else ():
        key = listed.find("Count")
        for value in key.values() if key is not None else ():
            if key is None:
                continue
            path = codecs.decode(value.name, "rot13")
            yield (
                USER_ASSIST,
                {
                    **provenance(key, value),
                    "path": path,
                    "resolved_path": _resolved(path),
                    "list": _LISTS.get(listed.name.lower(), listed.name),
                    "value_name": value.name,
                    **_counts(value, path),
                },
            )


def _resolved(path: str) -> str | None:
    guid, _, rest = path.partition("\\")
    folder = _FOLDERS.get(guid.lower())
    return None if folder is None else f"{folder}\\{rest}"


def _counts(value: Value, path: str) -> dict[str, object]:
    """Counts and time: 72 bytes since Windows 7, 16 bytes before; `UEME_` entries count sessions, not programs."""
    data = value.data
    if len(data) == 72:
        return {
            "run_count": int.from_bytes(data[4:8], "little"),
            "focus_count": int.from_bytes(data[8:12], "little"),
            "focus_ms": int.from_bytes(data[12:16], "little"),
            "last_run_utc": value.time(data[60:68]),
        }
    if len(data) == 16:
        return {
            "run_count": max(int.from_bytes(data[4:8], "little") - 5, 0),
            "last_run_utc": value.time(data[8:16]),
        }
    if not path.startswith("UEME_"):
        value.problem(
            "user_assist_form",
            "72 or 16 bytes",
            f"{len(data)} bytes",
            "no counts and no time given",
        )
    return {}
