"""ISO 9660 beyond the plain case: Rock Ridge, path tables, several namespaces, odd names, depth, boot catalogs."""

import io
import struct
from datetime import datetime

import pytest

from parsers.images.names import oddities
from tests.builders.iso import IsoFile, build_iso
from tests.parsers.images.helpers import MADE, parsed

SECTOR = 2048


def pycdlib_image(*calls: tuple[str, dict[str, object]], **how: object) -> bytes:
    """An image of an independent writer."""
    pycdlib = pytest.importorskip("pycdlib")
    disc = pycdlib.PyCdlib()
    disc.new(vol_ident="LABEL", app_ident_str="Maker 1.0", pub_ident_str="Somebody", **how)
    for name, given in calls:
        getattr(disc, name)(**given)
    out = io.BytesIO()
    disc.write_fp(out)
    disc.close()
    return out.getvalue()


def file(data: bytes, path: str, **more: str) -> tuple[str, dict[str, object]]:
    return "add_fp", {"fp": io.BytesIO(data), "length": len(data), "iso_path": path, **more}


def test_rock_ridge_name_stands_beside_the_name_that_windows_shows() -> None:
    long = "a very long name " * 10 + "that needs a continuation area.tar.gz"
    image = pycdlib_image(file(b"x", "/A.GZ;1", rr_name=long), rock_ridge="1.12")

    content, _, problems = parsed(image)

    row = content[None, "A.GZ"]
    assert problems == []
    assert (row["unix_name"], row["unix_mode"]) == (long, 0o100444)
    assert row["accessed_utc"] is not None


def test_continuation_that_leads_to_itself_ends() -> None:
    long = "n" * 240
    image = bytearray(pycdlib_image(file(b"x", "/A.GZ;1", rr_name=long), rock_ridge="1.12"))
    at = image.index(b"CE\x1c\x01", image.index(b"A.GZ;1"))
    block, offset = struct.unpack_from("<I4xI", image, at + 4)
    area = block * SECTOR + offset
    image[area : area + 28] = image[at : at + 28]

    content, _, _ = parsed(bytes(image))

    assert "not followed" in content[None, "A.GZ"]["remarks"]


def test_descriptor_gives_maker_publisher_and_creation() -> None:
    image = pycdlib_image(file(b"x", "/A.;1"), vol_set_ident="SET")

    content, volumes, _ = parsed(image)

    (volume,) = volumes
    assert (None, "A") in content
    assert (volume["application"], volume["publisher"]) == ("Maker 1.0", "Somebody")
    assert volume["volume_set"] == "SET"
    assert isinstance(volume["created_utc"], datetime)
    assert (volume["mounted"], volume["volume_offset"]) == (True, 16 * SECTOR)


def test_boot_catalog_is_noted() -> None:
    image = pycdlib_image(
        file(b"boot" * 512, "/BOOT.;1"),
        ("add_eltorito", {"bootfile_path": "/BOOT.;1", "bootcatfile": "/BOOT.CAT;1"}),
    )

    content, volumes, _ = parsed(image)

    (volume,) = volumes
    assert volume["boot_catalog_offset"] == content[None, "BOOT.CAT"]["extent_offset"]
    assert volume["boot_images"].startswith("x86, no emulation, bootable, sector ")


def test_file_of_the_other_namespace_only_is_marked() -> None:
    image = pycdlib_image(
        file(b"both", "/BOTH.TXT;1", joliet_path="/both.txt"),
        file(b"only there", "/ONLY.EXE;1"),
        joliet=3,
    )

    content, volumes, _ = parsed(image)

    assert {p for _, p in content} == {"both.txt", "ONLY.EXE"}
    assert (content[None, "both.txt"]["shown"], content[None, "ONLY.EXE"]["shown"]) == (True, False)
    assert "not in the namespace" in content[None, "ONLY.EXE"]["remarks"]
    assert [(v["name_form"], v["mounted"]) for v in volumes] == [
        ("joliet", True),
        ("iso9660", False),
    ]
    assert volumes[0]["serial"] != volumes[1]["serial"]


