"""The HTML page: what it is made of, hostile texts in it, and that all forms say the same."""

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from forensic_iso.report import jsonform, markdown
from forensic_iso.report.blocks import Bullets, Code, Drawing, Facts, Grid, Heading, blocks
from forensic_iso.report.html import page as page_module
from forensic_iso.report.html import render, style_hash
from forensic_iso.report.model import Report, as_dict
from forensic_iso.report.present import Presenter, defang_url, defang_value, presenter
from tests.report.hostile import HOST, STRINGS
from tests.report.reading import ATTRIBUTES, ELEMENTS, Page, listings


@pytest.mark.parametrize("which", ["report", "hostile"])
def test_page_has_no_unexpected_element_attribute_or_link(
    which: str, request: pytest.FixtureRequest
) -> None:
    model: Report = request.getfixturevalue(which)
    out = render(model, presenter(model))

    found = Page(out)

    assert found.elements <= ELEMENTS
    assert found.attributes <= ATTRIBUTES
    assert all(link.startswith("#") for link in found.links)
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e]", out)


def test_the_policy_allows_this_style_sheet_and_nothing_else(page: str) -> None:
    found = Page(page)

    assert found.policy == (
        f"default-src 'none'; style-src '{style_hash(found.style)}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in found.style
    assert "@import" not in found.style


def test_headings_descend_one_level_at_a_time(page: str) -> None:
    levels = Page(page).headings

    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_every_drawing_has_a_title_and_a_description(page: str) -> None:
    drawings = re.findall(r"<svg .*?</svg>", page, re.DOTALL)

    assert drawings
    for one in drawings:
        assert re.search(r'role="img" aria-labelledby="\S+ \S+"><title id=', one)
        assert "<desc id=" in one


def test_every_table_has_a_caption_and_scoped_heads(page: str) -> None:
    tables = re.findall(r"<table[ >].*?</table>", page, re.DOTALL)
    assert len(tables) > 10
    for one in tables:
        assert "<caption>" in one
        assert all('scope="col"' in th for th in re.findall(r"<th[ >][^>]*>", one))


def test_hostile_texts_are_shown_as_marks(hostile: Report) -> None:
    out = render(hostile, presenter(hostile))

    text = "".join(Page(out).text)
    assert '"><img src=x onerror=alert(1)>' in text
    assert "cod<U+202E>exe.iso" in text
    assert "\\x1b[31mred" in text
    assert '<span class="odd">' in out
    assert "{{ 7*7 }}" in text
    assert HOST.replace("\u202e", "<U+202E>") in text


def test_no_template_lets_text_through_unescaped() -> None:
    folder = Path(page_module.__file__).parents[1]

    for path in folder.rglob("*"):
        if path.suffix in (".j2", ".py"):
            source = path.read_text(encoding="utf-8")
            assert not re.search(r"\|\s*safe\b|Markup\(", source), path.name
            unescaped = re.findall(r"autoescape false %\}(.*?)\{% endautoescape", source)
            assert all(x == "{{ style }}" for x in unescaped), path.name


def chunks_of(report: Report, show: Presenter) -> list[str]:
    """All texts of the flat form: what any form must say."""
    out: list[str] = []
    for b in blocks(report, show):
        if isinstance(b, Heading):
            out.append(b.text)
        elif isinstance(b, Bullets):
            out += [t for _, t in b.items]
        elif isinstance(b, Facts):
            out += [x for f in b.facts for x in f]
        elif isinstance(b, Grid):
            out += [*(b.head[i] for i in b.main), *(c for r in b.rows for c in r)]
        elif isinstance(b, Code):
            out += b.lines
        elif isinstance(b, Drawing):
            out.append(b.text)
    return out


@pytest.mark.parametrize("which", ["report", "hostile"])
def test_page_and_markdown_say_the_same_as_json(which: str, request: pytest.FixtureRequest) -> None:
    model: Report = request.getfixturevalue(which)
    show = presenter(model)
    squeezed = re.sub(r"\s+", "", "".join(Page(render(model, show)).text))
    written = markdown.render(model, show)
    plain = re.sub(r"\\([\\`*_{}\[\]<>()#+!|~$&@:=^\"'-])", r"\1", written)

    document = json.loads(jsonform.render(model))

    assert document == json.loads(json.dumps(as_dict(model)))
    for row in (r for one in listings(model) for r in one.rows):
        for value in row:
            if isinstance(value, str):
                want = show.shown(value).text
                if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value):
                    want = show.time(value)
                assert (
                    want in plain
                    or defang_value(want) in plain
                    or show.shown(defang_value(value)).text in plain
                )
    for chunk in chunks_of(model, show):
        assert chunk in plain or f"    {chunk}\n" in written
        pieces = re.split(r"[;,:()]", chunk)
        assert all(re.sub(r"\s+", "", p) in squeezed for p in pieces), chunk


def test_markdown_has_no_live_markup_from_evidence(hostile: Report) -> None:
    from markdown_it import MarkdownIt

    out = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render(markdown.render(hostile, presenter(hostile)))
    )
    found = Page(out)

    allowed = set("h1 h2 h3 h4 p strong ul li table thead tbody tr th td pre code".split())
    assert found.elements <= allowed
    assert not found.links


def test_defanging() -> None:
    assert defang_url("https://a.b.example/x.y?z=1.2") == "hxxps://a[.]b[.]example/x.y?z=1.2"
    assert defang_url("FTP://h.example") == "fxtp://h[.]example"
    assert defang_value("203.0.113.7") == "203[.]0[.]113[.]7"
    assert defang_value("2001:db8::1") == "2001[:]db8[:][:]1"
    assert defang_value("C:\\a\\sync.dat") == "C:\\a\\sync.dat"


def test_no_address_of_an_indicator_stands_whole_on_the_page(report: Report, page: str) -> None:
    live = [i.value for i in report.indicators if i.type in ("url", "domain", "ipv4")]

    assert live
    text = "".join(Page(page).text)
    assert not [v for v in live if v in text]


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium on the path")
def test_a_browser_runs_nothing_and_asks_for_nothing(hostile: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(hostile, presenter(hostile)), encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
               "--enable-logging=stderr", "--dump-dom", path.as_uri()]  # fmt: skip

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    found = Page(done.stdout)
    assert "Evidence manifest" in "".join(found.text)
    assert found.elements <= ELEMENTS
    assert "Refused" not in done.stderr
    assert "violates" not in done.stderr


def test_strings_cover_every_outlet() -> None:
    assert len(set(STRINGS)) == len(STRINGS)
