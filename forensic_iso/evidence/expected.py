"""What is looked for in a collection, and what of it is not there: absence is an answer too."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forensic_iso.evidence.found import Recognised
from forensic_iso.evidence.groups import collection_of


@dataclass(frozen=True, slots=True)
class Expected:
    """An artifact that bears on the question, how it is named, and the pattern of its names."""

    what: str
    named: str
    pattern: re.Pattern[str]


def _log(what: str, channel: str, *others: str) -> Expected:
    """A log, live or archived; for `%4`, Windows' slash, exports have a dash or underscore."""
    names = "|".join(re.escape(c).replace("%4", "(?:%4|[-_/])") for c in (channel, *others))
    pattern = re.compile(rf"(?:archive-)?(?:{names})(?:[-_ .(].*)?\.evtx", re.IGNORECASE)
    return Expected(what, f"{channel}.evtx", pattern)


def expected_artifacts() -> list[Expected]:
    """What every collection is looked through for."""
    windows = "Microsoft-Windows-"
    return [
        _log("Sysmon log", f"{windows}Sysmon%4Operational"),
        _log("Security log", "Security"),
        _log("System log", "System"),
        _log("VHDMP log", f"{windows}VHDMP-Operational", f"{windows}VHDMP%4Operational"),
        _log("Partition log", f"{windows}Partition%4Diagnostic"),
        _log("PowerShell log", f"{windows}PowerShell%4Operational", "Windows PowerShell"),
        _log("Defender log", f"{windows}Windows Defender%4Operational"),
        _log("Ntfs log", f"{windows}Ntfs%4Operational"),
        Expected("Master file table", "$MFT", re.compile(r"\$?MFT(?:[-_. ].*)?", re.IGNORECASE)),
    ]


def not_found(recognised: Sequence[Recognised]) -> dict[str, list[str]]:
    """Per collection what was looked for and is not there ("System log (System.evtx)")."""
    names: dict[str, list[str]] = {}
    for item in recognised:
        names.setdefault(collection_of(item.found), []).append(item.found.name)
    expected = expected_artifacts()
    return {place: _missing(expected, there) for place, there in sorted(names.items())}


def _missing(expected: Iterable[Expected], there: Sequence[str]) -> list[str]:
    return [
        f"{item.what} ({item.named})"
        for item in expected
        if not any(item.pattern.fullmatch(name) for name in there)
    ]
