"""What is looked for in a collection, and what of it is not there: absence is an answer too."""

import re
from collections.abc import Sequence
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


def expected_logs() -> list[Expected]:
    """What every collection is looked through for by name: logs, and the master file table."""
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


EXPECTED_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("change journal", ("usnjrnl",)),
    ("SYSTEM", ("hive_system",)),
    ("SOFTWARE", ("hive_software",)),
    ("NTUSER.DAT", ("hive_user",)),
    ("UsrClass.dat", ("hive_usrclass",)),
    ("Amcache", ("amcache",)),
    ("Prefetch", ("prefetch",)),
    ("PCA", ("pca",)),
    ("SRUM", ("srum",)),
    ("shortcuts", ("lnk",)),
    ("jump lists", ("jumplist",)),
    ("Recycle Bin", ("recycle_bin",)),
    ("scheduled tasks", ("scheduled_task", "scheduled_job")),
    ("browsers", ("browser_chromium", "browser_firefox", "browser_webcache")),
    ("BITS queue", ("bits",)),
    ("Windows timeline", ("windows_timeline",)),
    ("error reports", ("wer",)),
    ("MPLog", ("defender_mplog",)),
    ("Defender's history", ("defender_history",)),
    ("Defender's quarantine", ("defender_quarantine",)),
    ("setupapi.dev.log", ("setupapi",)),
    ("PowerShell's history", ("psreadline",)),
    ("disk images", ("disk_image_content",)),
)
"""What else is looked for, by the parsers' kinds: their files have many names."""

NOT_EXPECTED = ("evtx", "mft", "i30", "mde", "recent_file_cache")
"""Kinds that no collection need hold besides: logs and `$MFT` go by name, an export is no part of a host; only Windows 7
has RecentFileCache."""


def not_found(recognised: Sequence[Recognised]) -> dict[str, list[str]]:
    """Per collection what was looked for and is not there ("System log (System.evtx)")."""
    there: dict[str, list[Recognised]] = {}
    for item in recognised:
        there.setdefault(collection_of(item.found), []).append(item)
    return {place: _missing(items) for place, items in sorted(there.items())}


def _missing(there: Sequence[Recognised]) -> list[str]:
    names = {item.found.name for item in there}
    kinds = {item.kind for item in there}
    out = [
        f"{log.what} ({log.named})"
        for log in expected_logs()
        if not any(log.pattern.fullmatch(name) for name in names)
    ]
    others = [what for what, wanted in EXPECTED_KINDS if kinds.isdisjoint(wanted)]
    return [*out, f"Other artifacts ({', '.join(others)})"] if others else out
