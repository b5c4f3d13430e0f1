import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.browser import chromium, firefox
from tests.builders import browsers as made
from tests.parsers.reading import artifact, read
from tests.shared import REAL, needs_shared

NOON = datetime(2024, 3, 5, 11, 30, 0, 123456, tzinfo=UTC).replace(tzinfo=None)


def test_a_chromium_download_has_its_chain_in_order_and_the_last_url_as_its_own() -> None:
    data = made.database(made.CHROMIUM, made.download())

    rows, problems = read(chromium, artifact("History", data))

    assert problems == []
    [row] = rows["browser_download"]
    assert row["start_utc"] == NOON
    assert row["url"] == "https://cdn.example/invoice.iso"
    assert row["url_chain"] == "https://go.example/i\nhttps://cdn.example/invoice.iso"
    assert (row["target_path"], row["state"], row["danger"]) == (
        made.TARGET,
        "complete",
        "maybe_dangerous_content",
    )
    assert (row["opened"], row["received_bytes"], row["total_bytes"]) == (True, 10, 20)
    assert (row["referrer_url"], row["tab_url"]) == (
        "https://mail.example/",
        "https://tab.example/",
    )
    assert (row["extension"], row["sha256"]) == ("helper", "AB" * 32)
    assert (row["origin"], row["database_table"], row["row_id"]) == ("database", "downloads", 1)


def test_a_visit_tells_page_way_and_where_it_came_from() -> None:
    data = made.database(made.CHROMIUM, made.visit(1) + made.visit(2, "https://b.example/", 1))

    rows, _ = read(chromium, artifact("History", data))

    got = [(r["url"], r["title"], r["transition"], r["from_url"]) for r in rows["browser_visit"]]
    assert got == [
        ("file:///E:/index.html", "Title 1", "typed", None),
        ("https://b.example/", "Title 2", "typed", "file:///E:/index.html"),
    ]


def test_an_unknown_state_stays_a_number() -> None:
    data = made.database(made.CHROMIUM, made.download(state=77))

    rows, _ = read(chromium, artifact("History", data))

    assert rows["browser_download"][0]["state"] == "77"


def test_a_firefox_download_is_put_together_from_its_annotations() -> None:
    data = made.database(made.FIREFOX, made.firefox_download())

    rows, problems = read(firefox, artifact("places.sqlite", data))

    assert problems == []
    [row] = rows["browser_download"]
    assert row["target_path"] == r"C:\Users\ann\Downloads\Ré.iso"
    assert (row["url"], row["referrer_url"]) == (
        "https://cdn.example/a.iso",
        "https://mail.example/",
    )
    assert row["start_utc"] == NOON
    assert row["end_utc"] == datetime(2024, 3, 5, 11, 30, 1, 500000, tzinfo=UTC).replace(
        tzinfo=None
    )
    assert (row["state"], row["total_bytes"], row["row_id"]) == ("complete", 77, 8)
    assert [r["transition"] for r in rows["browser_visit"]] == ["link", "download"]


def test_rows_of_the_log_beside_are_read_and_told_apart(tmp_path: Path) -> None:
    change = "UPDATE downloads SET state = 2 WHERE id = 1"
    data, log = made.with_log(
        tmp_path, made.CHROMIUM, made.download(1) + made.download(3), [change, *made.download(2)]
    )

    rows, problems = read(
        chromium, artifact("History", data, beside=(artifact("History-wal", log),))
    )

    assert problems == []
    got = [(r["row_id"], r["state"], r["origin"]) for r in rows["browser_download"]]
    assert got == [
        (1, "cancelled", "wal"),
        (2, "complete", "wal"),
        (3, "complete", "database"),
        (1, "complete", "database_before_wal"),
    ]


def test_a_torn_log_counts_up_to_its_last_whole_commit(tmp_path: Path) -> None:
    data, log = made.with_log(tmp_path, made.CHROMIUM, [], made.visit(1) + made.visit(2))
    torn = log[:-100] + bytes(100)

    rows, problems = read(
        chromium, artifact("History", data, beside=(artifact("History-wal", torn),))
    )

    assert [r["row_id"] for r in rows["browser_visit"]] == [1]
    assert [p.code for p in problems] == ["sqlite_wal"]


def test_a_database_in_log_mode_without_its_log_is_read_and_told(tmp_path: Path) -> None:
    data, _ = made.with_log(tmp_path, made.CHROMIUM, made.visit(1), [])

    rows, problems = read(chromium, artifact("History", data))

    assert len(rows["browser_visit"]) == 1
    assert [p.code for p in problems] == ["sqlite_no_wal"]


def test_an_open_rollback_journal_is_told() -> None:
    data = made.database(made.CHROMIUM, made.visit())
    journal = artifact("History-journal", bytes.fromhex("d9d505f920a163d7") + bytes(504))

    _, problems = read(chromium, artifact("History", data, beside=(journal,)))

    assert [p.code for p in problems] == ["sqlite_journal"]


def test_a_view_in_place_of_a_table_is_not_run() -> None:
    forged = (
        "CREATE VIEW downloads AS WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x)"
        " SELECT n AS id FROM x;"
    )

    rows, problems = read(chromium, artifact("History", made.database(forged, [])))

    assert rows["browser_download"] == []
    assert [p.code for p in problems] == ["sqlite_no_table"]


