import struct
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import recycle_bin
from parsers.contract import Problem
from tests.builders.evtx import to_ns
from tests.parsers.reading import artifact, read
from tests.shared import REAL, needs_shared

NOON = datetime(2024, 3, 5, 12, 0, 2, 123456, tzinfo=UTC)
PATH = "C:\\Users\\zoë\\Downloads\\a.iso"
SID = "S-1-5-21-1-2-3-1001"


def _index(version: int, path: str = PATH) -> bytes:
    head = struct.pack("<QQQ", version, 7 << 32, to_ns(NOON) // 100 + 116444736000000000)
    wide = path.encode("utf-16-le")
    if version == 1:
        return head + wide.ljust(520, b"\0")
    return head + struct.pack("<I", len(path) + 1) + wide + b"\0\0"


def _read(data: bytes, where: str | None = None) -> tuple[list[dict[str, Any]], list[Problem]]:
    assert recycle_bin.recognise("$IABCDEF.iso", data[:34816])
    given = replace(artifact("$IABCDEF.iso", data), windows_path=where)
    rows, problems = read(recycle_bin, given)
    return rows["recycle_bin_item"], problems


@pytest.mark.parametrize("version", [1, 2])
def test_a_deletion_is_told_with_user_path_and_content(version: int) -> None:
    where = f"C:\\$Recycle.Bin\\{SID}\\$IABCDEF.iso"

    [row], problems = _read(_index(version), where)

    assert not problems
    assert (row["original_path"], row["size"]) == (PATH, 7 << 32)
    assert row["deleted_utc"] == NOON.replace(tzinfo=None)
    assert (row["sid"], row["content_name"]) == (SID, "$RABCDEF.iso")
    assert (row["index_path"], row["is_whole"], row["format_version"]) == (where, True, version)


def test_without_the_bins_path_the_user_is_not_known() -> None:
    [row], _ = _read(_index(2))

    assert row["sid"] is None


@pytest.mark.parametrize("version", [1, 2])
def test_a_cut_record_keeps_its_time_and_is_told(version: int) -> None:
    [row], problems = _read(_index(version)[:50])

    assert row["deleted_utc"] == NOON.replace(tzinfo=None)
    assert PATH.startswith(row["original_path"])
    assert (row["is_whole"], [p.code for p in problems]) == (False, ["recycle_path"])


def test_text_behind_the_path_is_told() -> None:
    [row], problems = _read(_index(2, "C:\\a\0hidden"))

    assert (row["original_path"], len(problems)) == ("C:\\a", 1)


def test_other_files_of_that_name_are_not_recognised() -> None:
    assert not recycle_bin.recognise("$I30", b"INDX" + bytes(4092))
    assert not recycle_bin.recognise("$IX", b"\x02" + bytes(100))
    assert not recycle_bin.recognise("a.txt", _index(2))


@needs_shared
def test_real_records() -> None:
    found = {}
    for path in REAL.glob("AndrewRathbun_DFIRArtifactMuseum/recycle/*/$I*"):
        assert recycle_bin.recognise(path.name, path.read_bytes()[:34816])
        rows, problems = read(recycle_bin, artifact(path.name, path.read_bytes()))
        assert not problems
        [row] = rows["recycle_bin_item"]
        found[path.name] = (row["original_path"], row["size"], row["deleted_utc"].year)

    assert found == {
        "$I2JRX90": ("C:\\temp", 14155310, 2018),
        "$IRL4KYI.txt": ("C:\\Users\\AndrewRathbun\\Desktop\\deletedfile.txt", 0, 2022),
        "$I6SODDB": ("C:\\Windows\\System32\\dllhost", 102742, 2012),
    }


@given(st.sampled_from([1, 2]), st.binary(max_size=60), st.integers(0, 600))
def test_no_damage_raises(version: int, noise: bytes, at: int) -> None:
    data = bytearray(_index(version))
    at %= len(data)
    data[at : at + len(noise)] = noise

    rows, problems = read(recycle_bin, artifact("$IX", bytes(data)))

    assert rows["recycle_bin_item"] or problems
