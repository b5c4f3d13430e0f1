"""Real hives against an independent reader and against hives that Windows itself recovered."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from parsers.hives.regf import Hive, open_hive
from tests.shared import HOSTILE, REAL, needs_shared

REGIPY, YARP, PLASO = "mkorman90_regipy", "msuhanov_yarp", "log2timeline_plaso"
AMCACHE = REAL / "AndrewRathbun_DFIRArtifactMuseum/amcache_win10_aptsim/Amcache.hve"
WHOLE = [
    f"{REGIPY}/BCD",
    f"{REGIPY}/NTUSER.DAT",
    f"{REGIPY}/transactions_NTUSER.DAT",
    f"{YARP}/BigDataHive",
    f"{YARP}/OldDirtyHive/RecoveredHive_Windows7",
    f"{YARP}/UnicodeHive",
    "AndrewRathbun_DFIRArtifactMuseum/amcache_win10_aptsim/Amcache.hve",
]


def opened(path: Path, *logs: Path) -> Hive:
    return open_hive(io.BytesIO(path.read_bytes()), [io.BytesIO(p.read_bytes()) for p in logs])


def content(hive: Hive) -> dict[str, tuple[int | None, list[tuple[str, int, bytes]]]]:
    return {
        k.path: (k.last_written_ns, [(v.name, v.type, v.data) for v in k.values()])
        for k in hive.walk()
    }


@needs_shared
@pytest.mark.parametrize("name", WHOLE)
def test_every_key_and_value_equals_the_independent_reader(name):
    registry = pytest.importorskip("Registry.Registry")

    ours = content(opened(REAL / name))

    assert ours == independent(registry, REAL / name)


def independent(registry, path: Path):
    found, todo = {}, [(registry.Registry(str(path)).root(), "")]
    while todo:
        key, at = todo.pop()
        stamp = key._nkrecord.unpack_qword(0x4)
        written = (stamp - 116_444_736_000_000_000) * 100 if stamp else None
        values = [independent_value(v) for v in key.values()]
        found[at] = (written, values)
        todo.extend((k, f"{at}\\{k.name()}".lstrip("\\")) for k in key.subkeys())
    return found


def independent_value(value):
    """Its rendering of inline data depends on the type: the bytes themselves are taken from its record."""
    record = value._vkrecord
    length = record.unpack_dword(0x4)
    inline = length & 0x80000000
    data = record.unpack_binary(0x8, length & 7) if inline else value.raw_data()
    name = "" if value.name() == "(default)" else value.name()
    return name, record.data_type(), data


@needs_shared
def test_replay_of_the_new_format_equals_what_windows_recovered():
    folder = REAL / YARP / "NewDirtyHive1"

    ours = opened(
        folder / "NewDirtyHive", folder / "NewDirtyHive.LOG1", folder / "NewDirtyHive.LOG2"
    )

    assert content(ours) == content(opened(folder / "RecoveredHive_Windows10"))
    assert [entry[2] for entry in ours.replayed] == [2, 3, 4, 5]


@needs_shared
def test_replay_of_the_old_format_equals_what_windows_recovered():
    folder = REAL / YARP / "OldDirtyHive"

    ours = opened(folder / "OldDirtyHive", folder / "OldDirtyHive.LOG1")

    assert content(ours) == content(opened(folder / "RecoveredHive_Windows7"))


@needs_shared
def test_replay_brings_keys_that_the_file_alone_lacks():
    folder = REAL / REGIPY
    log1, log2 = (folder / f"transactions_ntuser.dat.log{i}" for i in (1, 2))

    alone = opened(folder / "transactions_NTUSER.DAT")
    ours = opened(folder / "transactions_NTUSER.DAT", log1, log2)

    assert (len(content(alone)), len(content(ours))) == (2590, 3105)
    assert [entry[2] for entry in ours.replayed] == list(range(566, 589))
    assert [p.code for p in ours.problems] == ["hive_replayed"]


@needs_shared
def test_the_newest_entry_of_a_real_amcache_stands_in_its_logs_alone():
    logs = [AMCACHE.with_name(f"Amcache.hve.LOG{i}") for i in (1, 2)]
    path = r"Root\InventoryApplicationFile\gkape.exe|cf356c8f87c2c3bd"

    assert opened(AMCACHE).find(path) is None
    hive = opened(AMCACHE, *logs)

    key = hive.find(path)
    assert key is not None and key.origin == "log" and key.last_written_ns is not None
    assert datetime.fromtimestamp(key.last_written_ns // 10**9, UTC).isoformat() == (
        "2022-03-10T21:40:49+00:00"
    )


@needs_shared
@pytest.mark.parametrize(
    ("path", "keys", "said"),
    [
        (HOSTILE / YARP / "BadListHive", 6, "hive_key_twice"),
        (HOSTILE / YARP / "BadSubkeyHive", 6, "hive_key_twice"),
        (HOSTILE / YARP / "InvalidParentHive", 5003, "hive_key_parent"),
        (REAL / PLASO / "corrupt_sub_key_list.hiv", 100, "hive_cell_size"),
        (REAL / YARP / "TruncatedHive", 2, "hive_truncated"),
    ],
)
def test_damaged_hives_give_what_is_there_and_say_what_is_not(path, keys, said):
    hive = opened(path)

    assert len(content(hive)) == keys
    assert said in {p.code for p in hive.problems}
