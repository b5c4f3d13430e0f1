"""Renders the page from the package's templates, or from the user's own in a sandbox."""

import base64
import hashlib
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

from forensic_iso.errors import UsageError
from forensic_iso.report.findings import story_lines
from forensic_iso.report.layout import labels, shape, split
from forensic_iso.report.model import Chart, Report
from forensic_iso.report.present import Presenter, Shown
from forensic_iso.report.svg import draw
from forensic_iso.report.words import SEVERITY_SIGNS
from forensic_iso.story import INDENT
from forensic_iso.text import encodable, one_line

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "report.html.j2"
STYLE = "style.css"
DRAWING = "drawing.svg.j2"
LONG_WORD = 32
STYLE_PLACE = "sha256-{}"


def _package_file(name: str) -> str:
    return (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")


def package_style() -> str:
    """The style sheet of all pages, with the labels that tables have on small screens."""
    rules = (
        f".t-{name}>tbody>tr:not(.d)>td:nth-child({n})::before{{content:{_quoted(title)}}}"
        for name, titles in labels().items()
        for n, title in enumerate(titles, 1)
    )
    return (
        _package_file(STYLE) + "@media screen and (max-width:44rem){\n" + "\n".join(rules) + "\n}\n"
    )


def _quoted(title: str) -> str:
    return '"' + re.sub(r'["\\\n<]', "", title) + '"'


def style_hash(style: str) -> str:
    """The content policy's word for exactly this style sheet."""
    return STYLE_PLACE.format(base64.b64encode(hashlib.sha256(style.encode()).digest()).decode())


def environment(templates: Path | None = None) -> "Environment":
    """A sandboxed environment: all output escaped, what is undefined is an error.

    Args:
        templates: folder of the user's own templates; theirs come before ours.
    """
    from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    ours = PackageLoader("forensic_iso.report.html", "templates")
    loader = ChoiceLoader([FileSystemLoader(str(templates)), ours]) if templates else ours
    return ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def identifier(value: str) -> str:
    """A name for `id` and `#` that holds nothing but letters, digits, and dashes."""
    return re.sub(r"[^A-Za-z0-9-]", "-", value)[:80]


def short(label: str, most: int = 20) -> str:
    """A label of a drawing: the middle of a long one is left out, its end often tells more."""
    return label if len(label) <= most else f"{label[: most - 10]}…{label[-9:]}"


def unbroken(value: object) -> bool:
    """Whether a text holds a word that would push a column wide: only then may a break stand inside a word."""
    return isinstance(value, str) and any(len(w) > LONG_WORD for w in value.split())


def base(path: str) -> str:
    """The file's name at the end of a path of either kind."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def _equipped(
    show: Presenter, items: frozenset[str] = frozenset(), templates: Path | None = None
) -> "Environment":
    """An environment with all that a template is given beside the report; `items`: ids of the manifest."""

    def told(story: str) -> list[Shown]:
        return [show.shown(line, None) for line in story_lines(story)]

    def story_rows(story: str) -> list[tuple[str, Shown]]:
        rows = story_lines(story)[1:]
        return [(r[:INDENT].strip(), show.shown(r[INDENT:], None)) for r in rows]

    env = environment(templates)
    env.globals.update(
        shown=show.shown,
        cell=show.cell,
        time=show.time,
        story_lines=told,
        story_rows=story_rows,
        draw=draw,
        ident=identifier,
        split=split,
        shape=shape,
        short=short,
        base=base,
        unbroken=unbroken,
        items=items,
        sign=SEVERITY_SIGNS.get,
    )
    return env


def drawer(show: Presenter) -> Callable[[Chart], str]:
    """What gives the drawing of the page as an SVG file of its own."""
    template = _equipped(show).get_template(DRAWING)
    return lambda chart: encodable(template.render(chart=chart))


def render(report: Report, show: Presenter, template: Path | None = None) -> str:
    """The page.

    Raises:
        UsageError: the user's template has a mistake.
    """
    items = frozenset(str(r[0]) for r in report.manifest.rows)
    env = _equipped(show, items, template.parent if template else None)
    style = package_style()
    try:
        page = env.get_template(template.name if template else TEMPLATE)
        out = page.render(report=report, style=style, policy=style_hash(style))
    except Exception as e:
        if template is None:
            raise
        # A template is code of the user's: whatever it raises is a mistake in it.
        raise UsageError(
            f"rendering the template {_place(e, template)}: {one_line(_mistake(e))}; "
            "see docs/report.md for what a template is given"
        ) from e
    return encodable(out)


def _place(fault: Exception, template: Path) -> str:
    """The template and, where the fault tells it, the line in it."""
    lines = [f.lineno for f in extract_tb(fault.__traceback__) if f.filename == str(template)]
    line = getattr(fault, "lineno", None) or next(reversed(lines), None)
    return one_line(str(template)) + (f", line {line}" if line else "")


def _mistake(fault: Exception) -> str:
    from jinja2 import TemplateNotFound

    if isinstance(fault, TemplateNotFound):
        return f"no template {fault.name!r} beside it or among those of this tool"
    return str(fault) or type(fault).__name__
