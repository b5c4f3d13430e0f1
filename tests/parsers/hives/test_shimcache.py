import struct
from datetime import UTC, datetime
from typing import Any

import pytest

from parsers.contract import Problem
from parsers.hives import system
from tests.builders.hive import filetime, hive, tree
from tests.parsers.hives.helpers import run
from tests.shared import REAL, needs_shared

AT = datetime(2010, 1, 6, 5, 35, 16, tzinfo=UTC)
LATER = datetime(2010, 2, 7, 8, 9, 10, tzinfo=UTC)
PATHS = (r"\??\E:\setup.exe", r"\??\C:\Windows\b.exe")
CACHE = r"ControlSet001\Control\Session Manager\AppCompatCache"
CACHE_XP = r"ControlSet001\Control\Session Manager\AppCompatibility"


def read(data: bytes, key: str = CACHE) -> tuple[list[dict[str, Any]], list[Problem]]:
    rows, problems = run(
        system,
        hive(tree({"Select": {"Current": ("DWORD", 1)}, key: {"AppCompatCache": ("BINARY", data)}})),
        "SYSTEM",
    )  # fmt: skip
    return rows["shimcache_entry"], problems


def pointed(signature: int, start: int, bits: int, tail: str) -> bytes:
    """A cache whose entries point to their paths; `tail` is the form of what follows the time."""
    form = f"<HHI{'Q' if bits == 32 else 'QQ'}{tail}"
    size = struct.calcsize(form)
    head = struct.pack("<II", signature, len(PATHS)).ljust(start, b"\0")
    at = start + size * len(PATHS)
    entries, texts = b"", b""
    for path in PATHS:
        raw = path.encode("utf-16-le")
        where = at + len(texts)
        place = (where,) if bits == 32 else (0, where)
        rest = [2, 7] + [0] * (len(tail) - 2)
        entries += struct.pack(form, len(raw), len(raw) + 2, *place, filetime(AT), *rest)
        texts += raw + b"\0\0"
    return head + entries + texts


@pytest.mark.parametrize(
    ("signature", "start", "bits", "tail", "form", "flags"),
    [
        (0xBADC0FEE, 128, 32, "IIII", "windows7 32", 2),
        (0xBADC0FEE, 128, 64, "IIQQ", "windows7 64", 2),
        (0xBADC0FFE, 8, 32, "II", "windows2003/vista 32", None),
        (0xBADC0FFE, 8, 64, "II", "windows2003/vista 64", None),
    ],
)
def test_caches_that_point_to_their_paths_are_read(
    signature: int, start: int, bits: int, tail: str, form: str, flags: int | None
) -> None:
    rows, problems = read(pointed(signature, start, bits, tail))

    assert problems == []
    assert [(r["path"], r["position"], r["format"]) for r in rows] == [
        (PATHS[0], 0, form),
        (PATHS[1], 1, form),
    ]
    assert {r["insert_flags"] for r in rows} == {flags}
    assert {r["file_modified_utc"] for r in rows} == {AT.replace(tzinfo=None)}


def test_the_cache_of_windows_xp_has_size_and_last_update() -> None:
    entry = r"\??\D:\SETUP.EXE".encode("utf-16-le").ljust(528, b"\0")
    entry += struct.pack("<QQQ", filetime(AT), 4096, filetime(LATER))
    data = struct.pack("<III", 0xDEADBEEF, 1, 1).ljust(400, b"\0") + entry

    (row,), problems = read(data, CACHE_XP)

    assert problems == []
    assert (row["path"], row["format"], row["file_size"]) == (
        r"\??\D:\SETUP.EXE",
        "windowsxp",
        4096,
    )
    assert row["last_update_utc"] == LATER.replace(tzinfo=None)
    assert row["entry_offset"] == 400


def test_an_entry_that_points_outside_is_passed_and_told() -> None:
    data = bytearray(pointed(0xBADC0FEE, 128, 64, "IIQQ"))
    struct.pack_into("<Q", data, 128 + 8, 1 << 40)

    rows, problems = read(bytes(data))

    assert [r["path"] for r in rows] == [PATHS[1]]
    assert [p.code for p in problems] == ["shimcache_entry"]


def test_a_count_beyond_the_data_is_told() -> None:
    data = bytearray(pointed(0xBADC0FEE, 128, 32, "IIII"))
    struct.pack_into("<I", data, 4, 1 << 31)

    rows, problems = read(bytes(data))

    assert [r["path"] for r in rows][: len(PATHS)] == list(PATHS)
    assert "shimcache_entry" in {p.code for p in problems}


@needs_shared
def test_a_real_cache_of_windows_10_is_read_to_its_end() -> None:
    rows, problems = read((REAL / "AndrewRathbun_DFIRArtifactMuseum/Win10.bin").read_bytes())

    assert problems == []
    assert {r["format"] for r in rows} == {"windows10"}
    assert len(rows) > 100
