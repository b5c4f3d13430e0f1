import struct
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import defender_quarantine as quarantine
from tests.builders.hive import filetime
from tests.parsers.reading import artifact, read

NAME = "{80012C2E-0000-0000-1234-56789ABCDEF0}"
AT = datetime(2024, 1, 6, 5, 35, 16, tzinfo=UTC)
MADE = datetime(2024, 1, 6, 5, 0, 0, tzinfo=UTC)
RESOURCE = bytes(range(20))


def field(number: int, kind: int, data: bytes) -> bytes:
    raw = struct.pack("<HH", len(data), kind << 12 | number) + data
    return raw + bytes(-len(raw) % 4)


def item(path: str, kind: str, *fields: bytes) -> bytes:
    head = (
        path.encode("utf-16-le") + b"\0\0" + struct.pack("<H", len(fields)) + kind.encode() + b"\0"
    )
    return head + bytes(-len(head) % 4) + b"".join(fields)


def entry(*items: bytes) -> bytes:
    """An entry; hiding and showing are the same act."""
    first = UUID(int=1).bytes_le + UUID(int=2).bytes_le + struct.pack("<QQI", filetime(AT), 99, 1)
    first += b"Trojan:Win32/Test\0"
    second, at = struct.pack("<I", len(items)), 4 + 4 * len(items)
    for one in items:
        second += struct.pack("<I", at)
        at += len(one)
    second += b"".join(items)
    head = b"\xdb\xe8\xc5\x01".ljust(40, b"\0") + struct.pack(
        "<IIII", len(first), len(second), 0, 0
    )
    return b"".join(map(quarantine.rc4, (head.ljust(60, b"\0"), first, second)))


FILE = item(
    r"E:\docs\a.exe",
    "file",
    field(2, 4, RESOURCE),
    field(0x0C, 2, "\\Device\\CdRom0\\docs\\a.exe\0".encode("utf-16-le")),
    field(0x0F, 6, struct.pack("<Q", filetime(MADE))),
    field(0x7F, 5, b"abc"),
)
BOX = item(r"C:\Users\ann\a.iso->a.exe", "containerfile")


def test_an_entry_gives_what_was_taken_and_why() -> None:
    data = entry(FILE, BOX)

    rows, problems = read(quarantine, artifact(NAME, data))

    file, box = rows["defender_quarantine"]
    assert problems == []
    assert (file["path"], file["kind"], file["threat_name"]) == (
        r"E:\docs\a.exe",
        "file",
        "Trojan:Win32/Test",
    )
    assert (file["quarantined_utc"], file["file_created_utc"]) == (
        AT.replace(tzinfo=None),
        MADE.replace(tzinfo=None),
    )
    assert (file["physical_path"], file["resource_id"]) == (
        r"\Device\CdRom0\docs\a.exe",
        RESOURCE.hex().upper(),
    )
    assert (box["path"], box["kind"], box["threat_id"]) == (
        r"C:\Users\ann\a.iso->a.exe",
        "containerfile",
        99,
    )
    assert box["offset"] == len(data) - len(BOX)


def test_the_hiding_is_rc4() -> None:
    # A published test vector.
    assert quarantine.rc4(b"Plaintext", b"Key").hex() == "bbf316e8d940af0ad3"


def test_an_entry_that_is_cut_is_told() -> None:
    rows, problems = read(quarantine, artifact(NAME, entry(FILE, BOX)[:-10]))

    assert [r["path"] for r in rows["defender_quarantine"]][:1] == [r"E:\docs\a.exe"]
    assert {p.code for p in problems} == {"defender_quarantine"}


def test_entries_are_told_by_name_and_sizes() -> None:
    data = entry(FILE)

    assert quarantine.recognise(NAME, data)
    assert not quarantine.recognise("a.exe", data)
    assert not quarantine.recognise(NAME, bytes(4000))


@settings(max_examples=40)
@given(st.integers(0, 300), st.binary(min_size=1, max_size=8))
def test_wounds_end_in_rows_or_problems(at: int, junk: bytes) -> None:
    data = bytearray(entry(FILE, BOX))
    data[at : at + len(junk)] = junk

    rows, _ = read(quarantine, artifact(NAME, bytes(data)))

    assert len(rows["defender_quarantine"]) < 200
