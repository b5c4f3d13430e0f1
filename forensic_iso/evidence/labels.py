"""What the names of folders and archives say: a host, a kind of artifact, a date.

Velociraptor's offline collector names its archive `Collection-HOST-TIME`, its server's export has
`HOST-C.CLIENT/collections/F.FLOW`; KAPE has `TIME_HOST_WORD`; most others `HOST`, `HOST_TIME` or
`HOST_WORD`. A word that names a kind of artifact, a tool or an examiner's pile (`evtx`, `kape`,
`triage`) names no host, and neither does the folder of a drive.
"""

import re
from enum import IntEnum
from functools import lru_cache
from typing import Final

_EXTENSION: Final = re.compile(
    r"(?:\.(?:zip|7z|tar|gz|tgz|bz2|xz|zst|e01|ex01|s01|l01|aff4|vhdx?|avhdx?|vmdk|vdi|qcow2?|raw|dd|img|bin|001))+$",
    re.IGNORECASE,
)
_TIME: Final = (
    r"(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T_ -]*\d\d[-_:.]?\d\d(?:[-_:.]?\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d[_:]?\d\d)?)?"
)
_FIRST_TIME: Final = re.compile(rf"^{_TIME}(?=[-_. ]|$)")
_LAST_TIME: Final = re.compile(rf"(?:^|(?<=[-_. ])){_TIME}$")
_OFFLINE: Final = re.compile(r"^Collection-(?=.*[A-Za-z])(.+)$")
_CLIENT: Final = re.compile(r"^(.+)-C\.[0-9a-f]{12,17}$", re.IGNORECASE)
_FLOW: Final = re.compile(r"^F\.[0-9A-Z]{8,}(?:\.H)?$", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"^\d{1,3}(?:\.\d{1,3}){3}$")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_PILES: Final = frozenset(
    "collection copy disk drive evidence image kape partition part triage velociraptor vol volume vss".split()
)
"""Words that a number makes no host's name: `part2`, `disk 1`."""

_KINDS: Final = _PILES | frozenset(
    "all amcache and archive archived archives artefact artefacts artifact artifacts asservate auto axiom beweise bits"
    " browser browsers case cases channels client clients collect collected collections collector computer computers"
    " config copied copies csv cylr data dateien defender dfir disks drives dump dumps endpoint endpoints ereignisse ese"
    " event events evidences evt evtx execution export exported exports extend extract extracted extraction file files"
    " filesystem folder forensic forensics fs ftk full history hive hives host hosts hunt hunts imager images journal"
    " jump jumplist jumplists lazy lists live lnk log logfile logs machine machines mde memory metadata mft misc mnt"
    " modules more mount mounted ntfs ntuser orc other others out output prefetch profile profiles program protokolle"
    " raw recent recycle reg registry remaining rest result results sentinel shellbags shortcuts sicherung spuren sru"
    " srum sysmon table target targets task tasks temp tmp uploads users usn usnjrnl volumes wer win windows winevt"
    " xways".split()
)
"""Words for tools, kinds of artifacts and piles."""


class Says(IntEnum):
    """What a label is good for."""

    KIND = 0
    """A kind of artifact, a tool or a drive: no host."""
    WORD = 1
    """A word without a digit: a host, or an examiner's own word."""
    NUMBER = 2
    """A date or number: tells collections apart, seldom hosts."""
    HOST = 3
    """Letters and a digit, or a collector's form: a host."""


@lru_cache(maxsize=4096)
def says(label: str) -> Says:
    """What the name of a folder or archive tells."""
    stem = _EXTENSION.sub("", label)
    if _FLOW.fullmatch(stem):
        return Says.KIND
    if _CLIENT.fullmatch(stem) or _ADDRESS.fullmatch(stem):
        return Says.HOST
    bare = _without_times(stem)
    if not re.search(r"[^\W\d_]", bare):
        return Says.NUMBER if re.search(r"\d", stem) else Says.KIND
    if len(bare) == 1 or _is_kind(bare):
        return Says.KIND
    if re.sub(r"[\W\d_]+", "", bare).lower() in _PILES:
        return Says.NUMBER
    return Says.HOST if re.search(r"\d", bare) or _OFFLINE.match(stem) else Says.WORD


def host_of_label(label: str) -> str:
    """The host that a collection's name bears, upper case, without its domain; the whole name where no form fits."""
    stem = _EXTENSION.sub("", label)
    client = _CLIENT.match(stem)
    if client:
        return _short(client[1])
    bare = _without_times(stem)
    offline = _OFFLINE.match(bare)
    if offline:
        return _short(offline[1])
    kept = [word for word in re.split(r"[_ ]+", bare) if word and not _is_kind(word)]
    return _short("_".join(kept) or bare or stem or label)


def words_of(label: str) -> list[str]:
    """The parts of a label between blanks, underscores and the like, upper case, without a domain; hyphens part nothing."""
    return [_short(word) for word in re.split(r"[^\w.-]+|_+", _EXTENSION.sub("", label)) if word]


def _short(name: str) -> str:
    return (name if _ADDRESS.fullmatch(name) else name.partition(".")[0] or name).upper()


def _without_times(text: str) -> str:
    return _LAST_TIME.sub("", _FIRST_TIME.sub("", text)).strip("-_. ")


def _is_kind(text: str) -> bool:
    words = _WORD.findall(text)
    return bool(words) and not re.search(r"\d", text) and all(w.lower() in _KINDS for w in words)
