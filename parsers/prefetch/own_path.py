"""Which path the program of a prefetch file was started from, and whether the name hash bears it out."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from parsers.prefetch import name_hash
from parsers.prefetch.scca import Scca

_NAME_CHARACTERS = 29
_MAX_PATH, _MAX_LISTED = 32_767, 256
_OPERATION = "OP-"
_PACKAGES = "\\WINDOWSAPPS\\"


class Basis(StrEnum):
    """What the own path and the check of the hash rest on."""

    RECORDED = "recorded path"
    RECORDED_HINT = "recorded path and /prefetch:N"
    RECORDED_LINE = "recorded path and known command line"
    RECORDED_HOSTING = "recorded path; command line unknown"
    RECORDED_PACKAGE = "recorded path; term of a packaged app unknown"
    RECORDED_DIFFERS = "recorded path, which does not give the hash"
    HASH = "listed file and hash of its device path"
    HASH_HINT = "listed file, hash of its device path and /prefetch:N"
    HASH_LINE = "listed file, hash of its device path and known command line"
    AMBIGUOUS = "listed file; several device paths give the hash"
    NAME_HOSTING = "name of a listed file; command line unknown"
    NAME_PACKAGE = "name of a listed file; term of a packaged app unknown"
    NAME = "name of a listed file; no device path gives the hash"
    OPERATION = "operation trace: its hash is a number"
    NONE = "program is not in the list of files"


@dataclass(frozen=True, slots=True)
class Own:
    """The program's path as the list spells it, its device path, and how the hash was explained.

    `agrees` is None where the hash cannot be tested. `remainder` is the hash without the device
    path's: of a hosting program the hash of its command line.
    """

    path: str | None
    device_path: str | None
    agrees: bool | None
    basis: Basis
    command_line: str | None = None
    remainder: int | None = None


def find(scca: Scca) -> Own:
    """The program's own path, strongest basis first: recorded, then listed and proved by the hash."""
    listed = _listed(scca)
    only = listed[0] if len(listed) == 1 else None
    if name_hash.upcase(scca.name).startswith(_OPERATION):
        return Own(only, scca.recorded_path, None, Basis.OPERATION)
    lines = name_hash.KNOWN_COMMAND_LINES.get(name_hash.upcase(scca.name), ())
    if scca.recorded_path is not None:
        return _recorded(scca, scca.recorded_path, _spelled(listed, scca.recorded_path), lines)
    found = [
        (path, match)
        for path in listed
        for match in name_hash.matches(scca.hash, path, lines, scca.version)
    ]
    if len({match.device_path for _, match in found}) > 1:
        return Own(only, None, True, Basis.AMBIGUOUS)
    if found:
        path, match = found[0]
        basis = Basis.HASH_LINE if match.command_line else Basis.HASH
        basis = Basis.HASH_HINT if match.hint and not match.command_line else basis
        return Own(path, match.device_path, True, basis, match.command_line)
    return _unproved(scca, listed, only)


def is_hosting(name: str) -> bool:
    """Whether the hash of a program of that name holds its command line."""
    return name_hash.upcase(name) in name_hash.HOSTING


def _unproved(scca: Scca, listed: list[str], only: str | None) -> Own:
    if not listed:
        return Own(None, None, None, Basis.NONE)
    if is_hosting(scca.name):
        return Own(only, None, None, Basis.NAME_HOSTING)
    if any(_PACKAGES in path.upper() for path in listed):
        return Own(only, None, None, Basis.NAME_PACKAGE)
    return Own(only, None, False, Basis.NAME)


def _recorded(scca: Scca, device: str, path: str | None, lines: tuple[str, ...]) -> Own:
    left = name_hash.remainder(scca.hash, device)
    line = next((m.command_line for m in name_hash.matches(scca.hash, device, lines)), None)
    if line is not None:
        return Own(path, device, True, Basis.RECORDED_LINE, line, left)
    if left == 0:
        return Own(path, device, True, Basis.RECORDED, remainder=left)
    if left <= name_hash.MAX_HINT:
        return Own(path, device, True, Basis.RECORDED_HINT, remainder=left)
    if is_hosting(scca.name):
        return Own(path, device, None, Basis.RECORDED_HOSTING, remainder=left)
    if _PACKAGES in device.upper():
        return Own(path, device, None, Basis.RECORDED_PACKAGE, remainder=left)
    return Own(path, device, False, Basis.RECORDED_DIFFERS, remainder=left)


def _listed(scca: Scca) -> list[str]:
    """Files of the list that bear the program's name, which is cut to 29 characters."""
    name = name_hash.upcase(scca.name)[:_NAME_CHARACTERS]
    if not name:
        return []
    names = (f.path for f in scca.files if len(f.path) <= _MAX_PATH)
    same = (p for p in names if _base(p)[:_NAME_CHARACTERS] == name)
    return list(dict.fromkeys(islice(same, _MAX_LISTED)))


def _base(path: str) -> str:
    return name_hash.upcase(path.rpartition("\\")[2])


def _spelled(listed: list[str], device_path: str) -> str | None:
    """The listed file that a device path means: equal, or equal below the volume's root."""
    wanted = name_hash.upcase(device_path)
    rest = wanted.partition("\\DEVICE\\")[2].partition("\\")[2]
    same = [p for p in listed if name_hash.upcase(p) == wanted]
    same = same or [p for p in listed if rest and _below_root(p) == rest]
    return same[0] if len(same) == 1 else None


def _below_root(path: str) -> str:
    if path.startswith("\\VOLUME{"):
        return name_hash.upcase(path.partition("}\\")[2])
    return name_hash.upcase(path.partition("\\DEVICE\\")[2].partition("\\")[2])
