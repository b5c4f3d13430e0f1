"""The image and shortcut writers keep to their formats, field by field."""

import struct
from datetime import UTC, datetime

from tests.builders.iso import HIDDEN, SECTOR, IsoFile, build_iso, cdfs_serial
from tests.builders.lnk import DRIVE_CDROM, Shortcut, VolumeId, build_lnk

MADE = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
FILES = [
    IsoFile("a long name.txt", b"first", MADE),
    IsoFile("folder\\inner\\hidden one.dat", b"x" * 5000, MADE, hidden=True),
    IsoFile("folder\\empty.txt", b"", MADE),
]


def listing(image: bytes, sector: int, size: int, at: str = "") -> dict[str, tuple[bytes, int]]:
    """Files of a Joliet directory by path: contents and flags."""
    found: dict[str, tuple[bytes, int]] = {}
    data, p = image[sector * SECTOR : sector * SECTOR + size], 0
    while p < len(data):
        length = data[p]
        if not length:
            p = (p // SECTOR + 1) * SECTOR
            continue
        first, extent, flags = *struct.unpack_from("<I4xI", data, p + 2), data[p + 25]
        raw = data[p + 33 : p + 33 + data[p + 32]]
        p += length
        if raw in (b"\0", b"\1"):
            continue
        name = at + raw.decode("utf-16-be").removesuffix(";1")
        if flags & 2:
            found |= listing(image, first, extent, name + "\\")
        else:
            found[name] = (image[first * SECTOR : first * SECTOR + extent], flags)
    return found


def test_joliet_tree_holds_the_files_with_their_flags() -> None:
    image = build_iso("LABEL_1", FILES, MADE)
    root = image[17 * SECTOR + 156 :]

    found = listing(image, *struct.unpack_from("<I4xI", root, 2))

    assert found == {f.path: (f.data, HIDDEN if f.hidden else 0) for f in FILES}


def test_descriptors_carry_mark_label_and_size() -> None:
    image = build_iso("LABEL_1", FILES, MADE)

    assert image[16 * SECTOR : 16 * SECTOR + 6] == b"\x01CD001"
    assert image[17 * SECTOR : 17 * SECTOR + 6] == b"\x02CD001"
    assert image[18 * SECTOR : 18 * SECTOR + 6] == b"\xffCD001"
    assert image[16 * SECTOR + 40 : 16 * SECTOR + 72].rstrip() == b"LABEL_1"
    assert image[17 * SECTOR + 40 : 17 * SECTOR + 72].decode("utf-16-be").rstrip() == "LABEL_1"
    assert struct.unpack_from("<I", image, 16 * SECTOR + 80)[0] * SECTOR == len(image)


def test_many_entries_do_not_cross_sectors() -> None:
    files = [IsoFile(f"some longer file name {i:03d}.txt", bytes([i]), MADE) for i in range(90)]
    image = build_iso("L", files, MADE)
    root = image[17 * SECTOR + 156 :]

    found = listing(image, *struct.unpack_from("<I4xI", root, 2))

    assert found == {f.path: (f.data, 0) for f in files}


def test_serial_sums_the_joliet_descriptor() -> None:
    image = build_iso("L", FILES, MADE)

    serial = cdfs_serial(image)

    assert serial & 255 == sum(image[17 * SECTOR + 3 : 18 * SECTOR : 4]) & 255


def test_shortcut_holds_target_volume_and_strings() -> None:
    volume = VolumeId(DRIVE_CDROM, 0xC2F83399, "LABEL")
    link = build_lnk(
        Shortcut("E:\\x.exe", volume, "/a b", "E:\\", "icon.dll", 3, target_size=7, machine="PC")
    )

    size, flags = struct.unpack_from("<I16xI", link, 0)
    info = struct.unpack_from("<9I", link, 76)
    start = 76 + info[3]
    kind, serial, label_at = struct.unpack_from("<4xIII", link, start)

    assert (size, flags) == (0x4C, 0x02 | 0x10 | 0x20 | 0x40 | 0x80)
    assert (kind, serial) == (DRIVE_CDROM, 0xC2F83399)
    assert link[start + label_at :].startswith(b"LABEL\0")
    assert link[76 + info[4] :].startswith(b"E:\\x.exe\0")
    assert link[76 + info[7] :].startswith("E:\\x.exe\0".encode("utf-16-le"))
    strings = link[76 + info[0] :]
    texts = ["E:\\", "/a b", "icon.dll"]
    assert strings.startswith(
        b"".join(struct.pack("<H", len(t)) + t.encode("utf-16-le") for t in texts)
    )
    assert link.endswith(b"\0" * 68)
