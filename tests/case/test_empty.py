"""The empty case is kept between runs, and never taken where it is not what it should be."""

import sys
from pathlib import Path

import duckdb
import pytest

from forensic_iso.case import empty, schema

CATALOG = (
    "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL",
    "SELECT view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
    "SELECT table_name, comment FROM duckdb_tables() ORDER BY ALL",
    "FROM case_info ORDER BY ALL",
)


def _catalog(path: Path) -> list[list[tuple[object, ...]]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return [con.execute(query).fetchall() for query in CATALOG]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where bytecode and the empty case are kept in this test."""
    folder = tmp_path / "bytecode"
    monkeypatch.setattr(sys, "pycache_prefix", str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return folder


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("empty-*"))


def test_second_case_is_a_copy_with_the_same_tables_views_and_comments(
    tmp_path: Path, kept: Path
) -> None:
    empty.place(tmp_path / "a.duckdb")
    (file,) = _files(kept)

    empty.place(tmp_path / "b.duckdb")

    assert (tmp_path / "b.duckdb").read_bytes() == file.read_bytes()
    first = _catalog(tmp_path / "a.duckdb")
    assert _catalog(tmp_path / "b.duckdb") == first
    assert {name for name, *_ in first[2]} >= {t.name for t in schema.case_tables()}
    assert all(row[3] for row in first[0] if row[0] in ("event_other", "source"))


def test_damaged_copy_is_not_taken(tmp_path: Path, kept: Path) -> None:
    empty.place(tmp_path / "a.duckdb")
    (file,) = _files(kept)
    content = bytearray(file.read_bytes())
    content[9000] ^= 1
    file.write_bytes(content)

    empty.place(tmp_path / "b.duckdb")

    assert _catalog(tmp_path / "b.duckdb") == _catalog(tmp_path / "a.duckdb")
    assert (tmp_path / "b.duckdb").read_bytes() != bytes(content)


def test_another_schema_makes_another_case(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty.place(tmp_path / "a.duckdb")
    (before,) = _files(kept)
    script = schema.script() + "\n;\nCREATE TABLE one_more (n INTEGER)"
    monkeypatch.setattr(schema, "script", lambda: script)

    empty.place(tmp_path / "b.duckdb")

    assert "one_more" in {name for name, _ in _catalog(tmp_path / "b.duckdb")[2]}
    assert before not in _files(kept)


def test_nothing_is_kept_where_bytecode_is_not_wanted(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    empty.place(tmp_path / "a.duckdb")

    assert not _files(kept)
    assert _catalog(tmp_path / "a.duckdb")


def test_folder_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "file"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)

    empty.place(tmp_path / "a.duckdb")

    assert empty.prepare() is None
    assert _catalog(tmp_path / "a.duckdb")
