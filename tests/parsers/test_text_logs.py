from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import mplog, pca, psreadline, setupapi
from parsers.contract import HOST, SOURCE_ID, Artifact
from parsers.evtx.problems import Problems
from parsers.hives.time_zone import LOCAL_TIME_OFFSET
from parsers.text_lines import MAX_LINE_BYTES, read_lines, time_ns
from tests.builders import text_logs as made
from tests.parsers.reading import artifact, read
from tests.shared import CASES, REAL, needs_shared

NOON = datetime(2024, 3, 5, 11, 30, tzinfo=UTC).replace(tzinfo=None)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")


def _rows(
    parser: ModuleType, name: str, text: str, encoding: str = "utf-8"
) -> list[dict[str, Any]]:
    return read(parser, artifact(name, text.encode(encoding)))[0][parser.TABLES[0].name]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_lines_carry_the_offset_of_their_first_byte(encoding: str) -> None:
    text = "eins\r\nzw\u0a0ai\r\n\r\nvier"
    data = text.encode(encoding)

    lines = list(read_lines(artifact("x", data), Problems()))

    assert [line.text for line in lines] == ["eins", "zw\u0a0ai", "", "vier"]
    plain = encoding.removesuffix("-sig") if encoding != "utf-16" else "utf-16-le"
    assert data[lines[1].offset :].decode(plain).startswith("zw")
    assert data[lines[3].offset :] == "vier".encode(plain)


def test_text_that_is_no_utf8_is_read_as_cp1252() -> None:
    [line] = read_lines(artifact("x", b"caf\xe9"), Problems())

    assert line.text == "café"


def test_a_line_without_end_comes_in_pieces_and_is_told() -> None:
    problems = Problems()

    lines = list(read_lines(artifact("x", b"a" * (MAX_LINE_BYTES + 5)), problems))

    assert [len(line.text) for line in lines] == [MAX_LINE_BYTES, 5]
    assert [p.code for p in problems.drain()] == ["long_line"]


@pytest.mark.parametrize(
    "text", ["2024-13-05 10:00:00", "0000-01-01 00:00:00", "9999-01-01 00:00:00", ""]
)
def test_a_text_that_is_no_date_gives_no_time(text: str) -> None:
    assert time_ns(text) is None


def test_a_mounted_image_is_told_from_a_guests_own_drive() -> None:
    rows = _rows(
        setupapi, "setupapi.dev.log", made.setupapi(made.DVD, made.DISK, made.GUEST, "USB\\X")
    )

    got = [(r["device_id"], r["virtual_device"], r["attached_image"]) for r in rows]
    assert got == [
        (made.DVD, "dvd", True),
        (made.DISK, "disk", True),
        (made.GUEST, "dvd", False),
        ("USB\\X", None, None),
    ]


def test_a_section_keeps_local_times_apart_from_utc_and_says_so() -> None:
    data = made.setupapi(made.DVD).encode()

    rows, problems = read(setupapi, artifact("setupapi.dev.log", data))

    [row] = rows["setupapi_install"]
    assert row["start_local"] == datetime(2024, 3, 5, 12, 30, 0, 123000, tzinfo=UTC).replace(
        tzinfo=None
    )
    assert row["start_local_text"] == "2024/03/05 12:30:00.123"
    assert (row["exit_status"], row["driver"]) == ("SUCCESS", "cdrom.inf:GenCdRom,cdrom_install")
    assert (row["os_version"], row["command"]) == ("10.0.19045", "C:\\Windows\\explorer.exe")
    assert data[row["offset"] :].startswith(b">>>  [Device Install")
    assert [p.code for p in problems] == ["setupapi_local_time"]


def zoned(*offsets: tuple[str, str, str, int]) -> list[tuple[int, datetime]]:
    """(offset of the section, its start in UTC) by rows of `local_time_offset`: (host, since, until, bias)."""
    con = duckdb.connect()
    for table in (setupapi.SETUPAPI_INSTALL, LOCAL_TIME_OFFSET):
        columns = ", ".join(f'"{c.name}" {c.type.value}' for c in (*table.columns, HOST, SOURCE_ID))
        con.execute(f'CREATE TABLE "{table.name}" ({columns})')
    con.execute(
        'INSERT INTO setupapi_install (host, source_id, start_local, "offset")'
        " VALUES ('A', 'log', '2024-03-05 12:30:00.123', 40)"
    )
    for number, (host, since, until, bias) in enumerate(offsets):
        con.execute(
            "INSERT INTO local_time_offset (host, source_id, since_local, until_local, bias_minutes)"
            " VALUES (?, ?, ?, ?, ?)",
            [host, f"hive {number}", since, until, bias],
        )
    return con.execute(f'SELECT "offset", start_utc::TIMESTAMP FROM {setupapi.IN_UTC}').fetchall()


