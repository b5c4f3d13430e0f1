"""Reads the evidence again: do hashes still match, and do rows still say what their bytes say?

Each artifact that is looked at is parsed anew into a database in memory, and its rows are compared with the case's by all
columns. Without `every`, those are the artifacts that findings cite and a few more of each kind, and of their rows the
cited ones and a sample; hashes are compared of all artifacts in any case. With `every`, disk images that hold hashes of
the whole disk are compared with these as well.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import duckdb

from forensic_iso.case import store
from forensic_iso.case.alone import cores
from forensic_iso.case.ingest import Report, logical_path
from forensic_iso.case.messages import Ended, Hashed, Rows, Task
from forensic_iso.case.pool import pool_of
from forensic_iso.compare import Comparer
from forensic_iso.evidence.acquired import check_image
from forensic_iso.evidence.discover import ImageOptions, discover
from forensic_iso.evidence.found import Found
from forensic_iso.evidence.reopen import in_shadow_copy
from forensic_iso.evidence.zips import BadArchive
from forensic_iso.story import Row
from forensic_iso.story import rows as query_rows
from forensic_iso.text import encodable
from parsers.contract import Window
from parsers.registry import PARSERS, by_kind, module_of

NAMED = 3
"""Places that a hint names."""
MORE_PER_KIND = 3
"""Artifacts of each kind that are read again though no finding cites them."""

SOURCES = """
SELECT source_id, path, given, kind, sha256, parser_version, state,
    source_id IN (SELECT source_id FROM evidence_ref) AS cited