def test_rows_on_both_sides_of_a_damaged_page_are_read() -> None:
    statements = [
        s for n in range(1, 3000) for s in made.visit(n, f"https://{n}.example/{'x' * 60}")
    ]
    data = bytearray(made.database(made.CHROMIUM, statements))
    whole, _ = read(chromium, artifact("History", bytes(data)))
    page = data.index(b"https://1500.example/") // 4096 * 4096
    data[page : page + 4096] = b"\xff" * 4096

    rows, problems = read(chromium, artifact("History", bytes(data)))

    urls = {r["url"] for r in rows["browser_visit"]}
    assert "sqlite_damaged" in [p.code for p in problems]
    assert len(whole["browser_visit"]) == 2999
    assert "https://1.example/" + "x" * 60 in urls
    assert "https://2999.example/" + "x" * 60 in urls


def test_a_tree_that_shows_one_page_again_and_again_ends() -> None:
    statements = [
        s for n in range(1, 3000) for s in made.visit(n, f"https://{n}.example/{'x' * 60}")
    ]
    data = bytearray(made.database(made.CHROMIUM, statements))
    for page in range(4096, len(data), 4096):
        if data[page] == 5:  # interior page of a table: cells start with the number of a child
            cells = struct.unpack_from(">H", data, page + 3)[0]
            places = struct.unpack_from(f">{cells}H", data, page + 12)
            for place in places:
                data[page + place : page + place + 4] = data[
                    page + places[0] : page + places[0] + 4
                ]

    rows, problems = read(chromium, artifact("History", bytes(data)))

    numbers = [r["row_id"] for r in rows["browser_visit"]]
    assert 0 < len(numbers) == len(set(numbers))
    assert "sqlite_damaged" in [p.code for p in problems]


def test_databases_are_told_by_content_and_by_name() -> None:
    chrome = made.database(made.CHROMIUM, [])
    fox = made.database(made.FIREFOX, [])

    assert chromium.recognise("x.bin", chrome[:34816])
    assert chromium.recognise("History", chrome[:100])
    assert not chromium.recognise("History", fox[:34816])
    assert not chromium.recognise("History", b"no database")
    assert firefox.recognise("x.bin", fox[:34816])
    assert not firefox.recognise("x.bin", chrome[:34816])


def test_a_time_out_of_range_is_told() -> None:
    data = made.database(
        made.CHROMIUM, ["INSERT INTO visits VALUES(1, 1, 9223372036854775807, 0, 0)"]
    )

    rows, problems = read(chromium, artifact("History", data))

    assert rows["browser_visit"][0]["visited_utc"] is None
    assert [(p.code, p.place) for p in problems] == [("browser_time", "visits row 1")]


BASE = made.database(made.CHROMIUM, made.download() + made.visit())


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, len(BASE) - 1), st.binary(min_size=1, max_size=30)), max_size=9
    ),
    st.integers(0, len(BASE)),
)
def test_mutated_databases_give_rows_and_problems_only(
    wounds: list[tuple[int, bytes]], end: int
) -> None:
    data = bytearray(BASE)
    for at, wound in wounds:
        data[at : at + len(wound)] = wound

    for content in (bytes(data), bytes(data[:end])):
        rows, problems = read(chromium, artifact("History", content))

        assert sum(map(len, rows.values())) <= 100
        assert all(p.message for p in problems)


@settings(max_examples=40)
@given(wound=st.binary(max_size=60), at=st.integers(0, 20_000))
def test_mutated_logs_give_rows_and_problems_only(
    wound: bytes, at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if "log" not in CACHE:
        folder = tmp_path_factory.mktemp("log")
        CACHE["log"] = made.with_log(folder, made.CHROMIUM, made.visit(1), made.visit(2))
    data, log = CACHE["log"]
    place = at % len(log)
    log = log[:place] + wound + log[place + len(wound) :]

    rows, _ = read(chromium, artifact("History", data, beside=(artifact("History-wal", log),)))

    assert 1 <= len({r["row_id"] for r in rows["browser_visit"]}) <= 2


CACHE: dict[str, tuple[bytes, bytes]] = {}


@needs_shared
@pytest.mark.parametrize(
    ("path", "downloads", "visits"),
    [
        ("Velocidex_velociraptor/ChromeHistory.sqlite", 0, 2),
        ("log2timeline_plaso/chrome/History", 2, 69),
        ("log2timeline_plaso/chrome/History-59.0.3071.86", 1, 1),
        ("log2timeline_plaso/firefox/places.sqlite", 0, 1),
    ],
)
def test_real_databases_give_their_known_counts(path: str, downloads: int, visits: int) -> None:
    data = (REAL / path).read_bytes()
    given = artifact(Path(path).name, data)
    [parser] = [p for p in (chromium, firefox) if p.recognise(given.name, data[:34816])]

    rows, problems = read(parser, given)

    assert [len(rows[t]) for t in ("browser_download", "browser_visit")] == [downloads, visits]
    assert [p.code for p in problems if p.severity == "error"] == []
