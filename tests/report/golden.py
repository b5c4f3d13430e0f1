"""Writes the golden report of the bundled case anew: python -m tests.report.golden"""

import tempfile
from pathlib import Path

from forensic_iso import __version__
from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_reader, open_writer
from forensic_iso.correlate.run import run
from forensic_iso.report import jsonform, markdown
from forensic_iso.report.build import build
from forensic_iso.report.model import Report
from forensic_iso.report.options import Options
from forensic_iso.report.present import presenter

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def forms(report: Report) -> dict[str, str]:
    """The forms that people look at, without the version of the tool."""
    out = {
        "report.md": markdown.render(report, presenter(report)),
        "report.json": jsonform.render(report),
    }
    return {k: v.replace(__version__, "VERSION") for k, v in out.items()}


if __name__ == "__main__":
    from tests.conftest import BUNDLED

    with tempfile.TemporaryDirectory() as t:
        case = Path(t) / "case"
        ingest(case, [BUNDLED], workers=0)
        with open_writer(case) as con:
            run(con)
        with open_reader(case) as con:
            made = forms(build(con, Options()))
    for name, text in made.items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
