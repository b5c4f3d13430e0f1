import io
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.hives.regf import HiveError, open_hive
from tests.builders.hive import K, dirty, filetime_bytes, hive, old_dirty, tree

NS = 1_000_000_000
SAMPLE = K(
    "ROOT",
    {"": ("SZ", "default"), "n": ("DWORD", 0xFFFFFFFE)},
    [
        K(
            "Alpha",
            {
                "q": ("QWORD", 1 << 40),
                "be": ("DWORD_BE", 258),
                "list": ("MULTI_SZ", ["a", "b"]),
                "empty": ("SZ", b""),
            },
            [K("Deep", {"x": ("BINARY", b"\x01\x02\x03\x04\x05")})],
            datetime(2024, 1, 6, 5, 35, 16, 373771, tzinfo=UTC),
        ),
        K("Größe", {"Wert": ("EXPAND_SZ", "%windir%")}),
        K("Ключ", {"имя": ("SZ", "текст")}),
    ],
)


def opened(data: bytes, *logs: bytes):
    return open_hive(io.BytesIO(data), [io.BytesIO(log) for log in logs])


def codes(h) -> list[str]:
    return [p.code for p in h.problems]


def test_keys_are_found_whatever_their_case_and_script():
    h = opened(hive(SAMPLE))

    assert [k.path for k in h.walk()] == ["", "Alpha", "Alpha\\Deep", "Größe", "Ключ"]
    assert h.find("ALPHA\\deep").name == "Deep"
    assert h.find("ключ").value("ИМЯ").text() == "текст"
    assert h.find("Alpha\\none") is None
    assert h.root.find("") is h.root
    assert h.problems == []


def test_values_give_what_their_type_holds():
    h = opened(hive(SAMPLE))
    alpha = h.find("Alpha")

    assert h.root.value("").text() == "default"
    assert h.root.value("n").number() == 0xFFFFFFFE
    assert alpha.value("q").number() == 1 << 40
    assert alpha.value("be").number() == 258
    assert alpha.value("list").strings() == ["a", "b"]
    assert alpha.value("list").text() is None
    assert alpha.value("empty").text() == ""
    assert h.find("Alpha\\Deep").value("x").data == b"\1\2\3\4\5"
    assert h.find("Größe").value("wert").text() == "%windir%"


def test_times_keep_100_ns():
    at = datetime(2024, 1, 6, 5, 35, 16, 373771, tzinfo=UTC)

    h = opened(hive(SAMPLE))

    assert h.find("Alpha").last_written_ns == int(at.timestamp()) * NS + 373_771_000


def test_offsets_lead_to_the_cells():
    data = hive(SAMPLE)

    h = opened(data)
    key, value = h.find("Alpha"), h.find("Alpha").value("q")

    assert data[key.offset + 4 : key.offset + 6] == b"nk"
    assert data[value.offset + 4 : value.offset + 6] == b"vk"
    assert key.origin == value.origin == "hive"


@pytest.mark.parametrize("kind", ["lf", "lh", "li", "ri"])
def test_every_kind_of_subkey_list_is_read(kind):
    root = K("ROOT", {}, [K(f"k{i:03}") for i in range(40)], list_kind=kind)

    h = opened(hive(root))

    assert [k.name for k in h.root.subkeys()] == [f"k{i:03}" for i in range(40)]
    assert h.find("K039") is not None


@pytest.mark.parametrize("minor", [3, 5])
def test_long_data_is_read_whole_in_both_layouts(minor):
    content = bytes(i % 251 for i in range(50_000))

    h = opened(hive(K("ROOT", {"big": ("BINARY", content)}), minor=minor))

    assert h.root.value("big").data == content
    assert h.problems == []


def test_a_dirty_hive_takes_the_newest_changes_from_its_log():
    before = hive(tree({"A": {"v": ("SZ", "old")}}), size=8192)
    after = hive(tree({"A": {"v": ("SZ", "new")}, "B": {}}), size=8192)
    data, log = dirty(before, after)

    h = opened(data, log)

    assert h.find("A").value("v").text() == "new"
    assert h.find("B") is not None
    assert h.find("A").origin == "log"
    assert h.dirty and h.replayed == ((0, 512, 7),)
    assert codes(h) == ["hive_replayed"]


def test_an_old_log_is_replayed():
    before = hive(tree({"A": {"v": ("SZ", "old")}}), size=8192, minor=3)
    after = hive(tree({"A": {"v": ("SZ", "new")}}), size=8192, minor=3)
    data, log = old_dirty(before, after)

    h = opened(data, b"", log)

    assert h.find("A").value("v").text() == "new"
    assert h.replayed == ((1, 512, 8),)


def test_a_dirty_hive_without_logs_is_read_and_said_to_be_dirty():
    data, _ = dirty(hive(SAMPLE), hive(SAMPLE))

    h = opened(data)

    assert h.find("Alpha") is not None
    assert codes(h) == ["hive_dirty_not_replayed"]


def test_a_log_entry_with_a_wrong_hash_changes_nothing():
    before = hive(tree({"A": {"v": ("SZ", "old")}}), size=8192)
    data, log = dirty(before, hive(tree({"A": {"v": ("SZ", "new")}}), size=8192), corrupt_hash=True)

    h = opened(data, log)

    assert h.find("A").value("v").text() == "old"
    assert codes(h) == ["hive_log_doubt", "hive_dirty_not_replayed"]


