"""Which host a file belongs to that does not name one: never another collection's."""

import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_reader
from tests.builders.evtx import EvtxWriter
from tests.builders.hive import hive, tree
from tests.builders.mft import MftBuilder

WHEN = datetime(2024, 5, 1, 9, tzinfo=UTC)
LOGS = "Windows/System32/winevt/Logs"
HIVE = "Windows/System32/config/SYSTEM"


def mft(number: int) -> bytes:
    return MftBuilder(WHEN + timedelta(days=number)).build()


def log(host: str) -> bytes:
    writer = EvtxWriter("Application", host)
    writer.add("Any", 1, WHEN, [("a", 1)])
    return writer.build()


def system(host: str) -> bytes:
    names: dict[str, dict[str, tuple[str, object]]] = {
        "Select": {"Current": ("DWORD", 1)},
        r"ControlSet001\Control\ComputerName\ComputerName": {"ComputerName": ("SZ", host)},
    }
    return hive(tree(names))


def contents(files: dict[str, str]) -> dict[str, bytes]:
    """By path: `log of X`, `hive of X`, or an $MFT."""
    made = {}
    for number, (path, what) in enumerate(files.items()):
        kind, _, host = what.partition(" of ")
        made[path] = {"log": log, "hive": system}[kind](host) if host else mft(number)
    return made


def put(root: Path, files: dict[str, str]) -> Path:
    for path, data in contents(files).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def zipped(path: Path, files: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as z:
        for name, data in contents(files).items():
            z.writestr(name, data)


def hosts(case: Path) -> dict[str, str]:
    """Host of each $MFT by its path."""
    with open_reader(case) as con:
        rows = con.execute("SELECT path, host FROM source WHERE kind = 'mft'").fetchall()
        booked = con.execute(
            "SELECT DISTINCT s.path, m.host FROM mft_entry m JOIN source s USING (source_id)"
        ).fetchall()
    assert sorted(rows) == sorted(booked)
    return dict(rows)


def bases(case: Path) -> dict[str, str]:
    with open_reader(case) as con:
        return dict(
            con.execute("SELECT path, host_basis FROM source WHERE kind = 'mft'").fetchall()
        )


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # one collection beside another
        (
            {f"WS-1/C/{LOGS}/A.evtx": "log of WS-1", "WS-1/C/$MFT": "", "WS-2/C/$MFT": ""},
            {"WS-1/C/$MFT": "WS-1", "WS-2/C/$MFT": "WS-2"},
        ),
        ({"WS-1/C/$MFT": "", "WS-2/C/$MFT": ""}, {"WS-1/C/$MFT": "WS-1", "WS-2/C/$MFT": "WS-2"}),
        # the registry inside names the host, whatever the folder is called
        (
            {f"A-1/C/{HIVE}": "hive of PC-9", "A-1/C/$MFT": "", f"A-2/C/{LOGS}/A.evtx": "log of X"},
            {"A-1/C/$MFT": "PC-9"},
        ),
        # folders of hosts without a layout
        (
            {"WS-1/A.evtx": "log of WS-1", "WS-1/$MFT": "", "WS-2/$MFT": ""},
            {"WS-1/$MFT": "WS-1", "WS-2/$MFT": "WS-2"},
        ),
        (
            {"FRODO/$MFT": "", "SAM/A.evtx": "log of sam.corp.example"},
            {"FRODO/$MFT": "FRODO"},
        ),
        ({"FRODO/mft/$MFT": "", "SAM/evtx/A.evtx": "log of SAM"}, {"FRODO/mft/$MFT": "FRODO"}),
        ({"alice/A.evtx": "log of WS-1", "bob/$MFT": ""}, {"bob/$MFT": "BOB"}),
        # a copy beside folders of several hosts is none of theirs
        (
            {"$MFT": "", f"WS-1/C/{LOGS}/A.evtx": "log of WS-1", "WS-2/A.evtx": "log of WS-2"},
            {"$MFT": "EV"},
        ),
        # a tool's folder beside a host's is not that host's, nor is it named after what holds both
        (
            {"kape/C/$MFT": "", f"WS-1/C/{LOGS}/A.evtx": "log of WS-1"},
            {"kape/C/$MFT": "KAPE"},
        ),
        ({"kape/C/$MFT": "", "alice/A.evtx": "log of WS-1"}, {"kape/C/$MFT": "KAPE"}),
        # drives of one host
        ({f"C/{LOGS}/A.evtx": "log of WS-1", "D/$MFT": ""}, {"D/$MFT": "WS-1"}),
        # sibling folders of one collection
        ({"logs/A.evtx": "log of WS-1", "mft/$MFT": ""}, {"mft/$MFT": "WS-1"}),
        ({"logs/A.evtx": "log of WS-1", "$MFT": ""}, {"$MFT": "WS-1"}),
        ({"A.evtx": "log of WS-1", "stuff/$MFT": ""}, {"stuff/$MFT": "WS-1"}),
        ({"X-9/EventLogs/A.evtx": "log of WS-1", "X-9/mft/$MFT": ""}, {"X-9/mft/$MFT": "WS-1"}),
        (
            {f"kape/C/{LOGS}/A.evtx": "log of WS-1", "velociraptor/uploads/ntfs/C%3A/$MFT": ""},
            {"velociraptor/uploads/ntfs/C%3A/$MFT": "WS-1"},
        ),
        ({"$MFT": "", f"WS-1/C/{LOGS}/A.evtx": "log of WS-1"}, {"$MFT": "WS-1"}),
        # collectors' folders
        (
            {"Collection-WS-7-20240305T101500Z/uploads/ntfs/%5C%5C.%5CC%3A/$MFT": ""},
            {"Collection-WS-7-20240305T101500Z/uploads/ntfs/%5C%5C.%5CC%3A/$MFT": "WS-7"},
        ),
        (
            {"2024-03-05T101500_WS-7_kape/C/$MFT": ""},
            {"2024-03-05T101500_WS-7_kape/C/$MFT": "WS-7"},
        ),
        ({"pc-7.corp.example/kape/C/$MFT": ""}, {"pc-7.corp.example/kape/C/$MFT": "PC-7"}),
        ({"WS-7/20240305/C/$MFT": ""}, {"WS-7/20240305/C/$MFT": "WS-7"}),
        (
            {
                "clients/PC-7-C.0123456789abcdef/collections/F.C7SPU2K4S5H40/uploads/ntfs/C%3A/$MFT": "",
                f"clients/PC-7-C.0123456789abcdef/collections/F.C7SPU2K4S5H41/uploads/auto/C%3A/{LOGS}/A.evtx": "log of RENAMED",
            },
            {
                "clients/PC-7-C.0123456789abcdef/collections/F.C7SPU2K4S5H40/uploads/ntfs/C%3A/$MFT": "RENAMED"
            },
        ),
        ({"WS-7/part2/C/$MFT": ""}, {"WS-7/part2/C/$MFT": "WS-7"}),
        ({"10.0.0.5/C/$MFT": "", "10.0.0.6/$MFT": ""}, {"10.0.0.5/C/$MFT": "10.0.0.5"}),
        # names that tell no host tell collections apart all the same
        ({"001/C/$MFT": "", "002/C/$MFT": ""}, {"001/C/$MFT": "001", "002/C/$MFT": "002"}),
    ],
)
def test_a_file_belongs_to_the_host_of_its_own_collection(
    files: dict[str, str], expected: dict[str, str], tmp_path: Path
) -> None:
    ingest(tmp_path / "c", [put(tmp_path / "ev", files)], workers=0)

    found = hosts(tmp_path / "c")
    assert {path: found[f"ev/{path}"] for path in expected} == expected


