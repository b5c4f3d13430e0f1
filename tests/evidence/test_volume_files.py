"""What a volume of an image gives: only what bears on the question, with its path; encrypted and older states too."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from forensic_iso.case.ingest import logical_path
from forensic_iso.evidence import image_files
from forensic_iso.evidence import volume as volume_module
from forensic_iso.evidence.bitlocker import read_keys
from forensic_iso.evidence.discover import ImageOptions, discover
from forensic_iso.evidence.found import Found
from forensic_iso.evidence.groups import nearest_logs
from forensic_iso.evidence.opening import forget_layers, open_found
from forensic_iso.evidence.reopen import found_at
from forensic_iso.evidence.shadow import Store
from forensic_iso.evidence.streams import stream_problems
from parsers.registry import PARSERS
from tests.builders import bitlocker
from tests.builders import disk_files as build
from tests.builders.classic_story import classic_iso, the_image
from tests.builders.hive import hive, tree
from tests.evidence.image_maker import (
    PARTITION,
    codes,
    found_of,
    image,
    put,
    read,
    small_system,
    system_volume_bytes,
    tar,
    with_gpt,
)
from tests.evidence.zip_maker import make_zip
from tests.shared import REAL, needs_shared


def test_only_what_bears_on_the_question_is_given(tmp_path: Path) -> None:
    given = put(tmp_path, {"disk.dd": small_system().build(400)})

    found = found_of(discover([given], PARSERS))

    assert set(found) == {
        r"C:\$MFT",
        r"C:\$Extend\$UsnJrnl:$J",
        r"C:\Users\a\Downloads\long.iso",
        r"C:\Users\a\Downloads\long.iso:Zone.Identifier",
        r"C:\Users\a\Documents\renamed.dat2",
    }
    mark = read(found[r"C:\Users\a\Downloads\long.iso:Zone.Identifier"])
    assert mark.startswith(b"[ZoneTransfer]") and len(mark) > 900
    journal = found[r"C:\$Extend\$UsnJrnl:$J"]
    assert (journal.name, journal.size) == ("$J", 4096)
    assert read(journal) == b"\x50\0\0\0\2\0\0\0" * 512


def registry(letter: str) -> list[tuple[str, bytes]]:
    mounted = {f"\\DosDevices\\{letter}:": ("BINARY", b"DMIO:ID:" + PARTITION.bytes_le)}
    system = hive(tree({"MountedDevices": mounted}))
    root = {"SystemRoot": ("SZ", f"{letter}:\\Windows")}
    software = hive(tree({"Microsoft\\Windows NT\\CurrentVersion": root}))
    config = "Windows\\System32\\config\\"
    return [(f"{config}SYSTEM", system), (f"{config}SOFTWARE", software)]


@pytest.mark.parametrize("hives", [(0, 1), (0,), (1,)])
def test_the_letter_is_that_of_the_registry(hives: tuple[int, ...], tmp_path: Path) -> None:
    extra = [registry("F")[k] for k in hives]
    given = put(tmp_path, {"disk.dd": with_gpt(small_system(extra).build(400))})

    result = discover([given], PARSERS)

    assert r"F:\$MFT" in found_of(result)
    assert "drive_letter_assumed" not in codes(result)


def test_the_logs_of_the_system_volume_name_the_host_of_another_volume() -> None:
    kinds, image_file = ("image", "volume"), "/e/disk.dd"
    log = Found("disk.dd!/partition 1!/L/Security.evtx", "L/Security.evtx", 1, "Security.evtx", None,
                "/e/disk.dd", (image_file, "partition 1"), (0, 70), kinds)  # fmt: skip
    table = Found("disk.dd!/partition 2!/$MFT", "$MFT", 1, "$MFT", None, "/e/disk.dd",
                  (image_file, "partition 2"), (1 << 30, 0), kinds)  # fmt: skip

    assert nearest_logs(table, [log]) == [log]


def test_damage_below_a_file_is_told_where_it_is_read(tmp_path: Path) -> None:
    volume = system_volume_bytes()
    log = next(d for p, d in classic_iso().files.items() if p.endswith("Sysmon%4Operational.evtx"))
    raw = bytearray(build.e01(volume, pack=False)[0])
    chunk = log.find(b"ElfChnk", 150_000)
    raw[raw.find(log[chunk + 512 : chunk + 640])] ^= 0xFF
    given = put(tmp_path, {"disk.E01": bytes(raw)})

    result = discover([given], PARSERS)
    sysmon = next(r.found for r in result.recognised if "Sysmon" in r.found.name)
    with open_found(sysmon) as stream:
        data = stream.read()
        problems = stream_problems(stream)

    assert len(data) == len(log)
    assert [p.code for p in problems] == ["chunk_checksum"]


def test_a_locked_volume_is_told(tmp_path: Path) -> None:
    boot = bytearray(1 << 16)
    boot[:11] = b"\xeb\x58\x90-FVE-FS-"
    boot[510:512] = b"\x55\xaa"
    given = put(tmp_path, {"disk.dd": bytes(boot)})

    result = discover([given], PARSERS, ImageOptions(unlock=("123456-" * 7 + "123456",)))

    assert "bitlocker_locked" in codes(result)
    assert "--bitlocker-key" in result.problems[0].problem.message


def test_keys_are_never_shown() -> None:
    options = ImageOptions(unlock=("secret",))
    found = Found("p", "m", 1, "n", None, "/g", unlock=("secret",))

    assert "secret" not in repr(options) + repr(found)


@needs_shared
def test_shadow_copies_give_their_own_state_once() -> None:
    given = REAL / "log2timeline_plaso/vsstest.qcow2"

    plain = discover([given], PARSERS)
    older = discover([given], PARSERS, ImageOptions(shadow_copies=True))

    assert [r.found.member for r in plain.recognised] == ["$MFT"]
    assert [r.found.member for r in older.recognised] == ["$MFT", "vss1/$MFT", "vss2/$MFT"]
    sizes = [len(read(r.found)) for r in older.recognised]
    assert sizes == [r.found.size for r in older.recognised]
    assert b"s\0y\0s\0l\0o\0g\0" in read(older.recognised[1].found)


def test_the_path_in_the_case_leads_back_to_the_file(tmp_path: Path) -> None:
    disk = image("E01", with_gpt(small_system().build(400)))
    plain = put(tmp_path, {f"in/{n}": d for n, d in disk.items()})
    zipped = put(tmp_path, {"z.zip": make_zip({f"h/{n}": d for n, d in disk.items()})})
    tarred = put(tmp_path, {"t.tar.gz": tar({"found": b"x"}, "w:gz")})

    for given in (plain, plain.parent, zipped, tarred):
        result = discover([given], PARSERS)
        files = [r.found for r in result.recognised] + [f for f, _ in result.unrecognised]
        assert files
        for found in files:
            again = found_at(found.given, logical_path(found))
            assert again is not None
            assert (again.size, again.offsets, again.kinds) == (
                found.size,
                found.offsets,
                found.kinds,
            )
            if found.kinds:
                assert read(again) == read(found)
    assert found_at(str(plain), "disk.E01!/partition 1!/Users/none") is None


class Halves:
    """Stands for the library: a volume whose bytes are inverted, and a key that opens it."""

    def __init__(self) -> None:
        self.key = ""

    def set_password(self, key: str) -> None:
        self.key = key

    def open_file_object(self, stream: io.RawIOBase) -> None:
        self.stream = stream

    def is_locked(self) -> bool:
        return self.key != "right"

    def get_size(self) -> int:
        return self.stream.seek(0, io.SEEK_END)

    def read_buffer_at_offset(self, n: int, at: int) -> bytes:
        self.stream.seek(at)
        data = bytes(b ^ 0xFF for b in self.stream.read(n) or b"")
        return b"\xeb\x52\x90NTFS    "[at:] + data[max(0, 11 - at) :] if at < 11 else data

    def get_number_of_key_protectors(self) -> int:
        return 0

    def get_volume_identifier(self) -> str:
        return "aa-bb"

    def close(self) -> None:
        pass


def test_an_encrypted_volume_is_read_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = bytearray(b ^ 0xFF for b in small_system().build(400))
    locked[:11] = b"\xeb\x58\x90-FVE-FS-"
    given = put(tmp_path, {"disk.dd": bytes(locked)})
    monkeypatch.setitem(sys.modules, "pybde", SimpleNamespace(volume=Halves))

    without = discover([given], PARSERS, ImageOptions(unlock=("wrong",)))
    opened = discover([given], PARSERS, ImageOptions(unlock=("wrong", "right")))

    assert codes(without)[0] == "bitlocker_locked"
    assert "aa-bb" in without.problems[0].problem.found
    mark = found_of(opened)[r"C:\Users\a\Downloads\long.iso:Zone.Identifier"]
    forget_layers()
    assert read(mark).startswith(b"[ZoneTransfer]")


def locked_disk(folder: Path, protector: str) -> Path:
    pytest.importorskip("cryptography")
    plain = small_system().build(400)
    disk = bitlocker.encrypt(plain + bytes(1 << 19), protector)
    return put(folder, {f"{protector}.dd": disk})


@pytest.mark.parametrize(
    ("protector", "name", "key"),
    [
        ("recovery", "key.txt", f"{bitlocker.RECOVERY}\n".encode()),
        ("recovery", "saved.txt", f"Key:\r\n\r\n{bitlocker.RECOVERY}\r\n".encode("utf-16")),
        ("recovery", "", bitlocker.RECOVERY.replace("-", " ").encode()),
        ("password", "", bitlocker.PASSWORD.encode()),
        ("startup", "drive.BEK", bitlocker.bek()),
        ("clear", "", b""),
    ],
)
def test_a_bitlocker_volume_is_opened_by_each_protector(
    protector: str, name: str, key: bytes, tmp_path: Path
) -> None:
    given = locked_disk(tmp_path, protector)
    keys = [str(put(tmp_path, {f"keys/{name}": key})) if name else key.decode()]

    opened = discover([given], PARSERS, ImageOptions(unlock=read_keys(keys if key else [])))

    mark = found_of(opened)[r"C:\Users\a\Downloads\long.iso:Zone.Identifier"]
    assert read(mark).startswith(b"[ZoneTransfer]")


def test_keys_that_do_not_fit_are_told_with_what_the_volume_asks_for(tmp_path: Path) -> None:
    given = locked_disk(tmp_path, "recovery")
    keys = ("secret", "none.bek", "123456-" + "110000-" * 6 + "110000")

    without = discover([given], PARSERS)
    wrong = discover([given], PARSERS, ImageOptions(unlock=keys))

    protector = "recovery password 11223344-5566-7788-99aa-bbccddeeff00"
    assert codes(without)[0] == codes(wrong)[0] == "bitlocker_locked"
    assert without.problems[0].problem.found.endswith(protector)
    assert wrong.problems[0].problem.found.endswith(
        f"{protector}; does not open it: a password; does not open it: a startup key: there is no such file; "
        "does not open it: a recovery password, of which group 1 is mistyped: no multiple of 11"
    )
    assert "--bitlocker-key" in wrong.problems[0].problem.message


def test_an_older_state_gives_only_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = small_system([("Users\\a\\Downloads\\gone.iso", the_image())]).build(400)
    given = put(tmp_path, {"disk.dd": small_system().build(400)})
    store = Store(1, 0, "id", io.BytesIO(older), len(older))
    monkeypatch.setattr(image_files, "stores", lambda *_: [store])
    monkeypatch.setattr(volume_module, "stores", lambda *_: [store])

    result = discover([given], PARSERS, ImageOptions(shadow_copies=True))

    files = [r.found for r in result.recognised] + [f for f, _ in result.unrecognised]
    shadows = {f.member: f for f in files if f.kinds and f.kind.endswith("vss1")}
    assert set(shadows) == {"vss1/$MFT", "vss1/Users/a/Downloads/gone.iso"}
    gone = shadows["vss1/Users/a/Downloads/gone.iso"]
    assert gone.windows_path == r"C:\Users\a\Downloads\gone.iso"
    assert read(gone) == the_image()
    assert "unchanged_in_shadow_copies" in codes(result)
