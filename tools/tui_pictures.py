"""Make docs/pictures/tui-*.svg: every screen of the terminal interface on the bundled case, at 80x24 and 150x45.

python -m tools.tui_pictures
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs/pictures"
SIZES = ((80, 24), (150, 45))
SCREENS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("overview", "overview", ()),
    ("findings", "findings", ()),
    ("finding", "findings", ("enter",)),
    ("timeline", "timeline", ("right_curly_bracket", "j", "j")),
    ("histogram", "timeline", ("right_curly_bracket", "i", "z", "z", "z")),
    ("facets", "timeline", ("F",)),
    ("filter", "timeline", ("f",)),
    ("detail", "timeline", ("right_curly_bracket", "j", "j", "enter")),
    ("xml", "timeline", ("right_curly_bracket", "j", "j", "enter", "X")),
    ("hex", "timeline", ("right_curly_bracket", "j", "j", "enter", "H")),
    ("processes", "processes", ()),
    ("sessions", "sessions", ()),
    ("images", "images", ()),
    ("notes", "notes", ()),
    ("sql", "sql", ()),
    ("help", "overview", ("question_mark",)),
)


async def draw(case: Path, name: str, start: str, keys: tuple[str, ...], theme: str) -> None:
    """One screen at each size."""
    from forensic_iso.browse.case import Case
    from tui.app import ForensicApp

    for columns, lines in SIZES:
        opened = Case(case)
        app = ForensicApp(opened, start, "analyst", theme, keys=Path("/nonexistent"))
        async with app.run_test(size=(columns, lines)) as pilot:
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
                await app.workers.wait_for_complete()
                await pilot.pause()
            await app.workers.wait_for_complete()
            await pilot.pause()
            svg = app.export_screenshot(title="forensic-iso")
        opened.close()
        # no font from the network: the viewer's own monospace stands in; no ids that change at each run
        svg = re.sub(r'src: (local\("[^"]+"\)),[^;]*;', r"src: \1;", svg)
        svg = re.sub(r"terminal-\d+", f"tui-{name}", svg)
        path = PICTURES / f"tui-{name}-{columns}x{lines}.svg"
        path.write_text(svg, encoding="utf-8")


def main() -> None:
    """Analyse the bundled case, note a few things, draw."""
    from forensic_iso.case.annotations import Annotations, Kind, finding_subject
    from forensic_iso.case.store import open_reader

    with tempfile.TemporaryDirectory() as tmp:
        case = Path(tmp) / "classic-iso"
        command = [sys.executable, "-m", "forensic_iso", "analyze", "testdata/classic-iso/evidence"]
        subprocess.run([*command, "--case", str(case)], cwd=ROOT, check=True, capture_output=True)
        with open_reader(case) as con:
            row = con.execute(
                "SELECT finding_id, image_path FROM finding ORDER BY score DESC"
            ).fetchone()
        if row is not None:
            subject = finding_subject(str(row[0]))
            Annotations(case, "analyst").add(subject, Kind.TAG, "confirmed", str(row[1]))
            Annotations(case, "analyst").add(
                subject, Kind.COMMENT, "ask the user about the mail", str(row[1])
            )
        PICTURES.mkdir(parents=True, exist_ok=True)
        for name, start, keys in SCREENS:
            asyncio.run(draw(case, name, start, keys, "dark"))


if __name__ == "__main__":
    main()
