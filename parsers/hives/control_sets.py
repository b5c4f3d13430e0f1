r"""Control sets of a SYSTEM hive: the one in use (`Select\Current`) and the others."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from parsers.hives.keys import Key
from parsers.hives.regf import Hive
from parsers.hives.rows import number, text

MAX_CONTROL_SETS = 16
_NAME = re.compile(r"ControlSet\d{3}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ControlSet:
    """A control set and whether Windows last ran with it."""

    key: Key
    current: bool


def control_sets(hive: Hive) -> Iterator[ControlSet]:
    """All control sets, the current one first; without `Select` the only one counts as current."""
    keys = [key for key in hive.root.subkeys() if _NAME.fullmatch(key.name)][:MAX_CONTROL_SETS]
    chosen = number(hive.find("Select"), "Current")
    wanted = f"controlset{chosen:03}" if chosen is not None else ""
    found = [ControlSet(k, k.name.lower() == wanted or len(keys) == 1) for k in keys]
    yield from sorted(found, key=lambda c: not c.current)


def current_set(hive: Hive) -> Key | None:
    """The control set that Windows last ran with."""
    return next((c.key for c in control_sets(hive) if c.current), None)


def computer_name(hive: Hive) -> str | None:
    """NetBIOS name of the computer, upper case."""
    control = current_set(hive)
    if control is None:
        return None
    for place in ("ComputerName", "ActiveComputerName"):
        name = text(control.find(rf"Control\ComputerName\{place}"), "ComputerName")
        if name:
            return name.strip().upper() or None
    return None