def test_what_a_name_rests_on_is_told(tmp_path: Path) -> None:
    files = {
        f"WS-1/C/{LOGS}/A.evtx": "log of WS-1",
        "WS-1/C/$MFT": "",
        "WS-2/C/$MFT": "",
        "X-1/logs/A.evtx": "log of PC-9",
        "X-1/mft/$MFT": "",
    }

    ingest(tmp_path / "c", [put(tmp_path / "ev", files)], workers=0)

    assert bases(tmp_path / "c") == {
        "ev/WS-1/C/$MFT": "named in the event logs beside it",
        "ev/WS-2/C/$MFT": "name of the collection, WS-2: nothing inside names the host",
        "ev/X-1/mft/$MFT": "named in the event logs in a folder beside its own",
    }


def test_archives_are_collections_of_their_own(tmp_path: Path) -> None:
    logs = {f"C/{LOGS}/A.evtx": "log of WS-1"}
    zipped(tmp_path / "ev/Collection-WS-7-20240305T101500Z.zip", {"uploads/ntfs/C%3A/$MFT": ""})
    zipped(
        tmp_path / "ev/all.zip", {"WS-8/C/$MFT": "", **{f"WS-1/{p}": w for p, w in logs.items()}}
    )
    zipped(tmp_path / "ev/20240305T101500_WS-9_kape.zip", {"C/$MFT": ""})
    put(tmp_path / "ev/WS-1", logs)

    ingest(tmp_path / "c", [tmp_path / "ev"], workers=0)

    assert set(hosts(tmp_path / "c").values()) == {"WS-7", "WS-8", "WS-9"}


