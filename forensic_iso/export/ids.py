"""Ids and times of exchange formats that are the same at each run."""

import uuid
from datetime import datetime

SPACE = uuid.UUID("6f2a3d0e-9c1b-5e57-8f4d-2b7c90a1e6d3")
"""Name space of this tool's ids."""
EPOCH = "1970-01-01T00:00:00.000Z"


def stable(*parts: object) -> str:
    """A UUID that the parts determine."""
    return str(uuid.uuid5(SPACE, "\x1f".join(map(str, parts))))


def stamp(moment: datetime | None) -> str:
    """A time as STIX and MISP write it, to the millisecond; 1970 where none is known."""
    if moment is None:
        return EPOCH
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