def test_a_section_has_a_utc_time_by_the_zone_of_its_own_host() -> None:
    year = ("2024-01-01", "2025-01-01")

    assert zoned(("A", *year, -60), ("B", *year, 300)) == [(40, NOON.replace(microsecond=123000))]
    assert zoned(("A", *year, 300), ("A", *year, 300)) == [
        (40, NOON.replace(hour=17, microsecond=123000))
    ]


def test_a_section_has_no_utc_time_where_no_zone_or_two_are_told() -> None:
    year = ("2024-01-01", "2025-01-01")

    assert zoned() == []
    assert zoned(("B", *year, -60)) == []
    assert zoned(("A", *year, -60), ("A", *year, -120)) == []
    assert zoned(("A", "2024-03-05 12:30:00.124", "2025-01-01", 0)) == []


def test_sections_without_an_end_are_kept_and_told() -> None:
    data = made.setupapi(made.DVD, made.DISK, closed=False).encode()

    rows, problems = read(setupapi, artifact("setupapi.dev.log", data))

    assert [r["exit_status"] for r in rows["setupapi_install"]] == [None, None]
    assert [p.code for p in problems].count("setupapi_unclosed") == 2


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_mplog_gives_its_kinds_of_lines(encoding: str) -> None:
    rows = _rows(mplog, "MPLog-20240305-120000.log", made.MPLOG, encoding)

    got = [(r["kind"], r["path"], r["process"], r["threat"]) for r in rows[:11]]
    assert got == [
        ("first_scan_on_volume", r"\Device\CdRom1\setup.exe", None, None),
        ("mount_detection", r"\Device\CdRom1", None, None),
        ("sdn_query", r"E:\a b.dll", None, None),
        ("engine_verdict", r"\Device\CdRom1\a.dll", None, "block"),
        ("blocked_file", r"\Device\CdRom1\a.dll", r"\Device\X\cmd.exe", None),
        ("detection_event", r"C:\x.iso", None, "Trojan:Win32/A"),
        ("detection_event", r"C:\x.iso->a.dll", None, "Trojan:Win32/A"),
        ("process_impact", r"\Device\CdRom1\a, b.dll", "setup.exe", None),
        ("resource_scan", r"C:\x.iso->a.dll", None, "Trojan:Win32/A"),
        ("behavior_telemetry", None, r"E:\setup.exe", None),
        ("path_mention", r"\\?\C:\Program Files (x86)\x (1).iso", None, None),
    ]
    assert rows[0]["time_utc"] == NOON + timedelta(milliseconds=123)
    assert [r["schema"] for r in rows[5:7]] == ["containerfile", "file"]
    assert (rows[7]["pid"], rows[8]["local_time_text"]) == (6532, "03-05-2024 12:30:07")
    assert (rows[9]["pid"], rows[9]["process_start_utc"]) == (4711, NOON)


def test_an_mplog_of_newer_engines_is_read_with_their_prefixes() -> None:
    rows = _rows(mplog, "MPLog-20240305-120000.log", made.MPLOG)[11:]

    got = [(r["kind"], r["path"], r["process"], r["threat"]) for r in rows]
    assert got == [
        ("blocked_file", r"\Device\CdRom1\b.dll", "cmd.exe", None),
        ("sdn_query", r"E:\c (1).dll", None, None),
        ("command_line", None, r"C:\Windows\reg.exe", "lowfi"),
        ("original_file_name", r"e:\svc.exe", None, "psexec.c"),
        ("memory_detection", None, None, "HackTool:Win64/A!!A"),
        ("detection_add", r"E:\t.exe", None, "HackTool:Win32/A"),
        ("detection_add", None, None, "Behavior:Win32/A"),
        ("detection_clean", r"E:\t.exe", None, "T:W/A"),
        ("threat_action", r"\\?\E:\t.exe", None, "HackTool:Win32/A"),
        ("caching_disabled", r"\Device\CdRom1\p.exe", None, None),
    ]
    assert (rows[1]["sha1"], rows[1]["sha256"]) == ("AB" * 20, "CD" * 32)
    assert (rows[2]["command_line"], rows[4]["pid"]) == ("reg add (x)", 6108)
    assert (rows[6]["pid"], rows[6]["process_start_utc"]) == (79, NOON)
    assert [r["action"] for r in rows[7:9]] == ["MP_THREAT_ACTION_QUARANTINE", "Quarantine"]
    assert rows[9]["time_utc"] == NOON + timedelta(seconds=19)


