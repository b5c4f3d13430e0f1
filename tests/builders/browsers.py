"""Builds histories of browsers with SQLite itself, with and without a write-ahead log."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

CHROMIUM = """
CREATE TABLE urls(id INTEGER PRIMARY KEY, url LONGVARCHAR, title LONGVARCHAR, visit_count INTEGER);
CREATE TABLE visits(id INTEGER PRIMARY KEY, url INTEGER, visit_time INTEGER, from_visit INTEGER,
  transition INTEGER);
CREATE TABLE downloads(id INTEGER PRIMARY KEY, guid VARCHAR, current_path LONGVARCHAR,
  target_path LONGVARCHAR, start_time INTEGER, received_bytes INTEGER, total_bytes INTEGER,
  state INTEGER, danger_type INTEGER, interrupt_reason INTEGER, hash BLOB, end_time INTEGER,
  opened INTEGER, last_access_time INTEGER, referrer VARCHAR, tab_url VARCHAR,
  tab_referrer_url VARCHAR, by_ext_id VARCHAR, by_ext_name VARCHAR, mime_type VARCHAR);
CREATE TABLE downloads_url_chains(id INTEGER, chain_index INTEGER, url LONGVARCHAR);
CREATE TABLE keyword_search_terms(keyword_id INTEGER, url_id INTEGER, term LONGVARCHAR);
"""
FIREFOX = """
CREATE TABLE moz_places(id INTEGER PRIMARY KEY, url LONGVARCHAR, title LONGVARCHAR,
  visit_count INTEGER);
CREATE TABLE moz_historyvisits(id INTEGER PRIMARY KEY, from_visit INTEGER, place_id INTEGER,
  visit_date INTEGER, visit_type INTEGER);
CREATE TABLE moz_annos(id INTEGER PRIMARY KEY, place_id INTEGER, anno_attribute_id INTEGER,
  content LONGVARCHAR, dateAdded INTEGER);
CREATE TABLE moz_anno_attributes(id INTEGER PRIMARY KEY, name VARCHAR);
"""
START = 13_354_111_800_123_456
"""2024-03-05 11:30:00.123456 UTC in microseconds since 1601."""
TARGET = r"C:\Users\ann\Downloads\invoice.iso"


def download(number: int = 1, target: str = TARGET, state: int = 1) -> list[str]:
    """SQL of a download by two redirects."""
    return [
        f"INSERT INTO downloads VALUES({number}, 'g', '{target}', '{target}', {START}, 10, 20,"
        f" {state}, 4, 0, x'{'ab' * 32}', {START + 5}, 1, {START + 9}, 'https://mail.example/',"
        " 'https://tab.example/', '', '', 'helper', 'application/x-iso9660-image')",
        f"INSERT INTO downloads_url_chains VALUES({number}, 1, 'https://cdn.example/invoice.iso')",
        f"INSERT INTO downloads_url_chains VALUES({number}, 0, 'https://go.example/i')",
    ]


def visit(number: int = 1, url: str = "file:///E:/index.html", came_from: int = 0) -> list[str]:
    """SQL of a visit of a page of its own."""
    return [
        f"INSERT INTO urls VALUES({number}, '{url}', 'Title {number}', 2)",
        f"INSERT INTO visits VALUES({number}, {number}, {START + number}, {came_from}, {0x30000001})",
    ]


def firefox_download() -> list[str]:
    """SQL of a Firefox download, its visit and the page before."""
    return [
        "INSERT INTO moz_places VALUES(1, 'https://mail.example/', 'Mail', 1)",
        "INSERT INTO moz_places VALUES(2, 'https://cdn.example/a.iso', NULL, 1)",
        "INSERT INTO moz_historyvisits VALUES(1, 0, 1, 1709638199000000, 1)",
        "INSERT INTO moz_historyvisits VALUES(2, 1, 2, 1709638200123456, 7)",
        "INSERT INTO moz_anno_attributes VALUES(4, 'downloads/destinationFileURI')",
        "INSERT INTO moz_anno_attributes VALUES(5, 'downloads/metaData')",
        "INSERT INTO moz_annos VALUES(8, 2, 4, 'file:///C:/Users/ann/Downloads/R%C3%A9.iso',"
        " 1709638200123456)",
        'INSERT INTO moz_annos VALUES(9, 2, 5, \'{"state":1,"endTime":1709638201500,'
        '"fileSize":77}\', 1709638201500000)',
    ]


def database(schema: str, statements: Sequence[str]) -> bytes:
    """A database in rollback mode."""
    with sqlite3.connect(":memory:") as con:
        con.executescript(schema)
        for statement in statements:
            con.execute(statement)
        con.commit()
        return con.serialize()


def with_log(
    folder: Path, schema: str, before: Sequence[str], after: Sequence[str]
) -> tuple[bytes, bytes]:
    """(database, write-ahead log): `before` is in the file, `after` only in the log."""
    path = folder / "History"
    con = sqlite3.connect(path)
    con.execute("PRAGMA journal_mode=WAL")
    con.executescript(schema)
    for statement in before:
        con.execute(statement)
    con.commit()
    con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    con.execute("PRAGMA wal_autocheckpoint=0")
    for statement in after:
        con.execute(statement)
        con.commit()
    made = path.read_bytes(), (folder / "History-wal").read_bytes()
    con.close()
    return made
