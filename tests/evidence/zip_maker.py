"""Archives for tests, good and hostile, made by the standard library and by patching its bytes."""

import io
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path


def make_zip(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of the members in the order given."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def write_zip(path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """The same in a file."""
    path.write_bytes(make_zip(members, method))
    return path


def make_twice(name: str, first: bytes, second: bytes) -> bytes:
    """A ZIP with two members of one name."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(name, first)
        archive.writestr(name, second)
    return out.getvalue()


def patch_central(data: bytes, index: int, offset: int, fmt: str, value: int) -> bytes:
    """Overwrite a field of the entry `index` of the central directory (APPNOTE 4.3.12)."""
    at = -1
    for _ in range(index + 1):
        at = data.index(b"PK\x01\x02", at + 1)
    out = bytearray(data)
    struct.pack_into(fmt, out, at + offset, value)
    return bytes(out)


FLAGS, METHOD, CRC, PACKED, SIZE, LOCAL = 8, 10, 16, 20, 24, 42
"""Offsets of fields in a central entry."""
