from datetime import UTC, datetime

import pytest

from parsers.browser import webcache
from tests.builders.ese import Row, database, seven_bits
from tests.builders.hive import filetime
from tests.parsers.reading import artifact, read

AT = datetime(2020, 3, 4, 5, 6, 7, tzinfo=UTC)
NAIVE = AT.replace(tzinfo=None)
NAMES = {"ContainerId": "i64", "Name": "longtext"}
ENTRIES = {
    "EntryId": "i64", "FileSize": "i64", "AccessCount": "u32", "CreationTime": "i64", "AccessedTime": "i64",
    "Url": "longtext", "Filename": "longtext", "ResponseHeaders": "longbinary",
}  # fmt: skip
DOWNLOAD = "\0".join(
    (
        "\x01\x02",
        "https://page.example/",
        "application/octet-stream",
        r"C:\Users\u\AppData\Local\Temp\a.iso.partial",
        "https://x.example/a.iso",
        r"C:\Users\u\Downloads\a.iso",
        "",
    )
)


def cache(entries: list[Row], name: str, state: int = 3) -> bytes:
    return database(
        {"Containers": (NAMES, [{"ContainerId": 12, "Name": name}]), "Container_12": (ENTRIES, entries)},
        state,
    )  # fmt: skip


def entry(number: int, **values: int | bytes | str) -> Row:
    return {"EntryId": number, "AccessedTime": filetime(AT), "AccessCount": 3, **values}


def test_a_download_gives_addresses_and_paths() -> None:
    headers = bytes(100) + DOWNLOAD.encode("utf-16-le")
    data = cache([entry(5, Url="iedownload:{1}", ResponseHeaders=headers)], "iedownload", state=2)

    rows, problems = read(webcache, artifact("WebCacheV01.dat", data))

    [row] = rows["browser_download"]
    assert [p.code for p in problems] == ["ese_dirty", "ese_logs_not_replayed"]
    assert (row["url"], row["target_path"], row["referrer_url"]) == (
        "https://x.example/a.iso",
        r"C:\Users\u\Downloads\a.iso",
        "https://page.example/",
    )
    assert (row["start_utc"], row["state"], row["row_id"]) == (NAIVE, None, 5)
    assert row["database_table"] == "Container_12 (iedownload)"


def test_a_download_without_its_texts_is_told() -> None:
    data = cache([entry(5, Url="iedownload:{1}", ResponseHeaders=b"\1\2")], "iedownload")

    rows, problems = read(webcache, artifact("WebCacheV01.dat", data))

    assert [r["url"] for r in rows["browser_download"]] == [None]
    assert [p.code for p in problems] == ["webcache_download"]


@pytest.mark.parametrize(
    ("container", "url"),
    [
        ("History", "Visited: anna@file:///E:/docs/read%20me.txt"),
        ("MSHist012020030420200305", ":2020030420200305: anna@file:///E:/docs/read%20me.txt"),
    ],
)
def test_a_local_file_that_was_opened_is_a_visit(container: str, url: str) -> None:
    data = cache([entry(7, Url=seven_bits(url))], container)

    rows, problems = read(webcache, artifact("WebCacheV01.dat", data))

    [row] = rows["browser_visit"]
    assert problems == []
    assert (row["url"], row["user_name"]) == ("file:///E:/docs/read%20me.txt", "anna")
    assert (row["visited_utc"], row["visit_count"], row["browser"]) == (NAIVE, 3, "webcache")


def test_cached_files_are_visits_of_their_own_kind() -> None:
    data = cache([entry(7, Url="https://x.example/a.iso", Filename="a[1].iso")], "Content")

    [row] = read(webcache, artifact("WebCacheV01.dat", data))[0]["browser_visit"]

    assert (row["url"], row["title"], row["transition"]) == (
        "https://x.example/a.iso",
        "a[1].iso",
        "cached",
    )


def test_cookies_give_no_rows_and_that_nothing_was_there_is_told() -> None:
    rows, problems = read(webcache, artifact("WebCacheV01.dat", cache([entry(1)], "Cookies")))

    assert not any(rows.values())
    assert [p.code for p in problems] == ["ese_unread"]


def test_files_are_told_by_signature_and_name() -> None:
    head = bytes(4) + b"\xef\xcd\xab\x89" + bytes(60)

    assert webcache.recognise("WebCacheV01.dat", head)
    assert webcache.recognise("C_WebCacheV24.dat", head)
    assert not webcache.recognise("SRUDB.dat", head)
