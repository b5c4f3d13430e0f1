"""Volumes that BitLocker encrypts, opened with a key that the user gives; the key is used, not kept."""

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from parsers.disks.streams import placed
from parsers.volumes import VolumeRefused

_GROUPS = re.compile(r"(?<!\d)(\d{6})" + r"[ \t-]?(\d{6})" * 7 + r"(?!\d)")
"""A recovery password: eight groups of six digits, with hyphens, blanks or nothing between them."""
_PROTECTORS = {
    0x0000: "clear key",
    0x0100: "TPM",
    0x0200: "startup key",
    0x0500: "TPM and PIN",
    0x0800: "recovery password",
    0x2000: "password",
}
_CHECK = 11
"""Each group of a recovery password is a multiple of it."""


MAX_KEY_FILE = 4096


def read_keys(given: Sequence[str]) -> tuple[str, ...]:
    """Keys as given; of a text file the recovery password in it, else its first line.

    Windows saves the recovery password in a text of UTF-16. A .bek file stays a path, made absolute.
    """
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
            keys.append(_key_of(path.read_bytes()))
    return tuple(keys)


def _key_of(raw: bytes) -> str:
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = raw.decode("utf-16" if wide else "utf-8-sig", "replace")
    recovery = _GROUPS.search(text)
    return recovery[0] if recovery else text.strip().partition("\n")[0].strip()


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
    seen, tried = "", []
    for key in ("", *keys):
        volume = pybde.volume()
        try:
            _use(volume, key)
            volume.open_file_object(stream)
            if not volume.is_locked():
                return _plain(volume)
            seen = seen or _told(volume)
            volume.close()
        except (OSError, ValueError) as error:
            seen = seen or str(error).partition("\n")[0][:200]
        if key:
            tried.append(_what(key))
    raise VolumeRefused(
        "bitlocker_locked",
        "a key that opens the volume",
        "; ".join((seen, *(f"does not open it: {word}" for word in tried))),
        "give its recovery password (48 digits), password or .bek file with --bitlocker-key",
    )


def _use(volume: Any, key: str) -> None:
    if not key:
        return
    if groups := _GROUPS.fullmatch(key.strip()):
        volume.set_recovery_password("-".join(groups.groups()))
    elif key.lower().endswith(".bek") and Path(key).is_file():
        volume.read_startup_key(key)
    else:
        volume.set_password(key)


def _what(key: str) -> str:
    """What kind of key was given, and what is wrong with its form; never the key."""
    if groups := _GROUPS.fullmatch(key.strip()):
        wrong = [n for n, digits in enumerate(groups.groups(), 1) if int(digits) % _CHECK]
        typo = f", of which group {wrong[0]} is mistyped: no multiple of {_CHECK}" if wrong else ""
        return f"a recovery password{typo}"
    if key.lower().endswith(".bek"):
        return "a startup key" if Path(key).is_file() else "a startup key: there is no such file"
    return "a password"


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
