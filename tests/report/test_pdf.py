"""The PDF: hostile texts, the drawings, the same bytes at each run."""

import re

import pytest
from lxml import etree

from forensic_iso.report.blocks import Drawing, blocks
from forensic_iso.report.html import drawer, render
from forensic_iso.report.model import Report
from forensic_iso.report.present import presenter


def test_pdf_holds_the_hostile_case_and_is_the_same_at_each_run(hostile: Report) -> None:
    pytest.importorskip("typst", reason="needs the extra [pdf]")
    from forensic_iso.report import pdf

    first, remarks = pdf.render(hostile, presenter(hostile), "not recorded")
    second, _ = pdf.render(hostile, presenter(hostile), "not recorded")

    assert first.startswith(b"%PDF-")
    assert first == second
    assert not [r for r in remarks if "left out" in r]


@pytest.mark.parametrize("which", ["report", "hostile"])
def test_drawings_of_the_pdf_are_those_of_the_page(
    which: str, request: pytest.FixtureRequest
) -> None:
    model: Report = request.getfixturevalue(which)
    show = presenter(model)
    on_page = re.findall(r"<svg .*?</svg>", render(model, show), re.DOTALL)

    alone = [drawer(show)(b.chart) for b in blocks(model, show) if isinstance(b, Drawing)]

    assert alone
    assert len(alone) == len(on_page)
    for file, part in zip(alone, on_page, strict=True):
        root = etree.fromstring(file.encode())
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        bare = re.sub(r' xmlns="[^"]*"|<style>.*?</style>\n', "", file)
        assert bare.strip() == part


def test_the_pdf_holds_every_drawing_with_a_text_for_those_who_cannot_see_it(
    report: Report,
) -> None:
    pytest.importorskip("typst", reason="needs the extra [pdf]")
    from forensic_iso.report import pdf

    content, remarks = pdf.render(report, presenter(report), "not recorded")

    drawn = [b for b in blocks(report, presenter(report)) if isinstance(b, Drawing)]
    assert not remarks
    assert len(re.findall(rb"/Alt\s*\(", content)) == len(drawn) > 1
    assert b"/Alt(Timeline of " in content
