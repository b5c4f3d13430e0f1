"""SRUM's table of names: programs, services, packages and users behind the numbers of the other tables."""

import struct

KINDS = {0: "program", 1: "service", 2: "package"}
USER = 3
_MAX_SUB_AUTHORITIES = 15


def text(blob: bytes) -> str:
    """Name of a program, service or package."""
    return blob[: len(blob) & ~1].decode("utf-16-le", "replace").rstrip("\0")


def sid(blob: bytes) -> str | None:
    """A binary SID as text (MS-DTYP 2.4.2); None: it is none."""
    if len(blob) < 8 or blob[1] > _MAX_SUB_AUTHORITIES or len(blob) < 8 + 4 * blob[1]:
        return None
    authority = int.from_bytes(blob[2:8], "big")
    parts = struct.unpack_from(f"<{blob[1]}I", blob, 8)
    return "-".join(("S", str(blob[0]), str(authority), *map(str, parts)))