def test_folder_that_only_the_path_table_knows_is_read_and_marked() -> None:
    files = [IsoFile("seen.txt", b"s", MADE), IsoFile("folder\\kept.txt", b"k", MADE)]
    image = bytearray(build_iso("L", files, MADE))
    content, _, _ = parsed(bytes(image))
    record = content[None, "folder"]["record_offset"]
    image[record + 25] = 0  # the folder's record becomes a file's

    content, _, _ = parsed(bytes(image))

    row = content[None, "folder\\kept.txt"]
    assert (row["shown"], row["remarks"]) == (False, "its folder is only in the path table")


def test_folder_that_the_path_table_lacks_is_a_problem() -> None:
    image = bytearray(build_iso("L", [IsoFile("folder\\kept.txt", b"k", MADE)], MADE))
    table = struct.unpack_from("<I", image, 17 * SECTOR + 140)[0] * SECTOR
    name = "folder".encode("utf-16-be")
    at = image.index(name, table) - 8
    struct.pack_into("<I", image, at + 2, 21)

    content, _, problems = parsed(bytes(image))

    assert (None, "folder\\kept.txt") in content
    assert "iso_not_in_path_table" in {p.code for p in problems}


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("..", "name is . or .."),
        ("..\\..\\a.exe", "name holds a separator"),
        ("C:\\Windows\\a.exe", "name is absolute"),
        ("/etc/passwd", "name holds a separator"),
        ("a\nb.exe", "name holds control characters"),
        ("invoice\u202excod.exe", "name turns the direction of writing"),
        ("a\u200b.exe", "name holds unseen characters"),
        ("report.pdf" + " " * 40 + ".exe", "name holds a long gap"),
        ("a.exe.", "name ends in a point or blank"),
        ("con.txt", "name is a device of Windows"),
        ("", "name is empty"),
        ("a" * 300, "name is longer than Windows allows"),
    ],
)
def test_odd_names_are_remarked(name: str, remark: str) -> None:
    assert remark in list(oddities(name))


def test_usual_names_are_not_odd() -> None:
    names = ("a.exe", "Ж.txt", "console.log", "two words.lnk", ".htaccess", "x" * 255)
    assert [list(oddities(name)) for name in names] == [[]] * len(names)


def test_name_that_leaves_its_folder_is_kept_marked_and_a_problem() -> None:
    image = bytearray(build_iso("L", [IsoFile("aa/x.txt", b"k", MADE)], MADE))

    content, _, problems = parsed(bytes(image))

    row = content[None, "aa/x.txt"]
    assert row["remarks"] == "name holds a separator"
    assert "image_name_unsafe" in {p.code for p in problems}


