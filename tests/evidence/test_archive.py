"""Archives are read in place; hostile ones become problems."""

import io
import os
import pickle
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensic_iso.evidence import archive as archive_module
from forensic_iso.evidence import zips
from forensic_iso.evidence.archive import forget, walk_archive
from forensic_iso.evidence.found import EvidenceProblem, Found, Sighting, found_file
from forensic_iso.evidence.opening import open_found
from forensic_iso.evidence.streams import Inflated, Span, stream_problems
from forensic_iso.evidence.zips import BadArchive, open_member, read_members
from tests.evidence.zip_maker import (
    CRC,
    FLAGS,
    LOCAL,
    METHOD,
    SIZE,
    make_twice,
    make_zip,
    patch_central,
)

NOISE = os.urandom(300_000)


def outer(path: Path) -> Found:
    return found_file(path.name, str(path), "", path.stat().st_size, str(path))


def walk(path: Path, data: bytes) -> tuple[list[Found], list[str]]:
    path.write_bytes(data)
    items = list(walk_archive(outer(path)))
    codes = [item.problem.code for item in items if isinstance(item, EvidenceProblem)]
    return [item.found for item in items if isinstance(item, Sighting)], codes


@pytest.fixture
def zip_path(tmp_path: Path) -> Path:
    return tmp_path / "x.zip"


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_members_are_found_and_read_whole(zip_path: Path, method: int) -> None:
    data = make_zip({"C/$MFT": NOISE, "C/Windows/a.evtx": b"ElfFile\0" * 9000}, method)

    files, codes = walk(zip_path, data)

    assert [f.path for f in files] == ["x.zip!/C/$MFT", "x.zip!/C/Windows/a.evtx"]
    assert files[0].windows_path == r"C:\$MFT"
    with open_found(pickle.loads(pickle.dumps(files[0]))) as stream:
        assert stream.read() == NOISE
        stream.seek(-7, io.SEEK_END)
        assert stream.read(5) == NOISE[-7:-2]
        assert stream_problems(stream) == []
    assert codes == []


def test_a_file_outside_of_archives_is_opened_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")

    with open_found(outer(tmp_path / "a")) as stream:
        assert stream.read() == b"abc"


def test_a_zip_in_a_zip_is_read_and_a_third_is_not(zip_path: Path) -> None:
    inner = make_zip({"C/Windows/a.evtx": NOISE, "third.zip": make_zip({"x": b"y"})})
    files, _ = walk(zip_path, make_zip({"host.zip": inner}))

    nested = [item for item in walk_archive(files[0]) if isinstance(item, Sighting)]
    deeper = list(walk_archive(nested[1].found))

    assert nested[0].found.path == "x.zip!/host.zip!/C/Windows/a.evtx"
    assert nested[0].found.containers == (str(zip_path), "host.zip")
    forget()
    with open_found(nested[0].found) as stream:
        assert stream.read() == NOISE
    assert [p.problem.code for p in deeper if isinstance(p, EvidenceProblem)] == [
        "archive_too_deep"
    ]


def test_a_large_nested_zip_is_a_problem(zip_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "NESTED_BYTES", 100)
    files, _ = walk(zip_path, make_zip({"host.zip": make_zip({"x": NOISE})}))

    (problem,) = walk_archive(files[0])

    assert isinstance(problem, EvidenceProblem)
    assert problem.problem.code == "archive_too_large"


def test_climbing_and_absolute_names_are_data(zip_path: Path) -> None:
    names = ["/etc/passwd", "../../up", "C:\\Windows\\x", "fine"]

    files, codes = walk(zip_path, make_zip(dict.fromkeys(names, b"x")))

    assert [f.member for f in files] == names
    assert codes == ["suspicious_member_name"] * 3


def test_many_suspicious_names_are_counted_not_listed(zip_path: Path) -> None:
    _, codes = walk(zip_path, make_zip({f"/{n}": b"" for n in range(300)}))

    assert len(codes) == archive_module.MAX_NAMED + 1


def test_two_members_of_one_name_are_both_read(zip_path: Path) -> None:
    files, codes = walk(zip_path, make_twice("a", b"first", b"second"))

    read = []
    for file in files:
        with open_found(file) as stream:
            read.append(stream.read())
    assert read == [b"first", b"second"]
    assert codes == ["duplicate_member"]


@pytest.mark.parametrize(
    ("field", "fmt", "value", "code"),
    [
        (FLAGS, "<H", 1, "encrypted_member"),
        (METHOD, "<H", 99, "encrypted_member"),
        (METHOD, "<H", 9, "unsupported_compression"),
        (METHOD, "<H", 93, "unsupported_compression"),
        (SIZE, "<I", 0xFFFF_FFF0, "archive_bomb"),
    ],
)
def test_members_not_to_be_opened_are_problems(
    zip_path: Path, field: int, fmt: str, value: int, code: str
) -> None:
    data = make_zip({"bad": b"a" * 50_000, "good": b"b"})

    files, codes = walk(zip_path, patch_central(data, 0, field, fmt, value))

    assert [f.name for f in files] == ["good"]
    assert codes == [code]


