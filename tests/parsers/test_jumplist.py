import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import jumplist
from parsers.contract import Problem
from parsers.jumplist.app_ids import app_id, app_name
from tests.builders.jumplist import MadeEntry, compound, custom, destlist
from tests.builders.lnk import DRIVE_CDROM, Shortcut, VolumeId, build_lnk
from tests.parsers.reading import artifact, read
from tests.shared import REAL, needs_shared

NOON = datetime(2024, 3, 5, 12, 0, 2, 123456, tzinfo=UTC)
DISC = VolumeId(DRIVE_CDROM, 0x4367999F, "DISC")
LINK = build_lnk(Shortcut("E:\\a.txt", DISC, target_created_utc=NOON, arguments="-x"))
OTHER = build_lnk(Shortcut("E:\\b.txt", DISC))
AUTOMATIC = "f01b4d95cf55d32a.automaticDestinations-ms"
CUSTOM = "590aee7bdd69b59b.customDestinations-ms"


def _read(name: str, data: bytes) -> tuple[list[dict[str, Any]], list[Problem]]:
    assert jumplist.recognise(name, data[:34816])
    rows, problems = read(jumplist, artifact(name, data))
    return rows["jumplist_entry"], problems


@pytest.mark.parametrize("version", [1, 3, 4])
def test_entries_carry_time_host_pin_and_their_shortcut(version: int) -> None:
    entries = [
        MadeEntry(10, "E:\\a.txt", NOON, count=3),
        MadeEntry(2, "E:\\gone.txt", NOON, pin=0),
    ]
    stream = destlist(entries, version)

    rows, problems = _read(AUTOMATIC, compound({"DestList": stream, "a": LINK, "3": OTHER}))

    assert not problems
    first, pinned, left = rows
    assert (first["path"], first["entry_number"]) == ("E:\\a.txt", 10)
    assert first["last_accessed_utc"] == NOON.replace(tzinfo=None)
    assert (first["machine_id"], first["volume_serial"]) == ("ws-1", "4367-999F")
    assert (first["drive_type"], first["arguments"]) == ("CD-ROM", "-x")
    assert (first["is_pinned"], first["access_count"]) == (False, None if version == 1 else 3)
    assert (first["app_name"], first["has_shortcut"]) == ("Explorer", True)
    assert stream[first["offset"] + 72 :].startswith(b"ws-1")
    assert (pinned["is_pinned"], pinned["pin_index"], pinned["has_shortcut"]) == (True, 0, False)
    assert (left["path"], left["has_destlist"], left["stream"]) == ("E:\\b.txt", False, "3")


def test_custom_lists_give_shortcuts_by_category() -> None:
    data = custom([("Häufig", [LINK]), (None, [OTHER, LINK])])

    rows, problems = _read(CUSTOM, data)

    assert not problems
    assert [r["category"] for r in rows] == ["Häufig", "tasks", "tasks"]
    assert [r["path"] for r in rows] == ["E:\\a.txt", "E:\\b.txt", "E:\\a.txt"]
    assert all(data[r["offset"] :].startswith(LINK[:20]) for r in rows)
    assert {r["app_name"] for r in rows} == {"PowerShell"}
    assert all(r["last_accessed_utc"] is None for r in rows)


def test_shortcuts_behind_damage_are_found_without_a_category() -> None:
    data = bytearray(custom([(None, [LINK, OTHER, LINK])]))
    data[20 + 16 + len(LINK)] ^= 0xFF

    rows, problems = _read(CUSTOM, bytes(data))

    assert [p.code for p in problems] == ["jumplist_category"]
    assert [r["category"] for r in rows] == ["tasks", None, None]


def test_a_destlist_that_announces_more_than_it_has_is_told() -> None:
    stream = destlist([MadeEntry(n, "E:\\a.txt", NOON) for n in (1, 2)])
    data = compound({"DestList": stream})
    data = data.replace(struct.pack("<II", 4, 2), struct.pack("<II", 4, 90))

    rows, problems = _read(AUTOMATIC, data)

    assert [r["path"] for r in rows[:2]] == ["E:\\a.txt"] * 2
    assert [r["entry_number"] for r in rows[:2]] == [1, 2]
    assert "destlist_count" in [p.code for p in problems]


def test_a_broken_container_is_told() -> None:
    rows, problems = _read(AUTOMATIC, compound({"DestList": b""})[:600])

    assert not rows
    assert [p.code for p in problems] == ["jumplist_container"]


def test_an_id_is_computed_from_the_model_id() -> None:
    assert app_id("Microsoft.Windows.Explorer") == "f01b4d95cf55d32a"
    assert app_name("12DC1EA8E34B5A6") == app_name("012dc1ea8e34b5a6") == "Paint"
    assert app_name("1234") is None


@needs_shared
def test_real_lists_have_the_known_number_of_shortcuts() -> None:
    import csv

    with (REAL / "MANIFEST.csv").open(encoding="utf-8") as file:
        listed = [r for r in csv.DictReader(file) if r["kind"].startswith("jumplist")]

    assert len(listed) >= 11
    for item in listed:
        path = REAL / item["path"]
        rows, problems = _read(path.name, path.read_bytes())
        assert not problems
        assert sum(r["has_shortcut"] for r in rows) == int(item["records"])
        assert all(r["path"] for r in rows)
        if item["kind"] == "jumplist_auto":
            assert all(r["has_destlist"] and r["last_accessed_utc"] for r in rows)


SOURCES = [
    (AUTOMATIC, compound({"DestList": destlist([MadeEntry(1, "E:\\a", NOON)]), "1": LINK})),
    (CUSTOM, custom([("x", [LINK]), (None, [OTHER])])),
]


@given(
    st.integers(0, 1), st.lists(st.tuples(st.integers(0, 9000), st.binary(max_size=6))), st.data()
)
@settings(max_examples=200, deadline=None)
def test_no_damage_raises(
    source: int, changes: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    name, whole = SOURCES[source]
    raw = bytearray(whole)
    for at, value in changes:
        at %= len(raw)
        raw[at : at + len(value)] = value
    cut = data.draw(st.integers(0, len(raw)))

    rows, _ = read(jumplist, artifact(name, bytes(raw[:cut])))

    assert len(rows["jumplist_entry"]) <= 200
