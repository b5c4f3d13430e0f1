r"""Files of an earlier state of a host: of the Windows before an upgrade, backups of hives, shadow copies."""

import re

from forensic_iso.evidence.found import JOIN, VOLUME, Found

_PLACES = (
    ("an earlier Windows", re.compile(r"windows\.old(?:[.(]\d+\)?)?", re.IGNORECASE)),
    ("a backup of the registry", re.compile(r"regback", re.IGNORECASE)),
    ("a shadow copy", re.compile(r"(?:vss|(?:harddiskvolume)?shadowcopy)[_-]?\d+", re.IGNORECASE)),
)


def earlier_state(found: Found) -> str | None:
    """What earlier state a file is of, by the folders above it below what was given; None: none of these."""
    if found.kind.startswith(f"{VOLUME}:vss"):
        return "a shadow copy"
    below = found.path.rpartition(JOIN)[2] if found.containers else found.member[len(found.given) :]
    folders = re.split(r"[\\/]", below.replace("%5C", "\\").replace("%5c", "\\"))[:-1]
    return next(
        (word for word, pattern in _PLACES for folder in folders if pattern.fullmatch(folder)), None
    )
