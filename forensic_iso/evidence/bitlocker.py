"""Volumes that BitLocker encrypts, opened with a key that the user gives; the key is used, not kept."""

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from parsers.disks.streams import placed
from parsers.volumes import VolumeRefused

_RECOVERY = re.compile(r"(?:\d{6}-){7}\d{6}")
_PROTECTORS = {
    0x0000: "clear key",
    0x0100: "TPM",
    0x0200: "startup key",
    0x0500: "TPM and PIN",
    0x0800: "recovery password",
    0x2000: "password",
}


MAX_KEY_FILE = 4096


def read_keys(given: Sequence[str]) -> tuple[str, ...]:
    """Keys as given; of a text file its first line. A .bek file stays a path, made absolute."""
    keys = []
    for key in given:
        path = Path(key)
        try:
            is_file = path.is_file()
        except (OSError, ValueError):
            is_file = False
        if not is_file:
            keys.append(key)
        elif path.suffix.lower() == ".bek" or path.stat().st_size > MAX_KEY_FILE:
            keys.append(str(path.resolve()))
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
            keys.append(text.strip().partition("\n")[0].strip())
    return tuple(keys)


def unlock(stream: BinaryIO, keys: Sequence[str]) -> tuple[BinaryIO, int]:
    """(plain bytes, their length) of an encrypted volume.

    Args:
        stream: the volume's bytes.
        keys: recovery passwords (eight groups of six digits), paths of .bek files, or passwords. A volume that was
            suspended (clear key) opens without any.

    Raises:
        VolumeRefused: none of the keys fits, or the volume is damaged.
    """
    pybde = import_module("pybde")
    seen = "no key that fits"
    for key in ("", *keys):
        volume = pybde.volume()
        try:
            _use(volume, key)
            volume.open_file_object(stream)
            if not volume.is_locked():
                return _plain(volume)
            seen = _told(volume)
            volume.close()
        except (OSError, ValueError) as error:
            seen = str(error).partition("\n")[0][:200]
    raise VolumeRefused(
        "bitlocker_locked",
        "a key that opens the volume",
        seen,
        "give its recovery password with --bitlocker-key",
    )


def _use(volume: Any, key: str) -> None:
    if not key:
        return
    if _RECOVERY.fullmatch(key.strip()):
        volume.set_recovery_password(key.strip())
    elif key.lower().endswith(".bek") and Path(key).is_file():
        volume.read_startup_key(key)
    else:
        volume.set_password(key)


def _plain(volume: Any) -> tuple[BinaryIO, int]:
    size = int(volume.get_size())

    def read_at(at: int, n: int) -> bytes:
        return bytes(volume.read_buffer_at_offset(n, at))

    return placed(size, read_at), size


def _told(volume: Any) -> str:
    """The volume's identifier and protectors: what to look the recovery password up by."""
    protectors = []
    for k in range(int(volume.get_number_of_key_protectors())):
        protector = volume.get_key_protector(k)
        kind = int(protector.get_type())
        protectors.append(f"{_PROTECTORS.get(kind, hex(kind))} {protector.get_identifier()}")
    return f"volume {volume.get_volume_identifier()}, protectors: {'; '.join(protectors) or 'none'}"
