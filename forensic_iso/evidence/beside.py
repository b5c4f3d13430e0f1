"""Files that another one needs beside it: the transaction logs of a hive, the write-ahead log of a database."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from forensic_iso.evidence.found import Found, Recognised
from forensic_iso.text import one_line

Place = tuple[tuple[str, ...], str]
Left = tuple[Found, str]


def join_companions(
    recognised: Sequence[Recognised],
    left: Sequence[Left],
    patterns: Mapping[str, Sequence[str]],
) -> tuple[list[Recognised], list[Left]]:
    """Hand over to each artifact the unclaimed files of its folder that its parser asks for.

    Args:
        recognised: artifacts that parsers take.
        left: files that none takes, each with why.
        patterns: by kind, the regular expressions of the names wanted; `{name}` is the artifact's own.

    Returns:
        The artifacts with their companions, in order of names, and the files left, with the companions' reason saying
        what they are read with.
    """
    folders: defaultdict[Place, list[Found]] = defaultdict(list)
    for found, _ in left:
        folders[_place(found)].append(found)
    users: dict[Found, str] = {}
    joined = []
    for item in recognised:
        wanted = _wanted(item, patterns.get(item.kind, ()))
        beside = [
            f for f in folders.get(_place(item.found), ()) if wanted and wanted.fullmatch(f.name)
        ]
        beside.sort(key=lambda f: (f.name.lower(), f.path))
        users |= dict.fromkeys(beside, item.found.name)
        joined.append(replace(item, beside=tuple(beside)))
    reasons = [
        (f, f"read together with {one_line(users[f])}" if f in users else why) for f, why in left
    ]
    return joined, reasons


def _wanted(item: Recognised, patterns: Sequence[str]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    own = re.escape(item.found.name)
    whole = "|".join(f"(?:{p.replace('{name}', own)})" for p in patterns)
    return re.compile(whole, re.IGNORECASE)


def _place(found: Found) -> Place:
    folder = found.member.replace("\\", "/") if found.containers else found.member
    return found.containers, folder.rpartition("/")[0].lower()