def deep(levels: int, length: int = SECTOR) -> bytes:
    """A plain image with one folder in the other; the last one holds a file."""
    image = bytearray((20 + levels + 1) * SECTOR)

    def both(n: int, size: int) -> bytes:
        return n.to_bytes(size, "little") + n.to_bytes(size, "big")

    def record(name: bytes, sector: int, size: int, flags: int) -> bytes:
        body = bytes(1) + both(sector, 4) + both(size, 4) + bytes((124, 5, 14, 8, 0, 0, 0))
        body += bytes((flags, 0, 0)) + both(1, 2) + bytes((len(name),)) + name
        body += bytes((len(body) + 1) % 2)
        return bytes((len(body) + 1,)) + body

    for level in range(levels):
        at = 20 + level
        last = level == levels - 1
        inner = record(
            b"F.TXT;1" if last else b"D", at + 1, 4 if last else length, 0 if last else 2
        )
        own = record(b"\0", at, SECTOR, 2) + record(b"\1", max(20, at - 1), SECTOR, 2) + inner
        image[at * SECTOR : at * SECTOR + len(own)] = own
    head = b"\1CD001\1\0" + b" " * 64 + bytes(8) + both(len(image) // SECTOR, 4) + bytes(32)
    head += both(1, 2) * 2 + both(SECTOR, 2) + bytes(24) + record(b"\0", 20, SECTOR, 2)
    image[16 * SECTOR : 16 * SECTOR + len(head)] = head
    image[17 * SECTOR : 17 * SECTOR + 7] = b"\xffCD001\1"
    return bytes(image)


def test_ten_thousand_levels_end_with_a_problem() -> None:
    content, _, problems = parsed(deep(10_000))

    assert "iso_too_deep" in {p.code for p in problems}
    assert len(content) == 256


def test_levels_within_bounds_are_all_read() -> None:
    content, _, problems = parsed(deep(200))

    assert problems == []
    assert (None, "D\\" * 199 + "F.TXT") in content


def test_many_files_over_the_same_bytes_are_digested_once_and_overlapping_ones_are_bounded() -> (
    None
):
    data = b"\7" * (4 << 20)
    names = [f"f{i:03}.bin" for i in range(90)]
    files = [IsoFile("big.bin", data, MADE)] + [
        IsoFile(n, b"x" * (i + 1), MADE) for i, n in enumerate(names)
    ]
    image = bytearray(build_iso("L", files, MADE))
    content, _, _ = parsed(bytes(image))
    big = content[None, "big.bin"]["extent_offset"]
    for i, name in enumerate(names):
        at = content[None, name]["record_offset"]
        struct.pack_into("<I", image, at + 2, big // SECTOR)
        struct.pack_into("<I", image, at + 10, len(data) - i)

    content, _, problems = parsed(bytes(image))

    digested = [r for r in content.values() if r["sha256"]]
    assert "image_not_digested" in {p.code for p in problems}
    assert sum(r["size_bytes"] for r in digested) <= 4 * len(image) + (256 << 20) + len(data)


def test_image_without_descriptors_is_listed_by_its_folders() -> None:
    files = [IsoFile("Open me.lnk", b"shortcut", MADE), IsoFile("d\\e\\x.dll", b"inert", MADE)]
    image = bytearray(build_iso("L", files, MADE))
    image[16 * SECTOR : 19 * SECTOR] = bytes(3 * SECTOR)

    content, volumes, problems = parsed(bytes(image), "a.iso")

    assert {p for _, p in content} == {"Open me.lnk", "d", "d\\e", "d\\e\\x.dll"}
    assert {p.code for p in problems} == {"iso_found_by_scan"}
    assert [(v["name_form"], v["mounted"]) for v in volumes] == [
        ("joliet", False),
        ("iso9660", False),
    ]


def test_file_that_is_no_image_says_so() -> None:
    content, volumes, problems = parsed(b"no image at all" * 9000, "a.iso")

    assert (content, volumes) == ({}, [])
    assert [p.code for p in problems] == ["image_no_volume"]


def test_folders_that_claim_more_bytes_than_the_image_has_are_bounded() -> None:
    content, _, problems = parsed(deep(250, 1 << 30) + bytes(1 << 20))

    assert {"iso_directory_cut", "iso_folders_too_large"} <= {p.code for p in problems}
    assert 0 < len(content) < 250


def test_files_of_a_session_that_windows_does_not_show_are_listed_as_such() -> None:
    first = build_iso(
        "FIRST", [IsoFile("a.txt", b"old", MADE), IsoFile("b.txt", b"both", MADE)], MADE
    )
    behind = len(first) // SECTOR + 8
    later = build_iso("LATER", [IsoFile("c.txt", b"new", MADE)], MADE, base=behind)
    appended = first.ljust(behind * SECTOR, b"\0") + later
    kept = build_iso("FIRST", [IsoFile("a.txt", b"old", MADE)], MADE, base=32)
    start = 32 + len(kept) // SECTOR
    newest = build_iso("NEWEST", [IsoFile("c.txt", b"new", MADE)], MADE, base=start)
    heads = newest[16 * SECTOR : 19 * SECTOR]
    overwritten = (bytes(16 * SECTOR) + heads).ljust(32 * SECTOR, b"\0") + kept + newest

    for image, label, shown, other in (
        (appended, "FIRST", {"a.txt", "b.txt"}, "c.txt"),
        (overwritten, "NEWEST", {"c.txt"}, "a.txt"),
    ):
        content, volumes, problems = parsed(image)

        assert {p for (_, p), r in content.items() if r["shown"]} == shown
        assert [p for (_, p), r in content.items() if not r["shown"]] == [other]
        assert [v["label"] for v in volumes if v["mounted"]] == [label]
        assert sum("another session" in (v["remarks"] or "") for v in volumes) == 2
        assert problems == []


def test_an_image_behind_the_volume_is_no_session_of_it() -> None:
    outer = build_iso("OUTER", [IsoFile("a.txt", b"a", MADE)], MADE)
    inner = build_iso("INNER", [IsoFile("b.txt", b"b", MADE)], MADE)

    content, volumes, problems = parsed(outer.ljust(64 * SECTOR, b"\0") + inner)

    assert {p for _, p in content} == {"a.txt"}
    assert {v["label"] for v in volumes} == {"OUTER"}
    assert problems == []