def test_members_that_share_bytes_are_not_opened(zip_path: Path) -> None:
    data = make_zip({"a": NOISE, "b": NOISE})

    files, codes = walk(zip_path, patch_central(data, 1, LOCAL, "<I", 0))

    assert files == []
    assert set(codes) == {"overlapping_members"}


def test_unsupported_method_is_named(zip_path: Path) -> None:
    zip_path.write_bytes(patch_central(make_zip({"a": b"a"}), 0, METHOD, "<H", 9))

    (problem,) = walk_archive(outer(zip_path))

    assert isinstance(problem, EvidenceProblem)
    assert "Deflate64" in problem.problem.found


def test_links_in_archives_are_problems(zip_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        made.writestr(link, "/etc/passwd")

    files, codes = walk(zip_path, buffer.getvalue())

    assert (files, codes) == ([], ["symbolic_link"])


@pytest.mark.parametrize("cut", [0, 10, 5_000, -1, -30])
def test_a_cut_zip_is_a_problem(zip_path: Path, cut: int) -> None:
    files, codes = walk(zip_path, make_zip({"a": NOISE[:10_000]})[:cut])

    assert (files, codes) == ([], ["corrupt_archive"])


def test_a_missing_local_header_is_a_problem(zip_path: Path) -> None:
    data = bytearray(make_zip({"a": b"x" * 100, "b": b"y"}))
    data[0:4] = b"\0\0\0\0"

    files, codes = walk(zip_path, bytes(data))

    assert ([f.name for f in files], codes) == (["b"], ["corrupt_member"])


def test_a_wrong_checksum_is_told_and_the_bytes_are_given(zip_path: Path) -> None:
    files, _ = walk(zip_path, patch_central(make_zip({"a": NOISE}), 0, CRC, "<I", 1))

    with open_found(files[0]) as stream:
        assert stream.read() == NOISE
        assert [p.code for p in stream_problems(stream)] == ["member_checksum"]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_gives_what_comes_before(zip_path: Path, method: int) -> None:
    plain = bytes(range(256)) * 20_000
    data = bytearray(make_zip({"a": plain + NOISE}, method))
    data[200_000:200_400] = b"\xff" * 400

    files, _ = walk(zip_path, bytes(data))

    with open_found(files[0]) as stream:
        read = stream.read()
        assert stream_problems(stream)
    assert len(read) >= 1_000_000
    assert plain.startswith(read[:1_000_000])


def test_a_changed_archive_is_not_mistaken(zip_path: Path) -> None:
    files, _ = walk(zip_path, make_zip({"a": b"one", "b": b"two"}))
    zip_path.write_bytes(make_zip({"z": b"three"}))

    with pytest.raises(BadArchive):
        open_found(files[1])


def test_large_members_are_read_through_at_any_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensic_iso.evidence.streams._CHECKPOINT_BYTES", 50_000)
    monkeypatch.setattr("forensic_iso.evidence.streams._CHECKPOINTS", 1 << 30)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = tmp_path / f"{method}.zip"
        path.write_bytes(make_zip({"a": NOISE * 10}, method))
        (member,) = read_members(path.open("rb"), path.stat().st_size)

        with open_member(path.open("rb"), member, in_memory=0) as stream:
            for at in (2_900_000, 5, 1_200_000, 1_100_000, 0, 2_999_999):
                stream.seek(at)
                assert stream.read(3) == (NOISE * 10)[at : at + 3]
            stream.seek(0)
            assert stream.read() == NOISE * 10
            assert stream_problems(stream) == []


def test_a_stream_ends_at_the_declared_size() -> None:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b"\0" * 10_000_000) + packer.flush()

    with Inflated(Span(io.BytesIO(packed), 0, len(packed)), 1000, None) as stream:
        assert len(stream.readall()) == 1000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 255)), max_size=8))
def test_altered_archives_raise_nothing_else(changes: list[tuple[int, int]]) -> None:
    data = bytearray(make_zip({"a": b"abc" * 300, "b/c": b"x" * 90}) + b"")
    for at, value in changes:
        data[at % len(data)] = value
    try:
        members = read_members(io.BytesIO(bytes(data)), len(data))
    except BadArchive:
        return
    for member in members:
        try:
            zips.read_head(io.BytesIO(bytes(data)), member, 4096)
            with open_member(io.BytesIO(bytes(data)), member) as stream:
                assert len(stream.read()) <= member.size
        except BadArchive:
            continue
