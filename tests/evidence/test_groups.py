"""Which logs tell the host of a file, and which collection it belongs to."""

from pathlib import Path

from forensic_iso.evidence.discover import Found, collection_of, discover, nearest_logs
from tests.evidence.test_discover import EVTX, LOGS, MFT, PARSERS, put
from tests.evidence.zip_maker import write_zip


def found(*given: Path) -> tuple[dict[str, Found], list[Found]]:
    """The MFTs by path and the logs."""
    items = discover(given, PARSERS).recognised
    logs = [item.found for item in items if item.kind == "evtx"]
    return {item.found.path: item.found for item in items if item.kind == "mft"}, logs


def near(file: Found, logs: list[Found]) -> list[str]:
    return [log.path for log in nearest_logs(file, logs)]


def test_each_host_of_a_folder_gets_its_own_logs(tmp_path: Path) -> None:
    for host in ("A", "B"):
        put(tmp_path / host / "C" / LOGS / "System.evtx", EVTX)
        put(tmp_path / host / "C/$MFT", MFT)

    files, logs = found(tmp_path)

    for host in ("A", "B"):
        file = files[f"{tmp_path}/{host}/C/$MFT"]
        assert near(file, logs) == [f"{tmp_path}/{host}/C/{LOGS}/System.evtx"]
        assert collection_of(file) == f"{tmp_path}/{host}"


def test_a_plain_copy_takes_the_logs_beside(tmp_path: Path) -> None:
    put(tmp_path / "WS-1/System.evtx", EVTX)
    put(tmp_path / "WS-1/$MFT", MFT)

    files, logs = found(tmp_path)
    alone_files, alone_logs = found(tmp_path / "WS-1/$MFT", tmp_path / "WS-1/System.evtx")

    (file,), (alone,) = files.values(), alone_files.values()
    assert near(file, logs) == near(alone, alone_logs) == [f"{tmp_path}/WS-1/System.evtx"]
    assert collection_of(file) == collection_of(alone) == f"{tmp_path}/WS-1"


def test_a_member_takes_the_logs_of_its_own_archive(tmp_path: Path) -> None:
    put(tmp_path / "System.evtx", EVTX)
    write_zip(
        tmp_path / "a.zip",
        {f"uploads/auto/C%3A/{LOGS}/System.evtx": EVTX, "uploads/ntfs/%5C%5C.%5CC%3A/$MFT": MFT},
    )
    write_zip(tmp_path / "b.zip", {"C/$MFT": MFT})

    files, logs = found(tmp_path)

    mft_a, mft_b = (files[name] for name in sorted(files))
    assert near(mft_a, logs) == [f"{tmp_path}/a.zip!/uploads/auto/C%3A/{LOGS}/System.evtx"]
    assert near(mft_b, logs) == []
    assert collection_of(mft_a) == f"{tmp_path}/a.zip"


def test_logs_in_a_users_profile_name_no_host(tmp_path: Path) -> None:
    put(tmp_path / "A/C/Users/x/Downloads/System.evtx", EVTX)
    put(tmp_path / "A/C/Users/x/Downloads/$MFT", MFT)
    put(tmp_path / "A/C" / LOGS / "System.evtx", EVTX)

    files, logs = found(tmp_path)

    (file,) = files.values()
    assert near(file, logs) == [f"{tmp_path}/A/C/{LOGS}/System.evtx"]


def test_folders_of_one_volume_given_apart_are_joined(tmp_path: Path) -> None:
    put(tmp_path / "A/C/Users/x/$MFT", MFT)
    put(tmp_path / "A/C" / LOGS / "System.evtx", EVTX)
    put(tmp_path / "B/C" / LOGS / "System.evtx", EVTX)

    files, logs = found(tmp_path / "A/C/Users", tmp_path / "A/C/Windows", tmp_path / "B/C/Windows")
    lone_files, lone_logs = found(tmp_path / "A/C/Users", tmp_path / "B/C/Windows")

    (file,), (lone,) = files.values(), lone_files.values()
    assert near(file, logs) == [f"{tmp_path}/A/C/{LOGS}/System.evtx"]
    assert near(lone, lone_logs) == []
