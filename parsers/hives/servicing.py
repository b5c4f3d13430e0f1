"""Update packages and user profiles of the SOFTWARE hive."""

from collections.abc import Iterator

from parsers.hives.keys import Key
from parsers.hives.regf import Hive
from parsers.hives.rows import Row, number, provenance, text
from parsers.hives.software_tables import UPDATE_PACKAGE, USER_PROFILE
from parsers.rows import filetime_ns

MAX_PACKAGES = 20_000
PACKAGES = r"Microsoft\Windows\CurrentVersion\Component Based Servicing\Packages"
_STATES = {
    0: "absent",
    5: "uninstall_pending",
    16: "resolving",
    32: "resolved",
    48: "staging",
    64: "staged",
    80: "superseded",
    96: "install_pending",
    101: "partially_installed",
    112: "installed",
    128: "permanent",
}


def update_packages(hive: Hive) -> Iterator[Row]:
    """Packages named `Package_for_...`: whole updates; their many parts are left out."""
    top = hive.find(PACKAGES)
    keys = (key for key in (top.subkeys() if top is not None else ()))
    updates = [key for key in keys if key.name.lower().startswith("package_for_")]
    for key in updates[:MAX_PACKAGES]:
        parts = key.name.split("~")
        state = number(key, "CurrentState")
        yield (
            UPDATE_PACKAGE,
            {
                **provenance(key),
                "package": key.name,
                "installed_utc": _time(key, "InstallTimeHigh", "InstallTimeLow"),
                "name": parts[0],
                "version": parts[-1] if len(parts) > 1 else None,
                "state": None if state is None else _STATES.get(state, str(state)),
                "client": text(key, "InstallClient"),
            },
        )


def user_profiles(hive: Hive) -> Iterator[Row]:
    """One row per SID in the profile list."""
    top = hive.find(r"Microsoft\Windows NT\CurrentVersion\ProfileList")
    for key in (top.subkeys() if top is not None else [])[:MAX_PACKAGES]:
        path = text(key, "ProfileImagePath")
        yield (
            USER_PROFILE,
            {
                **provenance(key),
                "user_sid": key.name,
                "user_name": path.rstrip("\\").rpartition("\\")[2] if path else None,
                "profile_path": path,
                "load_utc": _time(key, "LocalProfileLoadTimeHigh", "LocalProfileLoadTimeLow"),
                "unload_utc": _time(key, "LocalProfileUnloadTimeHigh", "LocalProfileUnloadTimeLow"),
            },
        )


def _time(key: Key, high: str, low: str) -> int | None:
    """A FILETIME in two DWORDs."""
    upper, lower = number(key, high), number(key, low)
    if upper is None or lower is None:
        return None
    return filetime_ns((upper & 0xFFFFFFFF) << 32 | (lower & 0xFFFFFFFF))
