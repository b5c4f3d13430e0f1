"""A finding's story holds every row the finding counts, whatever path each names the image by."""

from pathlib import Path

from forensic_iso.case.schema import create_sql
from forensic_iso.sigma.schema import SIGMA_TABLES
from forensic_iso.story import stories, tell
from tests.correlate.test_cases import built
from tests.toml_cases import cases

MOVED = "a_session_before_the_move_is_a_part_of_the_finding"


def test_a_moved_image_is_told_with_the_sessions_under_each_of_its_paths() -> None:
    case = next(c.values[0] for c in cases(Path(__file__).parent) if c.values[0]["name"] == MOVED)
    con = built(case)
    con.execute(create_sql(SIGMA_TABLES))

    (story,) = stories(con)

    assert [s["image_path"] for s in story.sessions] == [
        "C:\\Users\\k\\Downloads\\bill.iso",
        "C:\\work\\neu.iso",
    ]
    assert len(story.deliveries) == 1
    assert r"; the image then at C:\work\neu.iso" in tell(story)