FROM source WHERE sha256 IS NOT NULL ORDER BY path, source_id
"""


@dataclass(slots=True)
class Outcome:
    """What became of one artifact. `state`: same, changed, missing, unreadable, other parser."""

    source_id: str
    path: str
    kind: str | None
    state: str
    detail: str = ""
    compared: int = 0
    gone: int = 0
    more: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return self.state == "same" and not self.gone and not self.more


@dataclass(frozen=True, slots=True)
class Result:
    """Outcomes of all artifacts, references of findings that lead to no row, and files that the case does not know.

    A file that came to the evidence later contradicts nothing that the case says; it is told all the same. `hint`: what to
    do where the evidence was not found at all.
    """

    outcomes: tuple[Outcome, ...]
    dangling: int
    unknown: tuple[str, ...] = ()
    hint: str = ""

    @property
    def holds(self) -> bool:
        """Whether all of it still matches."""
        return not self.dangling and all(o.holds for o in self.outcomes)


def verify(
    case: Path,
    every: bool = False,
    evidence: Sequence[Path] = (),
    workers: int | None = None,
    report: Report | None = None,
    unlock: tuple[str, ...] = (),
) -> Result:
    """Compare a case with its evidence.

    Args:
        case: the case's folder.
        every: all rows of all artifacts instead of a sample.
        evidence: where what was handed in lies now, if it was moved; or the folder that it lies in.
        workers: processes that hash and parse; 0: none.
        report: takes the progress.
        unlock: keys of encrypted volumes; the case keeps none. Shadow copies are opened where the case has rows of them.

    Raises:
        CaseError: the case cannot be opened.
    """
    with store.open_reader(case) as con:
        sources = query_rows(con, SOURCES)
        window = _window(con)
        dangling = sum(1 for _ in _dangling(con))
        known = {str(p) for (p,) in con.execute("SELECT path FROM source").fetchall()}
    found, beside, images = _find(sources, evidence, unlock)
    hint = _hint(sources, evidence, found)
    outcomes = {str(s["source_id"]): _outcome(s, found) for s in sources}
    todo = [s for s in sources if outcomes[str(s["source_id"])].state == "same"]
    count = cores() if workers is None else workers
    run = _Run(outcomes, found, report or (lambda what, done, total: None))
    with tempfile.TemporaryDirectory() as scratch, pool_of(count) as pool:
        run.hashes(todo, pool.run)
        again = _chosen([s for s in todo if s["kind"]], outcomes, every)
        with Comparer(case, Path(scratch), every) as comparer:
            run.rows(again, beside, window, pool.run, comparer)
    whole = run.images(images) if every else []
    unknown = tuple(sorted(set(found) - known))
    return Result((*outcomes.values(), *whole), dangling, unknown, hint)


Runner = Callable[[Sequence[Task]], Iterator[tuple[int, object]]]


def _window(con: duckdb.DuckDBPyConnection) -> Window:
    info = dict(con.execute("SELECT key, value FROM case_info").fetchall())

    def end(key: str) -> int | None:
        got = info.get(key)
        return None if got in (None, "None") else int(str(got))

    return Window(end("since"), end("until"))


def _dangling(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    """References of findings that lead to no row of the case."""
    tables = {t.name: t for p in PARSERS for t in p.TABLES}
    for (name,) in con.execute(
        "SELECT DISTINCT table_name FROM evidence_ref ORDER BY 1"
    ).fetchall():
        if name not in tables:
            continue
        yield from con.execute(
            f"SELECT DISTINCT source_id, row_address FROM evidence_ref r WHERE table_name = ? AND NOT EXISTS ("
            f' SELECT 1 FROM "{name}" t WHERE t.source_id = r.source_id AND t."{tables[name].address}"::VARCHAR = r.row_address)',
            [name],
        ).fetchall()


def _find(
    sources: Sequence[Row], evidence: Sequence[Path], unlock: tuple[str, ...]
) -> tuple[dict[str, Found], dict[str, tuple[Found, ...]], list[Found]]:
    """Files of the evidence by their path in the case, what lies beside each, and the disk images."""
    handed, name = _places(sources, evidence)
    there = [p for p in handed if p.exists()]
    if not there:
        return {}, {}, []

    def named(found: Found) -> str:
        path = logical_path(found)
        return name + path[len(encodable(there[0].absolute().name)) :] if name else path

    shadow = any(in_shadow_copy(str(s["path"])) for s in sources)
    discovery = discover(there, PARSERS, ImageOptions(shadow, unlock))
    found = {named(f): f for f, _ in discovery.unrecognised}
    beside: dict[str, tuple[Found, ...]] = {}
    for r in discovery.recognised:
        path = named(r.found)
        found[path], beside[path] = r.found, r.beside
        found.update({named(f): f for f in r.beside})
    return found, beside, discovery.images


def _places(sources: Sequence[Row], evidence: Sequence[Path]) -> tuple[list[Path], str]:
    """Where what was handed in lies now; and its name in the case, where it is one and bears another name now."""
    given = list(dict.fromkeys(str(s["given"]) for s in sources if s["given"]))
    if not evidence:
        return [Path(p) for p in given], ""
    names = list(dict.fromkeys(p.rpartition("/")[2] for p in given))
    out: list[Path] = []
    for place in evidence:
        known = place.absolute().name in names
        out += ([] if known else [place / n for n in names if (place / n).exists()]) or [place]
    other = len(names) == len(out) == 1 and out[0].absolute().name != names[0]
    return out, encodable(names[0]) if other else ""


def _hint(sources: Sequence[Row], evidence: Sequence[Path], found: dict[str, Found]) -> str:
    """What to do where none of the case's files was found."""
    if not sources or any(str(s["path"]) in found for s in sources):
        return ""
    given = list(dict.fromkeys(str(s["given"]) for s in sources if s["given"]))
    shown = ", ".join(given[:NAMED]) + (f" and {len(given) - NAMED} more" if len(given) > NAMED else "")  # fmt: skip
    if evidence:
        return f"no file of the case was found there: --evidence is to name where this lies now: {shown}"
    return (
        f"no file of the case was found at {shown}; if it was moved, --evidence names its new place"
    )


