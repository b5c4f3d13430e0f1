r"""What a user typed, mapped and started, and what archive programs and Windows itself remember of it.

Source of the layouts: published analyses; samples of Windows 7 and 10.
"""

import re
from collections.abc import Iterator

from parsers.hives.keys import Key
from parsers.hives.profiles import mru_entries, newest_time
from parsers.hives.regf import Hive
from parsers.hives.rows import Row, number, provenance, text
from parsers.hives.user_lists import EXPLORER
from parsers.hives.user_program_tables import (
    ARCHIVE_HISTORY,
    NETWORK_DRIVE,
    PROGRAM_TRACE,
    RECENT_APP,
    RUN_MRU,
    TYPED_PATH,
)
from parsers.hives.values import TEXTS, Value, utf16

_APPS = r"Software\Microsoft\Windows\CurrentVersion\Search\RecentApps"
_JUMPLIST_DATA = r"Software\Microsoft\Windows\CurrentVersion\Search\JumplistData"
_COMPAT = r"Software\Microsoft\Windows NT\CurrentVersion\AppCompatFlags"
_COMPAT_KEYS = (
    ("compat_store", rf"{_COMPAT}\Compatibility Assistant\Store"),
    ("compat_store", rf"{_COMPAT}\Compatibility Assistant\Persisted"),
    ("compat_layers", rf"{_COMPAT}\Layers"),
)
_FEATURES = {
    "AppLaunch": "app_launch",
    "AppSwitched": "app_switched",
    "ShowJumpView": "show_jump_view",
    "AppBadgeUpdated": "app_badge_updated",
    "TrayButtonClicked": "tray_button_clicked",
}
_WINRAR = (
    ("archive", r"Software\WinRAR\ArcHistory"),
    ("archive", r"Software\WinRAR\DialogEditHistory\ArcName"),
    ("extracted_to", r"Software\WinRAR\DialogEditHistory\ExtrPath"),
)
_7ZIP = (
    ("archive", r"Software\7-Zip\Compression", "ArcHistory"),
    ("extracted_to", r"Software\7-Zip\Extraction", "PathHistory"),
    ("folder", r"Software\7-Zip\FM", "FolderHistory"),
    ("folder", r"Software\7-Zip\FM", "CopyHistory"),
    ("panel", r"Software\7-Zip\FM", "PanelPath0"),
    ("panel", r"Software\7-Zip\FM", "PanelPath1"),
)
_MEDIA = re.compile(r"SIGN\.MEDIA=([0-9A-F]+) (.+)", re.IGNORECASE | re.DOTALL)
_TYPED = re.compile(r"url(\d{1,6})", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,6}")


def run_dialog(hive: Hive) -> Iterator[Row]:
    r"""Commands of the Run dialog; each ends with `\1`."""
    key = hive.find(rf"{EXPLORER}\RunMRU")
    for position, value in mru_entries(key) if key is not None else ():
        if key is not None:
            command = (value.text() or "").removesuffix("\\1")
            yield RUN_MRU, {**_listed(key, value, position), "command": command or None}


def typed_paths(hive: Hive) -> Iterator[Row]:
    """Paths of the address bar; `url1` is the newest."""
    key = hive.find(rf"{EXPLORER}\TypedPaths")
    for value in key.values() if key is not None else ():
        if key is not None:
            found = _TYPED.fullmatch(value.name)
            position = int(found[1]) - 1 if found and int(found[1]) else None
            yield TYPED_PATH, {**_listed(key, value, position), "path": value.text()}


def _listed(key: Key, value: Value, position: int | None) -> dict[str, object]:
    return {
        **provenance(key, value),
        "opened_utc": newest_time(key, position),
        "mru_position": position,
        "value_name": value.name,
    }


def recent_apps(hive: Hive) -> Iterator[Row]:
    """One row per program, and one per file opened with it."""
    top = hive.find(_APPS)
    for key in top.subkeys() if top is not None else ():
        app = {"app_id": text(key, "AppId"), "app_path": text(key, "AppPath")}
        count = number(key, "LaunchCount")
        yield (
            RECENT_APP,
            {**provenance(key), **app, "launch_count": count, "last_accessed_utc": _accessed(key)},
        )
        items = key.find("RecentItems")
        for item in items.subkeys() if items is not None else ():
            path = text(item, "Path") or text(item, "DisplayName")
            yield (
                RECENT_APP,
                {**provenance(item), **app, "item_path": path, "last_accessed_utc": _accessed(item)},
            )  # fmt: skip


