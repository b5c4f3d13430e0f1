"""Which files of an image the report says were run."""

from collections.abc import Iterator

import duckdb
import pytest

from forensic_iso.case.store import open_writer
from forensic_iso.report.fields import CONTENT_SQL

IMAGE = "C:\\Users\\u\\a.iso"
OTHER = "C:\\Users\\u\\Desktop\\b.iso"
"""Path of the image in another session."""
FILES = ("tool.exe", "docs\\tool.exe", "docs\\lib.dll", "open.lnk")


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_writer(tmp_path_factory.mktemp("contents") / "case") as con:
        con.execute(
            "INSERT INTO finding (finding_id, host, image_path) VALUES ('f', 'H', ?)", [IMAGE]
        )
        con.execute(
            "INSERT INTO finding_part VALUES ('f', 'H', 'execution', 'e', ?), ('f', 'H', 'session', 'm', ?)",
            [IMAGE, OTHER],
        )
        con.execute(
            "INSERT INTO source (source_id, host, windows_path) VALUES ('s', 'H', ?)", [IMAGE]
        )
        for offset, path in enumerate(FILES):
            con.execute(
                "INSERT INTO image_content (source_id, host, path, is_directory, record_offset) VALUES ('s', 'H', ?, FALSE, ?)",
                [path, offset],
            )
        con.execute(
            "INSERT INTO source (source_id, host, windows_path) VALUES ('t', 'H', ?)", [OTHER]
        )
        con.execute(
            "INSERT INTO image_content (source_id, host, path, is_directory, record_offset) VALUES ('t', 'H', 'late.txt', FALSE, 0)"
        )
        yield con


@pytest.mark.parametrize(
    ("target", "run"),
    [
        ("E:\\docs\\tool.exe", {"docs\\tool.exe"}),
        ("E:\\TOOL.exe", {"tool.exe"}),
        ("\\Device\\CdRom0\\docs\\lib.dll", {"docs\\lib.dll"}),
        ("\\\\?\\Volume{6b1e9f2c-0000-0000-0000-000000000000}\\tool.exe", {"tool.exe"}),
        ("docs/lib.dll", {"docs\\lib.dll"}),
        ("lib.dll", {"docs\\lib.dll"}),
        ("E:\\other\\tool.exe", set()),
        (None, set()),
    ],
)
def test_a_file_was_run_where_an_execution_names_its_place(
    con: duckdb.DuckDBPyConnection, target: str | None, run: set[str]
) -> None:
    con.execute("DELETE FROM execution")
    con.execute(
        "INSERT INTO execution (execution_id, host, image_path, target) VALUES ('e', 'H', ?, ?)",
        [IMAGE.upper(), target],
    )

    assert {r[1] for r in con.execute(CONTENT_SQL).fetchall() if r[7]} == run


def test_a_file_was_run_where_an_execution_cites_it_and_shortcuts_are_opened_not_run(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute("DELETE FROM execution")
    con.execute(
        "INSERT INTO execution (execution_id, host, image_path) VALUES ('e', 'H', ?)", [IMAGE]
    )
    con.execute(
        "INSERT INTO evidence_ref (subject_id, step, source_id, table_name, row_address)"
        " VALUES ('e', 'executed', 's', 'image_content', '1'), ('e', 'executed', 's', 'image_content', '3')"
    )

    assert {r[1] for r in con.execute(CONTENT_SQL).fetchall() if r[7]} == {"docs\\tool.exe"}


def test_files_of_the_image_at_each_of_its_paths_are_listed(con: duckdb.DuckDBPyConnection) -> None:
    assert {r[1] for r in con.execute(CONTENT_SQL).fetchall()} == {*FILES, "late.txt"}
