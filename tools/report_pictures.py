"""Make docs/pictures/report-large.png and report-small.png: the report of the bundled case on a large and a small page.

python -m tools.report_pictures

Needs chromium on the path.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs/pictures"
SIZES = {"large": (1180, 2250), "small": (390, 1610)}
ABOUT = (
    *("--case-name", "2024-117", "--examiner", "A. Muster", "--organisation", "Example CERT"),
    *("--issued", "2024-06-01T09:00:00Z"),
)


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def main() -> None:
    """Analyse, write the report, and take its pictures."""
    tool = (sys.executable, "-m", "forensic_iso")
    with tempfile.TemporaryDirectory() as tmp:
        case, out = f"{tmp}/case", f"{tmp}/report"
        _run(*tool, "analyze", "testdata/classic-iso/evidence", "--case", case)
        _run(*tool, "report", case, "--out", out, *ABOUT)
        for name, (width, height) in SIZES.items():
            _run(
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                f"--user-data-dir={tmp}/profile",
                f"--window-size={width},{height}",
                f"--screenshot={PICTURES}/report-{name}.png",
                f"file://{out}/report.html",
            )


if __name__ == "__main__":
    main()
