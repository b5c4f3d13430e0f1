"""UDF: every kind of partition and allocation, zones, bridges, and what Windows takes of them."""

import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from parsers import images
from tests.builders.iso import IsoFile, build_iso
from tests.builders.udf import NO_ZONE, UdfFile, build_udf
from tests.parsers.images.helpers import parsed

WHEN = datetime(2024, 5, 14, 8, 0, 1, 123456, tzinfo=UTC)
CHAINED = bytes(range(256)) * 40
SHAPES: dict[str, dict[str, Any]] = {
    "1.02, file entries": {"extended": False, "revision": 0x0102},
    "2.01, extended entries": {},
    "2.50, metadata partition": {"metadata": True, "revision": 0x0250},
    "blocks of 512": {"block": 512},
    "anchor at the end": {"anchors": ("last",)},
    "anchor 256 before the end": {"anchors": ("before_last",)},
}


def files(metadata: bool = False) -> list[UdfFile]:
    plain = "long" if metadata else "short"
    return [
        UdfFile("Open me.lnk", b"x" * 100, WHEN, form="embedded"),
        UdfFile("d\\résumé.exe", b"y" * 5000, WHEN, hidden=True, system=True, form=plain),
        UdfFile("d\\e\\Ж.bin", b"z" * 9000, WHEN, form="long", zone=120),
        UdfFile("d\\chain.bin", CHAINED, WHEN, form="chained"),
        UdfFile("empty.txt", b"", WHEN, form=plain),
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_all_files_with_digests_flags_and_times(shape: str) -> None:
    given = files(SHAPES[shape].get("metadata", False))
    image = build_udf("TESTVOL", given, WHEN, **SHAPES[shape])

    content, volumes, problems = parsed(image)

    assert problems == []
    assert images.recognise("a.txt", image[:34816])
    assert {p for _, p in content} == {f.path for f in given} | {"d", "d\\e"}
    for file in given:
        row = content[None, file.path]
        assert row["sha256"] == hashlib.sha256(file.data).hexdigest().upper()
        assert (row["hidden"], row["system"]) == (file.hidden, file.system)
        assert row["modified_utc"] == WHEN.replace(tzinfo=None)
        assert not file.data or image[row["extent_offset"] :].startswith(file.data[:500])
    (volume,) = volumes
    assert (volume["label"], volume["mounted"], volume["filesystem"]) == ("TESTVOL", True, "UDF")
    assert volume["created_utc"] == WHEN.replace(tzinfo=None)
    assert (volume["file_count"], volume["directory_count"]) == (5, 2)


def test_revision_is_that_of_the_logical_volume() -> None:
    image = build_udf("V", files(), WHEN, revision=0x0260)

    _, volumes, _ = parsed(image)

    assert volumes[0]["revision"] == "UDF 2.60"


def test_serial_is_the_reversed_sum_over_the_primary_descriptor() -> None:
    image = build_udf("V", files(), WHEN)

    _, volumes, _ = parsed(image)

    sector = image[96 * 2048 : 97 * 2048]
    lanes = [sum(sector[i::4]) & 255 for i in range(4)]
    number = int.from_bytes(bytes(lanes), "little")
    assert volumes[0]["serial"] == f"{number >> 16:04X}-{number & 0xFFFF:04X}"
    assert "not verified" in volumes[0]["serial_basis"]


def test_time_without_zone_is_local_and_not_utc() -> None:
    image = build_udf("V", [UdfFile("a", b"a", WHEN, zone=NO_ZONE)], WHEN)

    content, _, _ = parsed(image)

    row = content[None, "a"]
    assert (row["modified_utc"], row["zone_minutes"]) == (None, None)
    assert row["modified_local"] == WHEN.replace(tzinfo=None)


def test_deleted_file_is_a_row_that_is_not_shown() -> None:
    image = build_udf("V", [UdfFile("gone.exe", b"gone", WHEN, deleted=True)], WHEN)

    content, _, _ = parsed(image)

    row = content[None, "gone.exe"]
    assert (row["deleted"], row["shown"]) == (True, False)
    assert row["sha256"] == hashlib.sha256(b"gone").hexdigest().upper()


def test_named_stream_is_a_row_and_the_mark_stands_with_its_file() -> None:
    mark = b"[ZoneTransfer]\r\nZoneId=3\r\nReferrerUrl=http://a.example/\r\n"
    image = build_udf("V", [UdfFile("a", b"a", WHEN, streams=(("Zone.Identifier", mark),))], WHEN)

    content, _, _ = parsed(image)

    assert content[None, "a:Zone.Identifier"]["size_bytes"] == len(mark)
    assert (content[None, "a"]["zone_id"], content[None, "a"]["zone_referrer_url"]) == (
        3,
        "http://a.example/",
    )


def test_damaged_first_anchor_and_sequence_lead_to_the_others() -> None:
    image = bytearray(build_udf("V", files(), WHEN))
    image[256 * 2048 : 257 * 2048] = bytes(2048)

    content, _, _ = parsed(bytes(image))

    assert (None, "d\\chain.bin") in content


def test_without_recognition_sequence_the_tree_is_read_and_said_not_to_be_mounted() -> None:
    image = bytearray(build_udf("V", files(), WHEN))
    image[16 * 2048 : 19 * 2048] = bytes(3 * 2048)

    content, volumes, _ = parsed(bytes(image), "a.iso")

    assert (None, "d\\chain.bin") in content
    assert (volumes[0]["mounted"], volumes[0]["remarks"][:6]) == (False, "no NSR")


def test_wrong_crc_is_said_and_the_descriptor_read() -> None:
    image = bytearray(build_udf("V", files(), WHEN))
    at = 97 * 2048 + 84 + 1
    image[at] ^= 1

    content, _, problems = parsed(bytes(image))

    assert (None, "d\\chain.bin") in content
    assert "udf_crc" in {p.code for p in problems}


def test_folder_that_holds_itself_ends() -> None:
    image = bytearray(build_udf("V", files(), WHEN))
    content, _, _ = parsed(bytes(image))
    inner, root = content[None, "d\\e"]["record_offset"], content[None, "d"]["record_offset"]
    image[inner + 20 : inner + 30] = image[root + 20 : root + 30]

    _, _, problems = parsed(bytes(image))

    assert "udf_directory_loop" in {p.code for p in problems}


def test_bridge_gives_the_udf_tree_and_marks_what_only_the_iso_tree_has() -> None:
    pycdlib = pytest.importorskip("pycdlib")
    disc = pycdlib.PyCdlib()
    disc.new(vol_ident="BRIDGE", udf="2.60", joliet=3)
    disc.add_fp(
        io.BytesIO(b"both"), 4, "/BOTH.TXT;1", joliet_path="/both.txt", udf_path="/Both.txt"
    )
    disc.add_fp(io.BytesIO(b"hidden"), 6, "/ONLY.EXE;1", joliet_path="/only.exe")
    written = io.BytesIO()
    disc.write_fp(written)
    disc.close()

    content, volumes, problems = parsed(written.getvalue())

    assert problems == []
    assert content[None, "Both.txt"]["shown"]
    hidden = [r for (_, p), r in content.items() if p.casefold() == "only.exe"]
    assert [r["shown"] for r in hidden] == [False]
    assert not any(p in ("both.txt", "BOTH.TXT") for _, p in content)
    assert [(v["name_form"], v["mounted"]) for v in volumes] == [
        ("udf", True),
        ("joliet", False),
        ("iso9660", False),
    ]


def test_iso_content_that_looks_like_udf_elsewhere_stays_iso() -> None:
    image = build_iso("I", [IsoFile("a.txt", b"NSR02" * 1000, WHEN)], WHEN)

    _, volumes, _ = parsed(image)

    assert {v["filesystem"] for v in volumes} == {"CDFS"}


def test_zone_is_applied() -> None:
    image = build_udf("V", [UdfFile("a", b"a", WHEN, zone=-330)], WHEN - timedelta(days=1))

    content, _, _ = parsed(image)

    row = content[None, "a"]
    assert (row["modified_utc"], row["zone_minutes"]) == (WHEN.replace(tzinfo=None), -330)
