"""The report of the bundled case: complete, inert, equal in all its forms, the same bytes at each run."""

import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import etree

from forensic_iso.attack import NAMES
from forensic_iso.case.annotations import Annotations, Kind, finding_subject
from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import log, open_reader, open_writer
from forensic_iso.cli import cli
from forensic_iso.correlate.run import steps as correlate_steps
from forensic_iso.errors import UsageError
from forensic_iso.report import fields, jsonform, markdown
from forensic_iso.report.blocks import Bullets, Code, Drawing, Facts, Grid, Heading, blocks
from forensic_iso.report.build import build
from forensic_iso.report.fields import WHOLE_HOST
from forensic_iso.report.findings import SAID_AS_FACTS
from forensic_iso.report.html import drawer, render, style_hash
from forensic_iso.report.html import page as page_module
from forensic_iso.report.model import Listing, Report, as_dict
from forensic_iso.report.notes import read_notes
from forensic_iso.report.options import Options, zone
from forensic_iso.report.present import Presenter, defang_url, defang_value, presenter
from forensic_iso.report.redact import Redactor
from forensic_iso.story import INDENT
from tests.conftest import BUNDLED
from tests.report.hostile import HOST, STRINGS, hostile_case

TRUTH = json.loads((BUNDLED.parent / "truth.json").read_text(encoding="utf-8"))
IMAGE = TRUTH["findings"][0]["image_path"]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"

ELEMENTS = frozenset(
    "html head meta title style body a header p h1 h2 h3 h4 nav ol ul li main section div b dl dt dd table caption thead"
    " tbody tr th td span time code pre details summary article figure figcaption svg desc line text rect circle footer"
    " br".split()
)
ATTRIBUTES = frozenset(
    "lang charset http-equiv content name class href id aria-label aria-labelledby aria-hidden role tabindex scope"
    " colspan datetime open viewbox x y x1 x2 y1 y2 width height rx cx cy r text-anchor".split()
)


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.policy = ""
        self.style = ""
        self.text: list[str] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {k for k, _ in attrs}
        got = dict(attrs)
        self.links |= {v or "" for k, v in attrs if k in ("href", "src")}
        self.ids += [v or "" for k, v in attrs if k == "id"]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if (got.get("http-equiv") or "").lower() == "content-security-policy":
            self.policy = got["content"] or ""
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open == "style":
            self.style += data
            self._open = ""
        else:
            self.text.append(data)


def made(case: Path, options: Options | None = None) -> Report:
    with open_reader(case) as con:
        return build(con, options or Options(), read_notes(case))


@pytest.fixture(scope="module")
def report(bundled_case: Path) -> Report:
    return made(bundled_case)


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return render(report, presenter(report))


