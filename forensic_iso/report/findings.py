"""The findings of a report: story, chain, facts, listings, trees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from forensic_iso.case.annotations import finding_subject
from forensic_iso.report import fields
from forensic_iso.report.charts import finding_chart
from forensic_iso.report.evidence import Cited
from forensic_iso.report.model import Fact, Finding, Listing, Process, Step
from forensic_iso.report.processes import trees
from forensic_iso.report.rows import number_of, picked, text_of, when
from forensic_iso.report.summary import count
from forensic_iso.report.words import VERDICTS
from forensic_iso.story import INDENT, Row, Story, tell

LINKS = ("delivered", "mounted", "executed", "active")
HITS_NOTE = "Rules support a finding and never make one: verdict and score do not read them."


@dataclass(frozen=True, slots=True)
class Known:
    """What the findings share: rows read once for all of them."""

    processes: dict[str, Row]
    contents: dict[str, list[Row]]
    cited: Cited
    notes: dict[str, tuple[Fact, ...]]
    hits: dict[str, list[Row]]


IN_FULL = 25
"""Findings told with chart, process tree and rows of evidence, the worst first; the others are told in short."""


def cap_of(findings: int) -> int:
    """Rows of one listing of a finding: fewer where there are many findings, so that the page stays small."""
    return min(100, max(5, 500 // max(findings, 1)))


def finding(story: Story, known: Known, cap: int, *, brief: bool = False) -> Finding:
    """One finding; `brief`: without chart, process tree and rows of evidence."""
    f = story.finding
    key = str(f["finding_id"])
    listings = _listings(story, known, cap)
    return Finding(
        finding_id=key,
        host=str(f["host"]),
        image_path=str(f["image_path"]),
        verdict=str(f["verdict"]),
        severity=str(f["severity"]),
        score=number_of(f["score"]) or 0.0,
        confidence=number_of(f["confidence"]),
        first_utc=when(f["first_utc"]),
        last_utc=when(f["last_utc"]),
        sentence=sentence(f),
        chain=chain(story),
        facts=(*facts(f), *([_in_short(key)] if brief else [])),
        story=tell(story),
        listings=tuple(x for x in listings if not (brief and x.name == "evidence")),
        processes=() if brief else _bounded(trees(story, known.processes), cap),
        chart=None if brief else finding_chart(story),
        notes=known.notes.get(finding_subject(key), ()),
    )


def _in_short(key: str) -> Fact:
    """Where the rest of a finding is."""
    words = f"one of many findings: `report --finding {key}` adds its chart, process tree and rows of evidence"
    return Fact("Told in short", words)


def _bounded(nodes: tuple[Process, ...], cap: int) -> tuple[Process, ...]:
    """At most `cap` processes, the first in order of the tree."""

    def walk(level: tuple[Process, ...], left: int) -> tuple[tuple[Process, ...], int]:
        out: list[Process] = []
        for node in level:
            if left <= 0:
                break
            children, rest = walk(node.children, left - 1)
            out.append(replace(node, children=children))
            left = rest
        return tuple(out), left

    return walk(nodes, max(cap, 12))[0]


def sentence(f: Row) -> str:
    """What the verdict means, in plain words, with the counter-evidence beside it."""
    words = VERDICTS.get(str(f["verdict"]), str(f["verdict"]))
    benign = f["benign_reason"]
    return f"{words} Speaks for a harmless cause: {benign}." if benign else words


SAID_AS_FACTS = frozenset({"because", "benign", "weakest", "unseen", "inside", "ATT&CK"})
"""Lines of a story that the facts above it say already."""


def story_lines(story: str) -> list[str]:
    """The lines of a story that its facts do not say; the first is its head."""
    head, *lines = story.splitlines()
    return [head, *(x for x in lines if x[:INDENT].strip() not in SAID_AS_FACTS)]


def facts(f: Row) -> tuple[Fact, ...]:
    """Reasons, doubts and techniques; what is empty is said to be."""
    named = (
        ("Reasons for the score", "reasons", "none"),
        ("Weakest link", "weakest_link", "none named"),
        ("Speaks for a harmless cause", "benign_reason", "nothing found"),
        (
            "Could not be seen",
            "cannot_exclude",
            "no gap that touches this finding itself; for those of its host see Coverage and limits",
        ),
        ("Mark-of-the-Web inside the image", "mark_reach", "the image was not mounted"),
        ("ATT&CK techniques", "attack_ids", "none"),
    )
    return tuple(Fact(name, text_of(f[key]) or empty) for name, key, empty in named)


def chain(story: Story) -> tuple[Step, ...]:
    """The four links with the first time, the number of rows and the best confidence of each.

    A link beyond the verdict was not seen, though it may have rows: they are too weak to carry it.
    """
    reached = (
        LINKS.index(str(story.finding["verdict"]))
        if story.finding["verdict"] in LINKS
        else len(LINKS)
    )
    acts = [r for r in story.follow_on if r["kind"] != "child_process"] or story.follow_on
    links: tuple[tuple[str, Sequence[Row], str], ...] = (
        ("delivered", story.deliveries, "time_utc"),
        ("mounted", story.sessions, "opened_utc"),
        ("executed", story.executions, "time_utc"),
        ("active", acts if story.finding["verdict"] == "active" else [], "time_utc"),
    )
    out = []
    for place, (name, rows, key) in enumerate(links):
        times = sorted(t for t in (when(r[key]) for r in rows) if t)
        sure = [n for n in (number_of(r["confidence"]) for r in rows) if n is not None]
        out.append(
            Step(
                name,
                bool(rows) and place <= reached,
                times[0] if times else None,
                len(rows),
                max(sure, default=None),
            )
        )
    return tuple(out)


def _listings(story: Story, known: Known, cap: int) -> tuple[Listing, ...]:
    key = str(story.finding["finding_id"])
    every = (
        picked(
            "deliveries",
            "Delivery",
            fields.DELIVERY,
            known.cited.beside(story.deliveries, "delivery_id"),
            cap,
        ),
        picked(
            "sessions",
            "Mount sessions",
            fields.SESSION,
            known.cited.beside(story.sessions, "session_id"),
            cap,
        ),
        picked(
            "executions",
            "Executions",
            fields.EXECUTION,
            known.cited.beside(story.executions, "execution_id"),
            cap,
        ),
        picked(
            "follow_on",
            "What followed",
            fields.FOLLOW_ON,
            known.cited.beside(story.follow_on, "follow_on_id"),
            cap,
            _children(story),
        ),
        picked(
            "image_content", "Files in the image", fields.CONTENT, known.contents.get(key, []), cap
        ),
        _hits(known.hits.get(key, []), cap),
        picked("evidence", "Rows of evidence", fields.EVIDENCE, known.cited.of(key), cap),
    )
    return tuple(x for x in every if x.total)


def _children(story: Story) -> str:
    """Why the listing holds more rows than the link `active` counts."""
    children = sum(1 for r in story.follow_on if r["kind"] == "child_process")
    if not children or children == len(story.follow_on):
        return ""
    return f"The link active does not count {count(children, 'row')} of child processes."


def _hits(rows: Sequence[Row], cap: int) -> Listing:
    """Rows that met a Sigma rule; they were read up to the cap, `total` counts all."""
    told = picked("sigma", "Sigma rules that its rows met", fields.SIGMA, rows, cap, HITS_NOTE)
    return replace(told, total=int(number_of(rows[0]["total"]) or 0)) if rows else told
