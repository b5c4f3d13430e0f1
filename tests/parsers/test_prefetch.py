import random
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import prefetch
from parsers.contract import Problem
from parsers.prefetch import mam, name_hash
from tests.builders.prefetch import MadePrefetch, MadeVolume, build_prefetch, compress
from tests.parsers.reading import artifact, read
from tests.shared import CASES, REAL, needs_shared

RUN = datetime(2024, 6, 17, 10, 28, 3, 139815, tzinfo=UTC)
EARLIER = datetime(2024, 6, 17, 9, 0, tzinfo=UTC)
CREATED = datetime(2024, 2, 15, 8, tzinfo=UTC)
OPTICAL = MadeVolume("\\VOLUME{0000000000000000-4367999f}", 0x4367999F)
SYSTEM = MadeVolume("\\VOLUME{01da5ff35561a7cc-a53e9b24}", 0xA53E9B24, CREATED, ("\\WINDOWS",))
VIEWER = "\\DEVICE\\CDROM0\\VIEWER.EXE"
NTDLL = SYSTEM.device_path + "\\WINDOWS\\SYSTEM32\\NTDLL.DLL"
RUNDLL = "\\DEVICE\\HARDDISKVOLUME3\\WINDOWS\\SYSTEM32\\RUNDLL32.EXE"


def _viewer(**changes: Any) -> MadePrefetch:
    given = {
        "name": "VIEWER.EXE",
        "hash": name_hash.name_hash(VIEWER),
        "runs": (RUN, EARLIER),
        "run_count": 2,
        "files": (OPTICAL.device_path + "\\VIEWER.EXE", NTDLL),
        "references": {NTDLL: 7 << 48 | 4321},
        "volumes": (OPTICAL, SYSTEM),
        "path": VIEWER,
    }
    return MadePrefetch(**{**given, **changes})


def _read(
    data: bytes, name: str = "VIEWER.EXE-19380ADE.pf"
) -> tuple[dict[str, list[dict[str, Any]]], list[Problem]]:
    assert prefetch.recognise(name, data[:34816])
    return read(prefetch, artifact(name, data))


@pytest.mark.parametrize("packed", [False, True])
def test_a_run_from_an_optical_volume_is_told_with_path_serial_and_times(packed: bool) -> None:
    plain = build_prefetch(_viewer())

    rows, problems = _read(compress(plain) if packed else plain)

    assert not problems
    [row] = rows["prefetch"]
    assert row["own_device_path"] == VIEWER
    assert row["own_path"] == OPTICAL.device_path + "\\VIEWER.EXE"
    assert (row["own_volume_serial"], row["own_volume_created_utc"]) == ("4367-999F", None)
    assert (row["hash_matches_path"], row["hash_agrees"]) == (True, True)
    assert row["hash_basis"] == "recorded path"
    assert row["last_run_utc"] == RUN.replace(tzinfo=None)
    assert (row["is_compressed"], row["is_whole"], row["run_count"]) == (packed, True, 2)
    assert {r["name_hash"] for table in rows.values() for r in table} == {"19380ADE"}
    assert [r["run_utc"] for r in rows["prefetch_run"]] == [
        RUN.replace(tzinfo=None),
        EARLIER.replace(tzinfo=None),
    ]
    for run in rows["prefetch_run"]:
        [filetime] = struct.unpack_from("<Q", plain, run["offset"])
        assert filetime // 10 - 11644473600_000000 == int(
            run["run_utc"].replace(tzinfo=UTC).timestamp() * 1e6 + 0.5
        )


