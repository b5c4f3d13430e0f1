"""Hives of an earlier state beside the one in use: they name no host and say nothing of the present."""

from pathlib import Path

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_reader
from tests.builders.hive import hive, tree
from tests.builders.text_logs import DVD, setupapi


def system(name: str, bias: int) -> bytes:
    return hive(
        tree(
            {
                "Select": {"Current": ("DWORD", 1)},
                r"ControlSet001\Control\ComputerName\ComputerName": {"ComputerName": ("SZ", name)},
                r"ControlSet001\Control\TimeZoneInformation": {
                    "Bias": ("DWORD", bias),
                    "StandardStart": ("BINARY", bytes(16)),
                    "DaylightStart": ("BINARY", bytes(16)),
                    "TimeZoneKeyName": ("SZ", "Some Time"),
                },
            }
        )
    )


def put(root: Path, below: str, data: bytes) -> None:
    (root / below).parent.mkdir(parents=True, exist_ok=True)
    (root / below).write_bytes(data)


def test_the_hive_in_use_names_the_host_and_its_zone_dates_the_local_log(tmp_path: Path) -> None:
    root = tmp_path / "ev/C"
    put(root, "Windows/System32/config/SYSTEM", system("NEW-NAME", -60))
    put(root, "Windows/System32/config/RegBack/SYSTEM", system("OLD-NAME", 300))
    put(root, "Windows.old/Windows/System32/config/SYSTEM", system("OLDER-NAME", 480))
    put(root, "Windows/INF/setupapi.dev.log", setupapi(DVD).encode())

    ingest(tmp_path / "c", [tmp_path / "ev"], workers=0)

    with open_reader(tmp_path / "c") as con:
        hosts = con.execute("SELECT DISTINCT host FROM source").fetchall()
        present = con.execute(
            "SELECT value FROM host_setting WHERE setting = 'computer_name' AND current"
        ).fetchall()
        biases = con.execute(
            "SELECT DISTINCT bias_minutes FROM local_time_offset WHERE current"
        ).fetchall()
    assert hosts == [("NEW-NAME",)]
    assert present == [("NEW-NAME",)]
    assert biases == [(-60,)]


def test_a_backup_alone_takes_the_name_of_the_collection_and_says_so(tmp_path: Path) -> None:
    put(tmp_path / "ev/C", "Windows/System32/config/RegBack/SYSTEM", system("OLD-NAME", 300))

    ingest(tmp_path / "c", [tmp_path / "ev"], workers=0)

    with open_reader(tmp_path / "c") as con:
        [(host, basis)] = con.execute("SELECT host, host_basis FROM source").fetchall()
        [(code, found)] = con.execute(
            "SELECT code, found FROM problem WHERE code LIKE 'hive%'"
        ).fetchall()
    assert host != "OLD-NAME"
    assert basis.startswith("name of the collection")
    assert (code, found) == ("hive_earlier_state", "one of a backup of the registry")
