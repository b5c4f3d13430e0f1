"""Many collections: one case each, resumable, with a page and a CSV that sum all of them up.

Each file or folder below what is given is a collection. A collection that is done is not read again: its case is
opened, and reading goes on where it was interrupted.
"""

import json
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import duckdb

from forensic_iso.case import ingest, store
from forensic_iso.correlate.run import run as correlate
from forensic_iso.errors import CaseError, NothingUsable, SystemFault, UsageError
from forensic_iso.evidence.discover import ImageOptions
from forensic_iso.folder import claim, put, safe_name
from forensic_iso.output import Format, render
from forensic_iso.report.html.page import environment, package_style, style_hash
from forensic_iso.report.options import Options
from forensic_iso.report.present import Presenter
from forensic_iso.report.words import SEVERITY_SIGNS
from forensic_iso.report.write import write_all
from forensic_iso.text import one_line
from parsers.contract import Window

CASES = "cases"
REPORTS = "reports"
STARTED, CORRELATED, NOTHING_NEW = "ingest started", "correlated", "nothing new"
"""Words of the case's log that tell how far a run came."""
INDEX = "index.html"
FINDINGS = "findings.csv"
COLUMNS = ("collection", "host", "severity", "verdict", "score", "confidence", "image_path", "first_utc", "last_utc",
           "weakest_link", "benign_reason", "attack_ids", "finding_id")  # fmt: skip
SEVERITIES = ("info", "low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of one collection. `error` is set where nothing of it could be used."""

    name: str
    folder: str
    hosts: str
    artifacts: int
    rows: int
    problems: int
    errors: int
    findings: tuple[tuple[object, ...], ...]
    error: str | None = None
    reported: bool = False

    @property
    def worst(self) -> str:
        """Highest severity of its findings; empty where it has none."""
        return max((str(f[2]) for f in self.findings), key=SEVERITIES.index, default="")


def collections(given: Sequence[Path]) -> list[Path]:
    """The collections: what lies directly in a folder that is given, or what is given itself, by name.

    Raises:
        UsageError: there is none, or two have the same name.
    """
    out: list[Path] = []
    for path in given:
        out += (
            sorted(p for p in path.iterdir() if not p.name.startswith("."))
            if path.is_dir()
            else [path]
        )
    names = [p.name for p in out]
    twice = sorted({n for n in names if names.count(n) > 1})
    if not out or twice:
        found = f"two named {', '.join(twice)}" if twice else "none"
        raise UsageError(
            f"looking for collections: expected files and folders of different names, found {found}"
        )
    return out


def run(
    given: Sequence[Path],
    out: Path,
    window: Window,
    workers: int | None = None,
    rules: Path | None = None,
    report: ingest.Report | None = None,
    images: ImageOptions | None = None,
    asked: Options | None = None,
) -> Iterator[Collected]:
    """Read each collection into its own case below `out`, and give what became of it, one after the other.

    Args:
        given: folders of collections, or collections.
        out: folder of the cases.
        window: times that are read.
        workers: processes that read; 0: none.
        rules: the user's own thresholds.
        report: takes the progress.
        images: how disk images are opened.
        asked: a report of each case is written as well, with these choices.

    A collection that cannot be read, or whose case another process holds, does not keep the others from being read.
    """
    for path in collections(given):
        try:
            yield _collect(path, out, window, workers, rules, report, images, asked)
        except (CaseError, NothingUsable) as e:
            yield _lost(path, one_line(str(e)))
        except SystemFault:
            # No space or no permission: the next one would meet it as well.
            raise
        except Exception as e:
            store_fault(out / CASES / safe_name(path.name), e)
            yield _lost(
                path,
                f"a fault of this tool: {type(e).__name__}: {one_line(str(e))}; see the log of the case",
            )


def _lost(path: Path, why: str) -> Collected:
    return Collected(path.name, safe_name(path.name), "", 0, 0, 0, 1, (), why)


def store_fault(case: Path, fault: Exception) -> None:
    """Keep the place of a fault in the log of the case, where there is one."""
    if case.is_dir():
        store.log(case, "fault", traceback="".join(traceback.format_exception(fault)))


def _collect(
    path: Path,
    out: Path,
    window: Window,
    workers: int | None,
    rules: Path | None,
    report: ingest.Report | None,
    images: ImageOptions | None,
    asked: Options | None,
) -> Collected:
    folder = safe_name(path.name)
    case = out / CASES / folder
    with store.open_writer(case) as con:
        summary = ingest.ingest_into(con, case, [path], window, workers, report, images)
        if summary.read_now or not _answered(case):
            correlate(con, rules)
            store.log(case, CORRELATED)
        else:
            store.log(case, NOTHING_NEW)
        done = summary_of(con, path.name, folder, summary.errors)
        if asked is None:
            return done
        place = out / REPORTS / folder
        claim(place, force=True)
        write_all(con, case, place, replace(asked, case_name=path.name))
        return replace(done, reported=True)


def _answered(case: Path) -> bool:
    """Whether the derived tables rest on all that was read: no run before this one broke off between the two."""
    lines = (case / store.LOG).read_text(encoding="utf-8").splitlines()
    words = [str(json.loads(line).get("what")) for line in lines]
    ends = [i for i, word in enumerate(words) if word in (CORRELATED, NOTHING_NEW)]
    return bool(ends) and words[ends[-1] :].count(STARTED) == 1


def summary_of(con: duckdb.DuckDBPyConnection, name: str, folder: str, errors: int) -> Collected:
    """What a case holds, as a line of the summary."""
    row = con.execute(
        "SELECT (SELECT string_agg(DISTINCT host, ', ' ORDER BY host) FROM source), count(*) FILTER (state = 'done'),"
        " coalesce(sum(rows), 0)::BIGINT, coalesce(sum(problems), 0)::BIGINT FROM source"
    ).fetchone()
    hosts, artifacts, rows, problems = row or ("", 0, 0, 0)
    found = con.execute(
        f"SELECT {', '.join(COLUMNS[1:])} FROM finding"
        f" ORDER BY list_position({list(SEVERITIES)}, severity) DESC, score DESC, host, image_path, finding_id"
    ).fetchall()
    return Collected(
        name,
        folder,
        hosts or "",
        artifacts,
        rows,
        problems,
        errors,
        tuple((name, *f) for f in found),
    )


def write_summary(out: Path, done: Sequence[Collected]) -> None:
    """The index page and the CSV of all findings."""
    found = [f for c in done for f in c.findings]
    put(out / FINDINGS, render(COLUMNS, found, Format.CSV).encode())
    show = Presenter()
    env = environment()
    env.globals.update(
        shown=show.shown, cell=show.cell, time=show.time, sign=SEVERITY_SIGNS.get, ident=str
    )
    style = package_style()
    ranked = sorted(done, key=lambda c: (-SEVERITIES.index(c.worst) if c.worst else 1, c.name))
    page = env.get_template("batch.html.j2").render(
        collections=ranked,
        found=len(found),
        links={c.folder: f"{REPORTS}/{quote(c.folder)}/report.html" for c in done if c.reported},
        style=style,
        policy=style_hash(style),
    )
    put(out / INDEX, page.encode())


def worst(done: Sequence[Collected]) -> int:
    """Index of the highest severity of all; -1 where there is no finding."""
    return max((SEVERITIES.index(c.worst) for c in done if c.worst), default=-1)