def jumplist_data(hive: Hive) -> Iterator[Row]:
    r"""One row per program of `Search\JumplistData`: its name or path, and a FILETIME."""
    key = hive.find(_JUMPLIST_DATA)
    for value in key.values() if key is not None else ():
        if key is not None and len(value.data) == 8:
            row = {"app_id": value.name, "last_accessed_utc": value.filetime_ns()}
            yield RECENT_APP, {**provenance(key, value), **row}


def _accessed(key: Key) -> int | None:
    value = key.value("LastAccessedTime")
    return None if value is None else value.filetime_ns()


def network_drives(hive: Hive) -> Iterator[Row]:
    """Letters mapped to shares, and the list of the mapping dialog."""
    top = hive.find("Network")
    for key in top.subkeys() if top is not None else ():
        yield (
            NETWORK_DRIVE,
            {
                **provenance(key),
                "kind": "mapped",
                "letter": f"{key.name.upper()}:" if len(key.name) == 1 else key.name,
                "share": text(key, "RemotePath"),
                "user_name": text(key, "UserName"),
                "provider": text(key, "ProviderName"),
            },
        )
    entered = hive.find(rf"{EXPLORER}\Map Network Drive MRU")
    for position, value in mru_entries(entered) if entered is not None else ():
        if entered is not None:
            row = {"kind": "entered", "share": value.text(), "mru_position": position}
            yield NETWORK_DRIVE, {**provenance(entered, value), **row}


def archive_history(hive: Hive) -> Iterator[Row]:
    """Archives and folders of WinRAR (one value each, 0 the newest) and 7-Zip (lists in one value)."""
    for kind, path in _WINRAR:
        key = hive.find(path)
        for value in key.values() if key is not None else ():
            if key is not None and value.type in TEXTS:
                position = int(value.name) if _NUMBER.fullmatch(value.name) else None
                what = {"program": "winrar", "kind": kind, "path": value.text()}
                yield ARCHIVE_HISTORY, {**_listed(key, value, position), **what}
    for kind, path, name in _7ZIP:
        key = hive.find(path)
        found = key.value(name) if key is not None else None
        if key is None or found is None:
            continue
        for position, entry in enumerate(_texts(found)):
            # One key holds several lists: its last write dates none of them.
            what = {"program": "7-zip", "kind": kind, "path": entry, "opened_utc": None}
            yield ARCHIVE_HISTORY, {**_listed(key, found, position), **what}


def _texts(value: Value) -> list[str]:
    """Texts of a value, whether its type says so or it is binary with a NUL after each."""
    return value.strings() or [part for part in utf16(value.data).split("\0") if part]


def program_traces(hive: Hive) -> Iterator[Row]:
    """The compatibility store and the counters of the taskbar."""
    for kind, path in _COMPAT_KEYS:
        key = hive.find(path)
        for value in key.values() if key is not None else ():
            if key is not None:
                media = _MEDIA.fullmatch(value.name)
                yield (
                    PROGRAM_TRACE,
                    {
                        **provenance(key, value),
                        "kind": kind,
                        "path": media[2] if media else value.name,
                        "media_id": media[1] if media else None,
                        "text": value.text(),
                        "value_name": value.name,
                    },
                )
    for name, kind in _FEATURES.items():
        key = hive.find(rf"{EXPLORER}\FeatureUsage\{name}")
        for value in key.values() if key is not None else ():
            if key is not None:
                what = {"kind": kind, "path": value.name, "count": value.number()}
                yield (
                    PROGRAM_TRACE,
                    {**provenance(key, value), **what, "value_name": value.name},
                )


def muicache(hive: Hive) -> Iterator[Row]:
    r"""Names of programs that Explorer looked up: `E:\setup.exe.FriendlyAppName`."""
    for path in _MUI:
        key = hive.find(path)
        for value in key.values() if key is not None else ():
            if key is None or value.type not in TEXTS or value.name.startswith("@"):
                continue
            program, field = _split(value.name)
            what = {"kind": "muicache", "path": program, "field": field, "text": value.text()}
            yield PROGRAM_TRACE, {**provenance(key, value), **what, "value_name": value.name}


_MUI = (
    r"Local Settings\Software\Microsoft\Windows\Shell\MuiCache",
    r"Software\Microsoft\Windows\Shell\MuiCache",
    r"Software\Microsoft\Windows\ShellNoRoam\MUICache",
)
"""In UsrClass.dat since Vista, in NTUSER.DAT before. Names with `@` are texts of libraries, not programs."""


def _split(name: str) -> tuple[str, str | None]:
    for field in ("FriendlyAppName", "ApplicationCompany"):
        if name.endswith(f".{field}"):
            return name.removesuffix(f".{field}"), field
    return name, None
