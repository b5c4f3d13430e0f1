"""What belongs to an artifact is handed over with it and is no file left over."""

from pathlib import Path

from forensic_iso.evidence.discover import discover
from tests.evidence.test_discover import put
from tests.evidence.zip_maker import write_zip


class Hive:
    KIND = "hive"
    BESIDE = (r"{name}\.LOG[12]?",)

    def recognise(self, name: str, head: bytes) -> bool:
        return head.startswith(b"regf") and "log" not in name.lower()


HIVE = b"regf" + bytes(100)


def test_logs_of_the_same_folder_go_with_their_hive(tmp_path: Path) -> None:
    put(tmp_path / "A/SYSTEM", HIVE)
    put(tmp_path / "A/system.log1", HIVE)
    put(tmp_path / "A/SYSTEM.LOG2", HIVE)
    put(tmp_path / "A/SOFTWARE.LOG1", HIVE)
    put(tmp_path / "B/SYSTEM.LOG1", HIVE)

    result = discover([tmp_path], [Hive()])

    (hive,) = result.recognised
    assert [f.path for f in hive.beside] == [
        str(tmp_path / "A/system.log1"),
        str(tmp_path / "A/SYSTEM.LOG2"),
    ]
    reasons = {f.path.removeprefix(str(tmp_path)): why for f, why in result.unrecognised}
    assert reasons == {
        "/A/system.log1": "read together with SYSTEM",
        "/A/SYSTEM.LOG2": "read together with SYSTEM",
        "/A/SOFTWARE.LOG1": "no parser knows it",
        "/B/SYSTEM.LOG1": "no parser knows it",
    }


def test_a_name_is_no_pattern_and_archives_work_alike(tmp_path: Path) -> None:
    write_zip(tmp_path / "c.zip", {"C/S+(M": HIVE, "C/S+(M.LOG1": HIVE, "C/SSM.LOG1": HIVE})

    result = discover([tmp_path / "c.zip"], [Hive()])

    assert [f.name for f in result.recognised[0].beside] == ["S+(M.LOG1"]