def test_files_and_volumes_lead_back_to_their_bytes() -> None:
    plain = build_prefetch(_viewer())

    rows, _ = _read(plain)

    own, other = rows["prefetch_file"]
    assert (own["is_own"], own["mft_entry"], own["volume_serial"]) == (True, None, "4367-999F")
    assert (other["is_own"], other["mft_entry"], other["mft_sequence"]) == (False, 4321, 7)
    assert plain[other["offset"] :].startswith(NTDLL.encode("utf-16-le"))
    optical, system = rows["prefetch_volume"]
    assert (optical["is_own"], optical["created_utc"]) == (True, None)
    assert (system["serial"], system["created_utc"], system["directory_count"]) == (
        "A53E-9B24",
        CREATED.replace(tzinfo=None),
        1,
    )
    assert struct.unpack_from("<I", plain, system["offset"] + 16) == (0xA53E9B24,)


def test_places_of_names_behind_characters_of_two_units_are_right() -> None:
    plain = build_prefetch(_viewer(files=("\\DEVICE\\CDROM0\\\U0001f4be.DLL", NTDLL)))

    rows, problems = _read(plain)

    assert not problems
    assert plain[rows["prefetch_file"][1]["offset"] :].startswith(NTDLL.encode("utf-16-le"))
    assert rows["prefetch_file"][1]["mft_entry"] == 4321


@pytest.mark.parametrize(("version", "short"), [(17, True), (23, True), (26, True), (30, False)])
def test_without_a_recorded_path_the_hash_of_a_listed_file_proves_it(
    version: int, short: bool
) -> None:
    path = "\\DEVICE\\HARDDISKVOLUME7\\TOOLS\\VIEWER.EXE"
    listed = path if version < 30 else "\\VOLUME{01da5ff35561a7cc-a53e9b24}\\TOOLS\\VIEWER.EXE"
    decoy = "\\DEVICE\\HARDDISKVOLUME7\\OTHER\\VIEWER.EXE"
    made = _viewer(
        version=version,
        short=short,
        hash=name_hash.name_hash(path, version=version),
        files=(decoy, listed),
    )

    rows, problems = _read(build_prefetch(made))

    assert not problems
    [row] = rows["prefetch"]
    assert (row["own_path"], row["own_device_path"]) == (listed, path)
    assert (row["hash_matches_path"], row["run_count"]) == (True, 2)
    assert [f["is_own"] for f in rows["prefetch_file"]] == [False, True]
    assert len(rows["prefetch_run"]) == (1 if version < 26 else 2)


def test_a_hash_that_no_path_gives_is_told_and_not_explained_away() -> None:
    made = _viewer(hash=0x12345678, short=False)

    [row] = _read(build_prefetch(made))[0]["prefetch"]

    assert (row["own_device_path"], row["hash_matches_path"]) == (None, False)
    assert row["hash_agrees"] is False


def test_the_hash_of_a_hosting_program_leaves_that_of_its_command_line() -> None:
    line = "rundll32 bin\\helper.dll,Open"
    made = _viewer(name="RUNDLL32.EXE", hash=name_hash.name_hash(RUNDLL, line), path=RUNDLL)

    [row] = _read(build_prefetch(made))[0]["prefetch"]

    assert row["hash_matches_path"] is None
    assert row["hash_remainder"] == f"{name_hash.vista(line):08X}"
    assert row["is_hosting"]


def test_the_command_line_of_autoplay_is_known() -> None:
    made = _viewer(name="RUNDLL32.EXE", hash=0xBF72C764, path=RUNDLL)

    [row] = _read(build_prefetch(made))[0]["prefetch"]

    assert row["hash_matches_path"]
    assert "SHCreateLocalServerRunDll" in row["command_line"]


def test_a_hint_is_taken_off_the_hash() -> None:
    made = _viewer(hash=name_hash.name_hash(VIEWER) + 5)

    [row] = _read(build_prefetch(made))[0]["prefetch"]

    assert (row["hash_matches_path"], row["hash_remainder"]) == (True, "00000005")


@pytest.mark.parametrize("at", [60, 150, 1000, 3000, -40])
def test_a_torn_file_is_read_up_to_the_tear_and_told(at: int) -> None:
    plain = build_prefetch(_viewer())
    whole = compress(plain + random.Random(5).randbytes(3000))

    rows, problems = _read(whole[: len(whole) + at if at < 0 else at + 272])

    assert problems
    assert all(p.place for p in problems)
    for row in rows["prefetch"]:
        assert (row["is_whole"], row["executable_name"]) == (False, "VIEWER.EXE")


