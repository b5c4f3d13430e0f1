"""The hash in the name of a prefetch file: which device paths and command lines give it.

Windows hashes the upper-case device path in UTF-16LE. Vista to 11 share one function (the form
with the constants 442596621 and 803794207 is the same one, eight bytes a step: 37**7 and -37**8
modulo 2**32); XP and Server 2003 have another.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

HOSTING = frozenset({"DLLHOST.EXE", "MMC.EXE", "RUNDLL32.EXE", "SVCHOST.EXE", "TASKHOST.EXE"})
"""Programs whose hash holds the command line too (default of the value HostingAppList)."""

KNOWN_COMMAND_LINES = {
    "RUNDLL32.EXE": (
        "C:\\Windows\\System32\\rundll32.exe C:\\Windows\\System32\\shell32.dll,"
        "SHCreateLocalServerRunDll {995C996E-D918-4a8c-A302-45719A6F4EA7} -Embedding",
    )
}
"""Command lines that are always the same: AutoPlay's, when a medium arrived."""

MAX_HINT = 16
"""Greatest N of the argument /prefetch:N, which is added to the hash."""

CDROMS = range(10)
HARD_DISK_VOLUMES = range(1, 64)

_MASK = 0xFFFFFFFF
_FACTOR = 37
_START = 314159
_XP_FACTOR = 314159269
_XP_MODULUS = 1000000007
_XP_VERSION = 17
_VOLUME = re.compile(r"\\VOLUME\{[^}\\]*\}|[A-Z]:", re.IGNORECASE)
_DEVICE = re.compile(r"\\DEVICE\\", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Match:
    """A device path that gives the hash, with what had to be added to its own hash."""

    device_path: str
    command_line: str | None = None
    hint: int = 0


def vista(text: str) -> int:
    """Hash of a text on Vista to 11 and Server 2008 on; the case is kept."""
    return _spread(_bytes(text), _START)


def xp(text: str) -> int:
    """Hash of a text on XP and Server 2003; the case is kept."""
    h = _spread(_bytes(text), 0) * _XP_FACTOR & _MASK
    return (0x100000000 - h if h > 0x80000000 else h) % _XP_MODULUS


def name_hash(device_path: str, command_line: str | None = None, version: int = 30) -> int:
    r"""Hash of a program's device path (`\DEVICE\...`) for a format version.

    `command_line`, exactly as started, only for programs in `HOSTING` from Vista on.
    """
    path = upcase(device_path)
    if version == _XP_VERSION:
        return xp(path)
    return (vista(path) + (vista(command_line) if command_line is not None else 0)) & _MASK


def candidate_paths(path: str) -> Iterator[str]:
    r"""Device paths that a path may stand for, upper case.

    `\DEVICE\...` stands for itself, `\\server\share\x` for the redirector's path; `\VOLUME{...}\x`,
    `E:\x` and `\x` for that file on each optical device and each volume of a hard disk.
    """
    whole, rest = _split(path)
    if whole is not None:
        yield whole
    else:
        yield from (prefix + rest for prefix, _ in _prefixes())


def matches(
    hash_value: int, path: str, command_lines: Iterable[str] = (), version: int = 30
) -> tuple[Match, ...]:
    """Device paths of `path` (see `candidate_paths`) whose hash is `hash_value`.

    From Vista on also with one of the command lines or an N of /prefetch:N added. A chance hit has
    the odds of the number of paths times the sums tried in 2**32.
    """
    if version == _XP_VERSION:
        return tuple(Match(p) for p in candidate_paths(path) if xp(p) == hash_value)
    lines = [(vista(line), line) for line in command_lines]
    found = []
    for device_path, h in _hashed(path):
        left = (hash_value - h) & _MASK
        if left <= MAX_HINT:
            found.append(Match(device_path, hint=left))
        found += [
            Match(device_path, line, (left - extra) & _MASK)
            for extra, line in lines
            if (left - extra) & _MASK <= MAX_HINT
        ]
    return tuple(found)


def command_lines(program: str, arguments: str) -> Iterator[str]:
    r"""Usual command lines of a program and its arguments, for `matches` and `remainder`.

    Explorer's form for a shortcut first: the target in quotes, a blank, the arguments as they are.
    Then bare and short names, the usual spellings of the system folder, one blank or two.
    """
    base = program.rpartition("\\")[2]
    stem = base.rpartition(".")[0] or base
    spellings = [program]
    if program.casefold().rpartition("\\")[0].endswith(("\\system32", "\\syswow64")):
        spellings += [
            f"{root}\\{folder}\\{name}"
            for root in ("C:\\Windows", "C:\\WINDOWS")
            for folder in ("System32", "system32", "SysWOW64")
            for name in dict.fromkeys((base, base.lower(), base.upper()))
        ]
    spellings += [base, base.lower(), stem, stem.lower()]
    names = dict.fromkeys(form for s in spellings for form in (f'"{s}"', s))
    for name in names:
        for gap in (" ", "  ") if arguments else ("", " "):
            yield f"{name}{gap}{arguments}"


def remainder(hash_value: int, device_path: str) -> int:
    """What is left of a hash (Vista on) without the path's: 0, an N, or the command line's hash."""
    return (hash_value - vista(upcase(device_path))) & _MASK


def upcase(text: str) -> str:
    """Upper case as Windows has it: one character stays one."""
    if text.isascii():
        return text.upper()
    return "".join(up if len(up := c.upper()) == 1 else c for c in text)


def _hashed(path: str) -> Iterator[tuple[str, int]]:
    """Candidates with their hash; the common rest is worked through once."""
    whole, rest = _split(path)
    if whole is not None:
        yield whole, vista(whole)
        return
    data = _bytes(rest)
    own, power = _spread(data, 0), pow(_FACTOR, len(data), 1 << 32)
    for prefix, h in _prefixes():
        yield prefix + rest, (h * power + own) & _MASK


def _split(path: str) -> tuple[str | None, str]:
    r"""(device path, "") or (None, path below the volume's root with its leading backslash)."""
    up = upcase(path)
    if _DEVICE.match(up):
        return up, ""
    if up.startswith("\\\\"):
        return "\\DEVICE\\MUP" + up[1:], ""
    rest = _VOLUME.sub("", up, count=1) if _VOLUME.match(up) else up
    return None, rest if rest.startswith("\\") else "\\" + rest


@cache
def _prefixes() -> tuple[tuple[str, int], ...]:
    names = [f"\\DEVICE\\CDROM{n}" for n in CDROMS]
    names += [f"\\DEVICE\\HARDDISKVOLUME{n}" for n in HARD_DISK_VOLUMES]
    return tuple((name, vista(name)) for name in names)


def _bytes(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _spread(data: bytes, h: int) -> int:
    for byte in data:
        h = (h * _FACTOR + byte) & _MASK
    return h
