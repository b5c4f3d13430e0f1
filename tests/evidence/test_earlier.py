import pytest

from forensic_iso.evidence.earlier import earlier_state
from forensic_iso.evidence.found import JOIN, VOLUME, Found


def file(below: str, given: str = "/evidence/RegBack/vss1") -> Found:
    return Found(below, f"{given}/{below}", 1, "SYSTEM", None, given)


@pytest.mark.parametrize(
    ("below", "state"),
    [
        ("C/Windows/System32/config/SYSTEM", None),
        ("C/Windows/System32/config/RegBack/SYSTEM", "a backup of the registry"),
        ("C/Windows.old/WINDOWS/System32/config/SYSTEM", "an earlier Windows"),
        ("C%3A/Windows.old.000/Users/u/NTUSER.DAT", "an earlier Windows"),
        ("vss1/Windows/System32/config/SOFTWARE", "a shadow copy"),
        ("uploads/ntfs/%5C%5C.%5CHarddiskVolumeShadowCopy3/Windows/x/SYSTEM", "a shadow copy"),
        ("C/Users/u/Desktop/windows.older/NTUSER.DAT", None),
        ("C/Users/u/Documents/vss1", None),
    ],
)
def test_the_folders_above_a_file_tell_an_earlier_state(below: str, state: str | None) -> None:
    assert earlier_state(file(below)) == state


def test_a_files_place_inside_a_container_counts_and_the_containers_own_place_does_not() -> None:
    inside = Found(
        f"RegBack/c.zip{JOIN}C/Windows.old/WINDOWS/System32/config/SYSTEM",
        "C/Windows.old/WINDOWS/System32/config/SYSTEM", 1, "SYSTEM", None, "/e", ("/e/RegBack/c.zip",),
    )  # fmt: skip
    present = Found(
        f"RegBack/c.zip{JOIN}C/SYSTEM", "C/SYSTEM", 1, "SYSTEM", None, "/e", ("/e/RegBack/c.zip",)
    )

    assert earlier_state(inside) == "an earlier Windows"
    assert earlier_state(present) is None


def test_a_volume_of_a_shadow_copy_is_one() -> None:
    found = Found(
        "i.raw!/x", "x", 1, "SYSTEM", None, "/e", ("/e/i.raw", "p1"), (), (VOLUME, f"{VOLUME}:vss2")
    )

    assert earlier_state(found) == "a shadow copy"