def test_log_entries_older_than_the_hive_change_nothing():
    before = hive(tree({"A": {"v": ("SZ", "old")}}), size=8192)
    after = hive(tree({"A": {"v": ("SZ", "new")}}), size=8192)
    _, log = dirty(before, after, first=5)
    data, _ = dirty(before, after, first=7)

    h = opened(data, log)

    assert h.find("A").value("v").text() == "old"
    assert codes(h) == ["hive_dirty_not_replayed"]


def test_logs_that_begin_after_the_hive_are_replayed_with_a_warning():
    before = hive(tree({"A": {"v": ("SZ", "old")}}), size=8192)
    after = hive(tree({"A": {"v": ("SZ", "new")}}), size=8192)
    _, log = dirty(before, after, first=9)
    data, _ = dirty(before, after, first=7)

    h = opened(data, log)

    assert h.find("A").value("v").text() == "new"
    assert codes(h) == ["hive_log_doubt", "hive_replayed"]


def test_a_clean_hive_leaves_its_logs_alone():
    before = hive(tree({"A": {"v": ("SZ", "old")}}), size=8192)
    _, log = dirty(before, hive(tree({"A": {"v": ("SZ", "new")}}), size=8192))

    h = opened(before, log)

    assert h.find("A").value("v").text() == "old"
    assert h.problems == []


@pytest.mark.parametrize("data", [b"", b"regf", b"MZ" + bytes(9000), b"regf" + bytes(4000)])
def test_what_is_no_hive_is_refused(data):
    with pytest.raises(HiveError):
        opened(data)


def test_a_key_below_itself_is_given_once():
    data = bytearray(hive(SAMPLE))
    h = opened(bytes(data))
    deep, alpha = h.find("Alpha\\Deep"), h.find("Alpha")
    at = data.find(struct.pack("<I", deep.offset - 4096), alpha.offset + 80)
    struct.pack_into("<I", data, at, alpha.offset - 4096)

    h = opened(bytes(data))

    assert [k.path for k in h.walk()] == ["", "Alpha", "Größe", "Ключ"]
    assert "hive_key_twice" in codes(h)


def test_a_broken_key_is_skipped_and_the_rest_goes_on():
    data = bytearray(hive(SAMPLE))
    at = opened(bytes(data)).find("Größe").offset
    data[at + 4 : at + 6] = b"xx"

    h = opened(bytes(data))

    assert [k.path for k in h.walk()] == ["", "Alpha", "Alpha\\Deep", "Ключ"]
    assert [(p.code, p.place) for p in h.problems] == [("hive_key", f"offset {at}")]


def test_a_cut_hive_gives_what_is_there():
    data = hive(SAMPLE, size=65536)

    h = opened(data[:6000])

    assert h.find("Alpha\\Deep") is not None
    assert "hive_truncated" in codes(h)


def test_a_lost_root_is_found_by_its_flag():
    data = bytearray(hive(SAMPLE))
    struct.pack_into("<I", data, 36, 0x500000)

    h = opened(bytes(data))

    assert h.find("Alpha") is not None
    assert "hive_root" in codes(h)


def test_a_time_out_of_range_is_none_with_a_problem():
    data = bytearray(hive(SAMPLE))
    at = opened(bytes(data)).find("Alpha").offset
    struct.pack_into("<Q", data, at + 8, (1 << 64) - 1)

    h = opened(bytes(data))

    assert h.find("Alpha").last_written_ns is None
    assert codes(h) == ["hive_time"]


def test_filetime_values_are_read():
    at = datetime(2024, 1, 6, 5, 35, 16, 373771, tzinfo=UTC)

    h = opened(hive(K("R", {"t": ("DEVPROP_FILETIME", filetime_bytes(at))})))

    assert h.root.value("t").filetime_ns() == int(at.timestamp()) * NS + 373_771_000


def test_a_list_shared_by_many_keys_is_not_read_for_ever():
    """Every key claims the list of the root: without care that is a loop, or work by the square."""
    root = K("ROOT", {}, [K(f"k{i}") for i in range(600)])
    data = bytearray(hive(root))
    h = opened(bytes(data))
    count, listed = struct.unpack_from("<I4xI", data, h.root.offset + 24)
    for key in h.root.subkeys():
        struct.pack_into("<I", data, key.offset + 24, count)
        struct.pack_into("<I", data, key.offset + 32, listed)

    h = opened(bytes(data))

    assert sum(1 for _ in h.walk()) == 601
    assert "hive_key_twice" in codes(h)


DIRTY, LOG = dirty(
    hive(SAMPLE, size=8192), hive(K("ROOT", {}, [*SAMPLE.keys, K("New")]), size=8192)
)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8000), st.binary(min_size=1, max_size=8)), max_size=12),
    st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=4)), max_size=3),
    st.integers(0, len(DIRTY)),
)
def test_mutated_hives_never_crash(changes, log_changes, cut):
    data, log = bytearray(DIRTY), bytearray(LOG)
    for target, edits in ((data, changes), (log, log_changes)):
        for at, content in edits:
            target[at : at + len(content)] = content
    data = data[: max(cut, 4200)]

    try:
        h = opened(bytes(data), bytes(log))
    except HiveError:
        return

    read = [(k.path, v.name, v.data, v.text(), v.number()) for k in h.walk() for v in k.values()]
    assert len(read) <= len(data)
    assert all(p.place and p.code for p in h.problems)