def _outcome(source: Row, found: dict[str, Found]) -> Outcome:
    kind = str(source["kind"]) if source["kind"] else None
    there = str(source["path"]) in found
    state, why = ("same", "") if there else ("missing", "no such file in the evidence")
    return Outcome(str(source["source_id"]), str(source["path"]), kind, state, why)


def _chosen(sources: Sequence[Row], outcomes: dict[str, Outcome], every: bool) -> list[Row]:
    """Artifacts to read again: all, or the cited ones, those that changed, and a few of each kind."""
    out, more = [], dict.fromkeys((str(s["kind"]) for s in sources), MORE_PER_KIND)
    for s in sources:
        outcome = outcomes[str(s["source_id"])]
        if outcome.state == "unreadable" or not _same_parser(s, outcome):
            continue
        kind = str(s["kind"])
        if every or s["cited"] or outcome.state == "changed":
            out.append(s)
        elif more[kind]:
            more[kind] -= 1
            out.append(s)
    return out


def _same_parser(source: Row, outcome: Outcome) -> bool:
    kinds = {p.KIND for p in PARSERS}
    version = by_kind(str(source["kind"])).VERSION if source["kind"] in kinds else None
    if version == source["parser_version"]:
        return True
    if outcome.state == "same":
        outcome.state = "other parser"
        outcome.detail = (
            f"read by version {source['parser_version']}, now {version}: rows cannot be compared"
        )
    return False


class _Run:
    """Hashes and rows of one verification."""

    def __init__(
        self, outcomes: dict[str, Outcome], found: dict[str, Found], report: Report
    ) -> None:
        self._outcomes, self._found, self._report = outcomes, found, report

    def hashes(self, sources: Sequence[Row], run: Runner) -> None:
        """Compare all hashes."""
        tasks = [Task(i, self._found[str(s["path"])]) for i, s in enumerate(sources)]
        done, total = 0, sum(t.found.size for t in tasks)
        for number, message in run(tasks):
            outcome = self._outcomes[str(sources[number]["source_id"])]
            if isinstance(message, Hashed) and message.sha256 != sources[number]["sha256"]:
                outcome.state = "changed"
                outcome.detail = f"sha256 {message.sha256}, in the case {sources[number]['sha256']}"
            elif isinstance(message, Ended):
                if message.error:
                    outcome.state, outcome.detail = "unreadable", message.error
                done += tasks[number].found.size
                self._report("hashing", done, total)

    def images(self, images: Sequence[Found]) -> list[Outcome]:
        """Compare disk images with the hashes they hold of the whole disk; those without any give no outcome."""
        outcomes = []
        for found in images:
            what = f"hashing the disk in {found.name}"
            outcome = Outcome("", logical_path(found), "disk image", "same")
            try:
                against = check_image(found, partial(self._report, what))
            except (OSError, BadArchive) as error:
                outcome.state, outcome.detail, against = "unreadable", str(error), []
            if against is None:
                continue
            if against:
                outcome.state = "changed"
                first = against[0]
                outcome.detail = f"{first.place}: {first.found}, expected {first.expected}"
                outcome.examples = [f"{p.code} {p.place}" for p in against[1:6]]
            outcomes.append(outcome)
        return outcomes

    def rows(
        self,
        sources: Sequence[Row],
        beside: dict[str, tuple[Found, ...]],
        window: Window,
        run: Runner,
        comparer: Comparer,
    ) -> None:
        """Parse again and compare."""
        tasks = [
            Task(
                i,
                self._found[str(s["path"])],
                module_of(str(s["kind"])),
                window,
                beside.get(str(s["path"]), ()),
            )
            for i, s in enumerate(sources)
        ]
        done, total = 0, sum(t.found.size for t in tasks)
        for number, message in run(tasks):
            if isinstance(message, Rows):
                comparer.take(number, str(sources[number]["kind"]), message)
            elif isinstance(message, Ended):
                comparer.compare(number, self._outcomes[str(sources[number]["source_id"])])
                done += tasks[number].found.size
                self._report(f"comparing {tasks[number].found.name}", done, total)
