"""Make docs/pictures/findings.svg: the findings of the bundled case as a terminal shows them.

python -m tools.picture
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs/pictures/findings.svg"
COLUMNS = 104


def main() -> None:
    """Analyse, wrap and draw."""
    from forensic_iso.case.store import open_reader
    from forensic_iso.story import stories, tell

    with tempfile.TemporaryDirectory() as tmp:
        case = Path(tmp) / "case"
        command = [sys.executable, "-m", "forensic_iso", "analyze", "testdata/classic-iso/evidence"]
        subprocess.run([*command, "--case", str(case)], cwd=ROOT, check=True, capture_output=True)
        with open_reader(case) as con:
            told = tell(stories(con)[0], COLUMNS)
    console = Console(
        record=True, width=COLUMNS, file=Path("/dev/null").open("w", encoding="utf-8")
    )
    head, _, rest = told.partition("\n")
    console.print(
        Text("$ forensic-iso analyze testdata/classic-iso/evidence --case demo-case", style="bold")
    )
    console.print(Text(head, style="bold red"))
    console.print(Text(rest))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    svg = console.export_svg(title="forensic-iso", unique_id="findings")
    # no font from the network: the viewer's own monospace stands in
    svg = re.sub(r'src: (local\("[^"]+"\)),[^;]*;', r"src: \1;", svg)
    PICTURE.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
