"""Folders are walked in order, links and special files named, nothing touched."""

import os
from pathlib import Path

import pytest

from forensic_iso.evidence.folder import walk_folder
from forensic_iso.evidence.found import EvidenceProblem, Sighting
from forensic_iso.evidence.streams import open_readonly


def walk(folder: Path) -> tuple[list[Sighting], list[EvidenceProblem]]:
    items = list(walk_folder("shown", str(folder)))
    files = [item for item in items if isinstance(item, Sighting)]
    return files, [item for item in items if isinstance(item, EvidenceProblem)]


def test_files_come_sorted_with_path_as_given(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a", "c/d/e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())

    files, problems = walk(tmp_path)

    assert [f.found.path for f in files] == ["shown/a", "shown/b/1", "shown/b/2", "shown/c/d/e"]
    assert files[-1].head == b"c/d/e"
    assert files[-1].found.member == str(tmp_path / "c/d/e")
    assert problems == []


def test_links_are_problems_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to("/nowhere")

    files, problems = walk(tmp_path)

    assert files == []
    assert [p.problem.code for p in problems] == ["symbolic_link", "symbolic_link"]


def test_a_pipe_is_a_problem_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    files, problems = walk(tmp_path)

    assert files == []
    assert [(p.path, p.problem.code) for p in problems] == [("shown/pipe", "special_file")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "file").chmod(0)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(0)

    files, problems = walk(tmp_path)
    (tmp_path / "folder").chmod(0o700)

    assert files == []
    assert [p.problem.code for p in problems] == ["unreadable", "unreadable"]


def test_names_that_are_no_utf8_are_shown_encodable_and_can_be_opened(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.evtx"
    try:
        Path(os.fsdecode(raw)).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")

    files, _ = walk(tmp_path)

    assert files[0].found.name == "caf\\udce9.evtx"
    with open_readonly(files[0].found.member) as stream:
        assert stream.read() == b"x"


def test_reading_leaves_the_times_of_own_files_alone(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"x" * 10)
    os.utime(file, (1_000_000_000, 1_500_000_000))

    walk(tmp_path)

    status = file.stat()
    assert (status.st_atime, status.st_mtime) == (1_000_000_000, 1_500_000_000)