def test_a_launch_dictionary_gives_path_and_time() -> None:
    rows = _rows(pca, "PcaAppLaunchDic.txt", made.PCA_LAUNCH)

    got = [(r["path"], r["time_utc"], r["line_number"], r["offset"]) for r in rows]
    assert got == [
        (r"E:\setup.exe", NOON + timedelta(milliseconds=123), 1, 0),
        (r"C:\é\b.exe", NOON + timedelta(seconds=1), 2, 37),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_launch_dictionary_is_read_in_either_encoding(encoding: str) -> None:
    data = made.PCA_LAUNCH.encode(encoding)

    assert pca.recognise("PcaAppLaunchDic.txt", data)
    assert [r["path"] for r in _rows(pca, "PcaAppLaunchDic.txt", made.PCA_LAUNCH, encoding)] == [
        r"E:\setup.exe",
        r"C:\é\b.exe",
    ]


def test_a_general_line_gives_its_fields_and_a_strange_one_a_problem() -> None:
    data = (made.PCA_EVENT + "strange\n").encode()

    rows, problems = read(pca, artifact("PcaGeneralDb0.txt", data))

    [row] = rows["pca_event"]
    assert (row["status"], row["path"], row["company"]) == (
        2,
        r"\program files\x\y.exe",
        "the y team",
    )
    assert row["message"] == "Abnormal process exit with code 0x1"
    assert [(p.code, p.place) for p in problems] == [("pca_line", "line 2")]


def test_commands_of_several_lines_are_one_row_with_the_user_of_the_folder() -> None:
    data = b"dir\r\nif (1) {`\r\n  whoami`\r\n}\r\n\r\nMount-DiskImage C:\\x.iso\r\n"
    given_ = artifact("ConsoleHost_history.txt", data)
    path = r"C:\Users\ann\AppData\Roaming\Microsoft\Windows\PowerShell\PSReadLine\ConsoleHost_history.txt"

    rows, problems = read(
        psreadline, Artifact(given_.name, given_.open, given_.size, windows_path=path)
    )

    got = [(r["line_number"], r["command"], r["profile_user"]) for r in rows["powershell_history"]]
    assert problems == []
    assert got == [
        (1, "dir", "ann"),
        (2, "if (1) {\n  whoami\n}", "ann"),
        (6, "Mount-DiskImage C:\\x.iso", "ann"),
    ]


def test_logs_are_told_by_name_and_words() -> None:
    log, setup = made.MPLOG.encode("utf-16"), made.setupapi(made.DVD).encode()

    assert mplog.recognise("x.log", log)
    assert not mplog.recognise("x.log", setup)
    assert setupapi.recognise("x.log", setup)
    assert not setupapi.recognise("setupapi.dev.log", b"MZ")
    assert not pca.recognise("PcaAppLaunchDic.txt", b"nothing")
    assert not pca.recognise("x.txt", made.PCA_LAUNCH.encode())
    assert psreadline.recognise("ann_ConsoleHost_history.txt", b"dir")
    assert not psreadline.recognise("history.txt", b"dir")


SOURCES = (
    (setupapi, made.setupapi(made.DVD, made.DISK).encode()),
    (mplog, made.MPLOG.encode("utf-16")),
    (pca, (made.PCA_LAUNCH + "\n" + made.PCA_EVENT).encode()),
    (psreadline, b"dir`\r\nx\r\n"),
)


@pytest.mark.parametrize(("parser", "base"), SOURCES)
@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 6000), st.binary(min_size=1, max_size=30)), max_size=9))
def test_mutated_logs_give_rows_and_problems_only(
    parser: ModuleType, base: bytes, wounds: list[tuple[int, bytes]]
) -> None:
    data = bytearray(base)
    for at, wound in wounds:
        data[at % len(base) : at % len(base) + len(wound)] = wound

    rows, _ = read(parser, artifact("x", bytes(data)))

    assert all(0 <= r["offset"] <= len(data) for table in rows.values() for r in table)


@needs_shared
def test_real_logs_give_what_other_counts_say() -> None:
    setup = (REAL / "log2timeline_plaso/setupapi.dev.log").read_bytes()
    log = next((REAL / "AndrewRathbun_DFIRArtifactMuseum").glob("MPLog-*.log")).read_bytes()
    launch = (REAL / "log2timeline_plaso/PcaAppLaunchDic.txt").read_bytes()

    sections = read(setupapi, artifact("setupapi.dev.log", setup))[0]["setupapi_install"]
    lines = read(mplog, artifact("MPLog-1.log", log))[0]["mplog_line"]
    launches = read(pca, artifact("PcaAppLaunchDic.txt", launch))[0]["pca_launch"]

    text = log.decode("utf-16")
    assert len(sections) == setup.count(b"\n>>>  [") == setup.count(b"\n<<<  [Exit status")
    kinds = [r["kind"] for r in lines]
    assert kinds.count("blocked_file") == text.count("[Mini-filter] Blocked file")
    assert kinds.count("first_scan_on_volume") == text.count("First scan on a volume")
    assert kinds.count("resource_scan") == text.count("Resource Path:")
    assert kinds.count("behavior_telemetry") == text.count("END BM telemetry")
    assert all(log[r["offset"] : r["offset"] + 2] != b"\n\0" for r in lines)
    assert len(launches) == launch.count(b"|")


@needs_shared
def test_the_case_with_a_setup_log_shows_its_virtual_drive() -> None:
    path = next(Path(CASES).glob("17-*/evidence/**/setupapi.dev.log"))

    rows, _ = read(setupapi, artifact(path.name, path.read_bytes()))

    assert [r["virtual_device"] for r in rows["setupapi_install"]] == [None, "dvd"]
