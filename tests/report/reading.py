"""What tests of the report share: the page taken apart, and a report made of a case."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from forensic_iso.case.store import open_reader
from forensic_iso.report.build import build
from forensic_iso.report.model import Listing, Report
from forensic_iso.report.notes import read_notes
from forensic_iso.report.options import Options
from tests.conftest import BUNDLED

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