@pytest.fixture(scope="module")
def hostile(bundled_case: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return made(hostile_case(bundled_case, tmp_path_factory.mktemp("hostile") / "case"))


def listings(report: Report) -> list[Listing]:
    own = [
        v
        for v in (getattr(report, n) for n in report.__dataclass_fields__)
        if isinstance(v, Listing)
    ]
    return (
        own
        + [x for f in report.findings for x in f.listings]
        + [x for h in report.hosts for x in h.listings]
    )


def test_the_summary_names_the_worst_image_its_host_and_what_was_not_seen(report: Report) -> None:
    worst = report.summary[1]

    assert worst.startswith("Critical: Shipping Documents 40771.iso on FIN-WS07")
    assert "acted on the machine" in worst
    assert report.unseen[-1].startswith("That nothing was found says nothing about times")


def test_the_heading_names_the_parsers_with_their_versions(report: Report) -> None:
    told = {f.name: f.value for f in report.identification}["Parsers"]
    kinds = {str(r[0]): r[1] for r in report.parsers.rows}

    assert told == ", ".join(f"{k} {kinds[k]}" for k in sorted(kinds))
    assert len(kinds) > 1


def test_what_was_not_in_the_evidence_is_not_counted_as_read(report: Report) -> None:
    (host,) = (h for h in report.hosts if h.name == "FIN-WS07")
    (logs,) = host.listings

    kinds = [r for r in report.coverage.rows if r[1] != WHOLE_HOST]
    absent = [str(r[1]) for r in kinds if not r[4]]

    assert [r[0] for r in logs.rows] == [r[1] for r in kinds if r[4]]
    assert f"Rows of {len(logs.rows)} logs and kinds of artifacts were read; of {len(absent)} there is none" in host.sentence  # fmt: skip
    assert all(name in host.sentence for name in absent)
    assert any(
        line.startswith(f"{len(absent)} logs and kinds of artifacts without a row")
        for line in report.limits
    )


def test_the_page_tells_the_story_line_by_line_with_its_labels(report: Report, page: str) -> None:
    (story,) = re.findall(r'<dl class="story">(.*?)</dl>', page, re.DOTALL)[:1]

    labels = [unescape(x) for x in re.findall(r"<dt>(.*?)</dt>", story)]

    told = [line[:INDENT].strip() for line in report.findings[0].story.splitlines()[1:]]
    assert (
        labels == [x for x in told if x not in SAID_AS_FACTS]
        and "because" in told
        and labels[:2] == ["verdict", "delivered"]
    )


def test_a_confidence_has_two_digits_everywhere() -> None:
    show = Presenter()

    assert [show.shown(v).text for v in (0.7, 0.95, 1.0, 59.5, 100.0)] == [
        "0.70",
        "0.95",
        "1",
        "59.5",
        "100",
    ]


def test_the_chain_of_the_worst_finding_is_whole(report: Report) -> None:
    worst = report.findings[0]

    assert worst.image_path == IMAGE
    assert [s.name for s in worst.chain if s.seen] == ["delivered", "mounted", "executed", "active"]


def test_the_chain_of_an_image_that_only_arrived_ends_there(
    bundled_case: Path, tmp_path: Path
) -> None:
    import duckdb

    case = tmp_path / "case"
    shutil.copytree(bundled_case, case)
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("UPDATE finding SET verdict = 'delivered'")
        con.execute("DELETE FROM execution")
        con.execute("DELETE FROM mount_session")

    assert [s.seen for s in made(case).findings[0].chain] == [True, False, False, False]


def test_every_shown_query_gives_the_listing_again(report: Report, bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        for one in listings(report):
            if one.query:
                rows = con.execute(one.query).fetchall()
                assert len(rows) == one.total, one.name
                assert all(len(r) == len(one.fields) for r in rows), one.name


def test_the_queries_of_the_findings_give_their_listings_again(
    report: Report, bundled_case: Path
) -> None:
    worst = report.findings[0]
    by_name = {x.name: x for x in worst.listings}

    with open_reader(bundled_case) as con:
        for name in ("deliveries", "sessions", "executions", "follow_on"):
            query = fields.STORY_QUERIES[name]
            found = con.execute(query, {"id": worst.finding_id}).fetchall()
            assert len(found) == by_name[name].total, name


def test_the_timeline_holds_every_cited_row(report: Report, bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        cited = con.execute(
            "SELECT DISTINCT table_name, row_address FROM evidence_ref JOIN timeline USING (table_name, row_address, source_id)"
            " WHERE subject_id IN (SELECT finding_id FROM finding)"
        ).fetchall()
    shown = {(r[5], r[6]) for r in report.timeline.rows}

    assert cited
    assert {(t, a) for t, a in cited} <= shown
    assert [r[0] for r in report.timeline.rows] == sorted(str(r[0]) for r in report.timeline.rows)


def test_process_tree_leads_from_the_shell_to_what_followed(report: Report) -> None:
    def walk(nodes: tuple[object, ...], depth: int = 0) -> list[tuple[int, str, str]]:
        out = []
        for n in nodes:
            out.append((depth, n.path.rpartition("\\")[2], n.role))  # type: ignore[attr-defined]
            out += walk(n.children, depth + 1)  # type: ignore[attr-defined]
        return out

    flat = walk(report.findings[0].processes)
    names = [(name, role) for _, name, role in flat]

    assert ("explorer.exe", "ancestor") in names
    assert ("rundll32.exe", "run from the image") in names
    depth = {name: d for d, name, _ in flat}
    assert depth["explorer.exe"] < depth["rundll32.exe"] < depth["whoami.exe"]


def test_files_of_the_image_carry_hashes_and_say_what_was_run(
    bundled_case: Path, tmp_path: Path
) -> None:
    import duckdb

    case = tmp_path / "case"
    shutil.copytree(bundled_case, case)
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("UPDATE source SET windows_path = ? WHERE path LIKE '%(1).iso'", [IMAGE])

    content = {x.name: x for x in made(case).findings[0].listings}["image_content"]

    run = {r[0]: r[6] for r in content.rows}
    assert run["viewer\\layout.dll"] is True
    assert run["Shipping Documents.lnk"] is False
    assert all(re.fullmatch("[0-9A-F]{64}", str(r[4])) for r in content.rows)


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


def test_same_case_gives_same_bytes(bundled_case: Path, tmp_path: Path) -> None:
    for name in "ab":
        done = CliRunner().invoke(
            cli,
            [
                "report",
                str(bundled_case),
                "--out",
                str(tmp_path / name),
                "--issued",
                "2024-07-01T00:00:00Z",
                "--per-host",
            ],
            standalone_mode=False,
        )
        assert done.return_value == 0

    files = [sorted(p for p in (tmp_path / n).rglob("*") if p.is_file()) for n in "ab"]
    assert [p.relative_to(tmp_path / "a") for p in files[0]] == [
        p.relative_to(tmp_path / "b") for p in files[1]
    ]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*files, strict=True))
    assert (tmp_path / "a/hosts/FIN-WS07.html").exists()


def test_a_folder_with_files_is_not_written_to(bundled_case: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    done = CliRunner().invoke(
        cli, ["report", str(bundled_case), "--out", str(tmp_path)], standalone_mode=False
    )

    assert "found files" in str(done.exception)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_one_finding_only(report: Report, bundled_case: Path) -> None:
    key = report.findings[-1].finding_id

    one = made(bundled_case, Options(finding=key))

    assert [f.finding_id for f in one.findings] == [key]
    assert one.overview.total == 1


def test_findings_outside_the_asked_times_are_left_out(bundled_case: Path) -> None:
    late = 1_800_000_000 * 1_000_000_000

    none = made(bundled_case, Options(from_ns=late))

    assert not none.findings
    assert not none.timeline.total
    assert none.summary[1] == "No disk image is reported in what was asked for."
    assert "left out, since only a part of the case was asked for" in none.summary[2]
    assert "2027-01-15" in {f.name: f.value for f in none.identification}["Times shown"]


def test_times_stand_beside_utc_in_the_chosen_zone(report: Report) -> None:
    show = presenter(report, zone("Europe/Berlin"))

    assert (
        show.time("2024-05-14T08:14:31.482000Z")
        == "2024-05-14 08:14:31.482 UTC (2024-05-14 10:14:31 +0200)"
    )


def test_redaction_leaves_no_name_and_keeps_them_apart(report: Report, bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        hidden = Redactor(con).report(report)

    out = (
        render(hidden, presenter(hidden))
        + markdown.render(hidden, presenter(hidden))
        + jsonform.render(hidden)
    )

    for name in ("FIN-WS07", "h.brandt", "NORDLICHT", "S-1-5-21-"):
        assert name.lower() not in out.lower(), name
    assert "HOST-1" in out
    assert {f.image_path.rpartition("\\")[0] for f in hidden.findings} == {
        hidden.findings[0].image_path.rpartition("\\")[0]
    }


def test_notes_of_the_analysts_stand_apart_and_at_their_finding(
    bundled_case: Path, tmp_path: Path, report: Report
) -> None:
    case = tmp_path / "case"
    shutil.copytree(bundled_case, case)
    key = report.findings[0].finding_id
    notes = Annotations(case, author="A. Muster <b>")
    notes.add(finding_subject(key), Kind.COMMENT, "opened by mistake <script>", "the image")
    notes.add(finding_subject(key), Kind.TAG, "key-finding", "the image")

    noted = made(case)

    assert noted.notes.total == 2
    assert [n.name for n in noted.findings[0].notes] == ["A. Muster <b>"] * 2
    assert "opened by mistake &lt;script&gt;" in render(noted, presenter(noted))


def test_own_template_is_rendered_in_a_sandbox(bundled_case: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "mine.html.j2", tmp_path / "bad.html.j2"
    good.write_text("<p>{{ report.findings[0].image_path }} {{ shown('<b>\u202e').text }}</p>")
    bad.write_text("{{ report.__class__.__mro__[1].__subclasses__() }}")
    model = made(bundled_case)

    out = render(model, presenter(model), good)

    assert out == f"<p>{IMAGE} &lt;b&gt;&lt;U+202E&gt;</p>"
    with pytest.raises(Exception, match=r"unsafe|undefined|UsageError"):
        render(model, presenter(model), bad)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n{{ ''.__class__.__mro__ }}", "line 2: access to attribute '__class__' of 'str'"),
        ("{{ shown.__globals__ }}", "line 1: access to attribute '__globals__'"),
        ("{{ cycler.__init__.__globals__ }}", "access to attribute '__init__'"),
        ("{% include '../secret.txt' %}", "no template '../secret.txt' beside it"),
        ("{% include '/etc/passwd' %}", "no template '/etc/passwd' beside it"),
        ("\n\n{{ 1 / 0 }}", "line 3: division by zero"),
        ("{% for i in range(999999999) %}{% endfor %}", "line 1: Range too big"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
        ("\n{% if %}", "line 2: Expected an expression"),
        ("{{ report.nothing }}", "no attribute 'nothing'"),
    ],
)
def test_a_mistake_in_an_own_template_is_told_with_its_line(
    report: Report, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "own").mkdir()
    template = tmp_path / "own/mine.html.j2"
    template.write_text(text)

    with pytest.raises(UsageError) as told:
        render(report, presenter(report), template)

    assert "rendering the template" in str(told.value)
    assert said in str(told.value)


def test_no_gap_is_counted_where_no_record_was_read(report: Report) -> None:
    place = {f.name: i for i, f in enumerate(report.coverage.fields)}
    rows = {r[place["channel"]]: r for r in report.coverage.rows}

    whole, absent, there = rows["all evidence of this host"], rows["Amcache"], rows["System"]
    assert [whole[place[n]] for n in ("records", "gaps", "cleared")] == [None, None, None]
    assert [absent[place[n]] for n in ("records", "gaps", "cleared")] == [0, None, None]
    assert [there[place[n]] for n in ("gaps", "cleared")] == [0, 0]


def test_every_technique_that_a_finding_can_bear_has_a_name() -> None:
    texts = [s.read_text("utf-8") for s in correlate_steps()]
    borne = {t for text in texts for t in re.findall(r"'(T\d{4}(?:\.\d{3})?)'", text)}

    assert borne
    assert borne <= set(NAMES)


def test_an_empty_case_says_what_that_rests_on(bundled_case: Path, tmp_path: Path) -> None:
    import duckdb

    case = tmp_path / "case"
    shutil.copytree(bundled_case, case)
    with duckdb.connect(str(case / "case.duckdb")) as con:
        for table in (
            "finding",
            "coverage",
            "source",
            "timeline",
            "execution",
            "follow_on",
            "problem",
        ):
            con.execute(f"DELETE FROM {table}")

    empty = made(case)

    assert "the absence of a finding means nothing" in empty.limits[0]
    assert "No disk image was seen" in render(empty, presenter(empty))


@pytest.mark.parametrize("name", ["report.md", "report.json"])
def test_the_bundled_report_is_the_golden_one(report: Report, name: str) -> None:
    """Anew: python -m tests.report.golden, then look at the difference."""
    from tests.report.golden import forms

    assert forms(report)[name] == (GOLDEN / name).read_text(encoding="utf-8")


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "2025-01-01", "--to", "2024-01-01"], "expected a time after --from 2025-01-01"),
        (["--from", "2025-01-01", "--to", "2025-01-01"], "expected a time after --from"),
        (["--host", "WS-2", "--finding", "FINDING"], "it is one of"),
    ],
)
def test_a_choice_that_can_hold_nothing_is_refused(
    bundled_case: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    case = shutil.copytree(bundled_case, tmp_path / "case")
    with open_writer(case) as con:
        con.execute("UPDATE source SET host = 'WS-2' WHERE kind = 'lnk'")
        (finding,) = con.execute("SELECT finding_id FROM finding LIMIT 1").fetchone() or ("",)
    given = [str(finding) if a == "FINDING" else a for a in arguments]

    with pytest.raises(UsageError, match=said):
        CliRunner().invoke(
            cli,
            ["report", str(case), "--out", str(tmp_path / "out"), *given],
            standalone_mode=False,
            catch_exceptions=False,
        )


def test_a_report_of_one_finding_counts_it_and_has_its_host_only(
    bundled_case: Path, tmp_path: Path
) -> None:
    case = shutil.copytree(bundled_case, tmp_path / "case")
    with open_writer(case) as con:
        con.execute("UPDATE source SET host = 'WS-2' WHERE kind = 'lnk'")
        (finding,) = con.execute("SELECT min(finding_id) FROM finding").fetchone() or ("",)
    arguments = ["report", str(case), "--out", str(tmp_path / "out"), "--finding", str(finding)]

    CliRunner().invoke(cli, [*arguments, "--per-host"], standalone_mode=False)

    told = json.loads((tmp_path / "out/report.json").read_text())
    assert {f["name"]: f["value"] for f in told["figures"]}["Findings"] == "1 of 2"
    assert [p.name for p in (tmp_path / "out/hosts").glob("*.html")] == ["FIN-WS07.html"]


def test_what_is_left_out_is_no_further_one_where_nothing_is_told(bundled_case: Path) -> None:
    after = made(bundled_case, Options(from_ns=1_900_000_000_000_000_000))

    assert after.summary[-1].startswith("2 findings are left out")


def test_hosts_that_only_an_export_of_many_tells_of_are_examined_too(
    bundled_case: Path, tmp_path: Path
) -> None:
    case = shutil.copytree(bundled_case, tmp_path / "case")
    with open_writer(case) as con:
        con.execute(
            "INSERT INTO coverage (host, channel, records, gaps, cleared) VALUES ('REM-1', 'DeviceEvents', 4, 0, 0)"
        )

    report = made(case)

    assert report.summary[0].startswith("2 hosts were examined")
    assert [h.name for h in report.hosts] == ["FIN-WS07", "REM-1"]


def test_a_case_that_was_not_correlated_gives_no_report_that_nothing_was_seen(
    bundled_case: Path, tmp_path: Path
) -> None:
    case, out = tmp_path / "case", tmp_path / "out"
    ingest(case, [BUNDLED], workers=0)

    for command in (["report"], ["export", "--format", "stix"], ["export", "--format", "timesketch"]):  # fmt: skip
        with pytest.raises(UsageError, match="read and never correlated"):
            CliRunner().invoke(
                cli,
                [*command, str(case), "--out", str(out)],
                standalone_mode=False,
                catch_exceptions=False,
            )
    assert not out.exists()


@pytest.mark.parametrize(("read", "refused"), [("read_now=3, ", True), ("read_now=0, ", False)])
def test_evidence_read_after_the_correlation_is_told_before_a_report_is_written(
    bundled_case: Path, tmp_path: Path, read: str, refused: bool
) -> None:
    case = shutil.copytree(bundled_case, tmp_path / "case")
    for what, told in (("correlated", ""), ("ingest started", ""), ("ingest ended", f"Summary({read})")):  # fmt: skip
        log(case, what, summary=told)

    result = CliRunner().invoke(
        cli, ["report", str(case), "--out", str(tmp_path / "out")], standalone_mode=False
    )

    assert isinstance(result.exception, UsageError) == refused
    assert (tmp_path / "out").exists() != refused