def test_more_than_one_block_is_unpacked_by_both_decoders() -> None:
    data = random.Random(1).randbytes(70_000) + b"AB" * 40_000
    packed = compress(data)

    assert mam.unpack(packed).data == data
    assert mam.salvage(packed[8:], len(data)) == data


def test_a_size_beyond_belief_is_refused() -> None:
    rows, problems = _read(b"MAM\x04" + struct.pack("<I", 0xFFFFFFFF) + bytes(300))

    assert [p.code for p in problems] == ["prefetch_container", "prefetch_signature"]
    assert not rows["prefetch"]


def test_other_files_are_not_recognised() -> None:
    assert not prefetch.recognise("x.pf", b"not a prefetch file")
    assert not prefetch.recognise("x.pf", b"\x63\0\0\0SCCA")
    assert not prefetch.recognise("x.bin", b"MAM\x04")


def _unrolled(text: str) -> int:
    """The published form for 2008 to 10: eight bytes a step."""
    data = text.encode("utf-16-le")
    h, at = 314159, 0
    for at in range(0, len(data) // 8 * 8, 8):
        b = data[at : at + 8]
        part = 37 * (b[6] + 37 * (b[5] + 37 * (b[4] + 37 * (b[3] + 37 * (b[2] + 37 * b[1])))))
        h = (442596621 * b[0] + part + b[7] - 803794207 * h) & 0xFFFFFFFF
    for byte in data[len(data) // 8 * 8 :]:
        h = (h * 37 + byte) & 0xFFFFFFFF
    return h


@given(st.text(max_size=60))
@settings(max_examples=50, deadline=None)
def test_the_unrolled_form_is_the_same_function(text: str) -> None:
    text = text.encode("utf-16-le", "replace").decode("utf-16-le")

    assert name_hash.vista(text) == _unrolled(text)


VECTORS = [
    ("\\DEVICE\\CDROM0\\SETUP64.EXE", 0x6C6157AB, 30),
    ("\\DEVICE\\HARDDISKVOLUME3\\TMP\\NBTSCAN.EXE", 0x50688432, 30),
    ("\\DEVICE\\HARDDISKVOLUME5\\PROGRAM FILES\\GIT\\USR\\BIN\\BASH.EXE", 0xB36BB6D6, 31),
    ("\\DEVICE\\HARDDISKVOLUME8\\WINDOWS\\SYSTEM32\\CMD.EXE", 0xD269B812, 30),
    ("\\DEVICE\\HARDDISKVOLUME2\\WINDOWS\\SYSTEM32\\CMD.EXE", 0x4A81B364, 26),
    ("\\DEVICE\\HARDDISKVOLUME2\\WINDOWS\\SYSTEM32\\CALC.EXE", 0x77FDF17F, 23),
    ("\\DEVICE\\HARDDISKVOLUME1\\WINDOWS\\SYSTEM32\\CMD.EXE", 0x89305D47, 23),
    ("\\DEVICE\\HARDDISKVOLUME1\\WINDOWS\\SYSTEM32\\CALC.EXE", 0x02CD573A, 17),
]


@pytest.mark.parametrize(("path", "value", "version"), VECTORS)
def test_hashes_of_real_files(path: str, value: int, version: int) -> None:
    rest = path.split("\\", 3)[3].lower()

    assert name_hash.name_hash(path.lower(), version=version) == value
    for spelled in (path, f"E:\\{rest}", f"\\VOLUME{{0-0}}\\{rest}", f"\\{rest}"):
        [match] = name_hash.matches(value, spelled, version=version)
        assert (match.device_path, match.command_line, match.hint) == (path, None, 0)


def test_a_path_on_another_place_does_not_match() -> None:
    assert not name_hash.matches(0x6C6157AB, "E:\\OTHER\\SETUP64.EXE")
    assert list(name_hash.candidate_paths("\\\\srv\\s\\x.exe")) == ["\\DEVICE\\MUP\\SRV\\S\\X.EXE"]


def test_upper_case_keeps_the_number_of_characters() -> None:
    assert name_hash.upcase("straße") == "STRAßE"


@needs_shared
def test_every_real_and_synthetic_file_agrees_with_the_library() -> None:
    import pyscca

    files = [*REAL.rglob("*.pf"), *CASES.rglob("*.pf")]
    good = [f for f in files if prefetch.recognise(f.name, f.read_bytes()[:34816])]

    assert len(good) >= 40
    for f in good:
        rows, problems = _read(f.read_bytes(), f.name)
        other = pyscca.file()
        other.open(str(f))
        [row] = rows["prefetch"]
        assert (not problems, row["hash_agrees"]) == (True, True), f
        assert row["hash_matches_path"] is not False, f
        assert row["executable_name"] == other.executable_filename
        assert int(row["name_hash"], 16) == other.prefetch_hash
        assert row["run_count"] == other.run_count
        assert [r["path"] for r in rows["prefetch_file"]] == list(other.filenames)
        assert [
            (v["device_path"], int(v["serial"].replace("-", ""), 16))
            for v in rows["prefetch_volume"]
        ] == [(v.device_path, v.serial_number) for v in other.volumes]
        times = [other.get_last_run_time_as_integer(r["run_index"]) for r in rows["prefetch_run"]]
        assert [_filetime(r["run_utc"]) for r in rows["prefetch_run"]] == [t // 10 for t in times]


def _filetime(when: datetime) -> int:
    """Microseconds since 1601."""
    since = when - datetime(1601, 1, 1)  # noqa: DTZ001
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _sources() -> list[bytes]:
    made = [build_prefetch(_viewer(version=v)) for v in (17, 23, 26, 30, 31)]
    return [*made, compress(made[3])]


@given(
    st.integers(0, 5), st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=8))), st.data()
)
@settings(max_examples=150, deadline=None)
def test_no_damage_raises(
    source: int, changes: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    raw = bytearray(_sources()[source])
    for at, value in changes:
        raw[at % len(raw) : at % len(raw) + len(value)] = value
    cut = data.draw(st.integers(0, len(raw)))

    rows, problems = read(prefetch, artifact("X.EXE-00000000.pf", bytes(raw[:cut])))

    assert rows["prefetch"] or problems


@needs_shared
def test_damaged_real_files_do_not_raise() -> None:
    rng = random.Random(3)
    source = (Path(REAL) / "EricZimmerman_Prefetch/Win10/CMD.EXE-D269B812.pf").read_bytes()
    for _ in range(40):
        raw = bytearray(source)
        for _ in range(4):
            raw[rng.randrange(8, len(raw))] = rng.randrange(256)

        rows, problems = read(prefetch, artifact("CMD.EXE-D269B812.pf", bytes(raw)))

        assert rows["prefetch"] or problems


@needs_shared
def test_the_shortcut_on_an_image_explains_the_hash_of_rundll32() -> None:
    source = next(CASES.rglob("RUNDLL32.EXE-37CC71AF.pf"))
    program, arguments = "C:\\Windows\\System32\\rundll32.exe", "bin\\helper.dll,Start"
    lines = name_hash.command_lines(program, arguments)

    [row] = _read(source.read_bytes(), source.name)[0]["prefetch"]

    [match] = name_hash.matches(int(row["name_hash"], 16), row["own_path"], lines)
    assert match.command_line == f'"{program}" {arguments}'
    assert match.device_path == row["own_device_path"]


def test_a_version_that_nobody_knows_is_a_problem_and_no_silence() -> None:
    data = (99).to_bytes(4, "little") + b"SCCA" + bytes(200)

    rows, problems = _read(data, "GO.EXE-0BD30981.pf")

    assert rows["prefetch"] == []
    assert [(p.code, p.found) for p in problems] == [("prefetch_version", "99")]