@pytest.mark.parametrize("logs_first", [True, False])
@pytest.mark.parametrize(
    ("logs", "rest"),
    [
        ("logs", "rest"),
        ("logs/WS-1", "rest/WS-1"),
        ("logs/WS-1/C", "rest/WS-1/C"),
        ("logs/WS-1/C/Windows", "rest/WS-1/C/$MFT"),
    ],
)
def test_a_second_step_lands_on_the_same_host(
    logs: str, rest: str, logs_first: bool, tmp_path: Path
) -> None:
    put(tmp_path / "logs/WS-1/C", {f"{LOGS}/A.evtx": "log of WS-1"})
    put(tmp_path / "rest/WS-1/C", {"$MFT": ""})

    for step in (logs, rest) if logs_first else (rest, logs):
        ingest(tmp_path / "c", [tmp_path / step], workers=0)

    with open_reader(tmp_path / "c") as con:
        assert con.execute("SELECT DISTINCT host FROM source").fetchall() == [("WS-1",)]


@pytest.mark.parametrize("logs_first", [True, False])
def test_a_collection_of_a_name_that_the_case_has_is_of_the_same_host(
    logs_first: bool, tmp_path: Path
) -> None:
    put(tmp_path / "logs/Asset-42/C", {f"{LOGS}/A.evtx": "log of WS-1"})
    put(tmp_path / "rest/asset-42/kape/C", {"$MFT": ""})

    for step in ("logs", "rest") if logs_first else ("rest", "logs"):
        ingest(tmp_path / "c", [tmp_path / step], workers=0)

    assert hosts(tmp_path / "c") == {"rest/asset-42/kape/C/$MFT": "WS-1"}
    (basis,) = bases(tmp_path / "c").values()
    assert basis == (
        "name of the collection, asset-42: logs of a collection of that name are of this host"
    )


def test_a_name_that_two_hosts_have_in_the_case_tells_neither(tmp_path: Path) -> None:
    put(tmp_path / "a/desk-1", {"A.evtx": "log of WS-1"})
    put(tmp_path / "b/desk-1", {"A.evtx": "log of WS-2"})
    put(tmp_path / "rest/desk-1", {"$MFT": ""})

    for step in ("a", "b", "rest"):
        ingest(tmp_path / "c", [tmp_path / step], workers=0)

    assert list(hosts(tmp_path / "c").values()) == ["DESK-1"]


def test_a_name_of_the_case_is_known_again_in_a_longer_one(tmp_path: Path) -> None:
    put(tmp_path / "logs/any", {"A.evtx": "log of WS_ONE"})
    put(tmp_path / "logs/other", {"A.evtx": "log of WS1"})
    put(tmp_path / "rest/case7 WS1 (second part)/C", {"$MFT": ""})

    for step in ("logs", "rest"):
        ingest(tmp_path / "c", [tmp_path / step], workers=0)

    assert list(hosts(tmp_path / "c").values()) == ["WS1"]


def test_logs_that_come_later_name_what_was_there(tmp_path: Path) -> None:
    put(tmp_path / "ev/C", {"$MFT": ""})
    ingest(tmp_path / "c", [tmp_path / "ev"], workers=0)
    before = hosts(tmp_path / "c")
    put(tmp_path / "ev/C", {f"{LOGS}/A.evtx": "log of WS-1"})

    ingest(tmp_path / "c", [tmp_path / "ev"], workers=0)

    assert (before, hosts(tmp_path / "c")) == ({"ev/C/$MFT": "EV"}, {"ev/C/$MFT": "WS-1"})
    assert bases(tmp_path / "c") == {"ev/C/$MFT": "named in the event logs beside it"}


def test_a_collection_given_by_itself_is_named_by_its_own_name(tmp_path: Path) -> None:
    zipped(tmp_path / "Collection-WS-7-20240305T101500Z.zip", {"uploads/ntfs/C%3A/$MFT": ""})
    put(tmp_path / "WS-8", {"C/$MFT": ""})

    for given in ("Collection-WS-7-20240305T101500Z.zip", "WS-8"):
        ingest(tmp_path / "c", [tmp_path / given], workers=0)

    assert sorted(hosts(tmp_path / "c").values()) == ["WS-7", "WS-8"]


def test_a_file_given_by_itself_is_named_by_its_folder(tmp_path: Path) -> None:
    put(tmp_path, {"WS-1/$MFT": "", "WS-2/$MFT": ""})

    ingest(tmp_path / "c", [tmp_path / "WS-1/$MFT", tmp_path / "WS-2/$MFT"], workers=0)

    with open_reader(tmp_path / "c") as con:
        found = [h for (h,) in con.execute("SELECT host FROM source").fetchall()]
    assert sorted(found) == ["WS-1", "WS-2"]
