"""Many collections: one case each, resumable, with a page and a CSV that sum all of them up.

Each file or folder below what is given is a collection. A collection that is done is not read again: its case is
opened, and reading goes on where it was interrupted.
"""

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import duckdb

from forensic_iso import __version__
from forensic_iso.answers import CORRELATED, NOTHING_NEW, STARTED, entries
from forensic_iso.case import ingest, store
from forensic_iso.correlate.run import Rules, load_rules
from forensic_iso.correlate.run import run as correlate
from forensic_iso.errors import CaseError, NothingUsable, SystemFault, UsageError, interrupted
from forensic_iso.evidence.discover import ImageOptions
from forensic_iso.folder import claim, put, safe_name
from forensic_iso.output import Format, render
from forensic_iso.report.html.page import environment, package_style, style_hash
from forensic_iso.report.options import Options
from forensic_iso.report.present import Presenter
from forensic_iso.report.summary import count
from forensic_iso.report.words import SEVERITY_SIGNS
from forensic_iso.report.write import write_all
from forensic_iso.text import one_line
from parsers.contract import Window

CASES = "cases"
REPORTS = "reports"
INDEX = "index.html"
FINDINGS = "findings.csv"
COLUMNS = ("collection", "host", "severity", "verdict", "score", "confidence", "image_path", "first_utc", "last_utc",
           "weakest_link", "benign_reason", "attack_ids", "finding_id")  # fmt: skip
OTHERS = 3
"""Other collections of the same host that a remark names."""
SEVERITIES = ("info", "low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of one collection, or of one host. `error` is set where nothing of it could be used.

    `hosts`: their names, joined by a comma. `unit`: what `name` is the name of.
    """

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
    unit: str = "collection"

    @property
    def worst(self) -> str:
        """Highest severity of its findings; empty where it has none."""
        return max((str(f[2]) for f in self.findings), key=SEVERITIES.index, default="")


def collections(given: Sequence[Path], out: Path | None = None) -> list[Path]:
    """The collections: what lies directly in a folder that is given, or what is given itself, by name; never the folder `out`.

    Raises:
        UsageError: there is none, or two have the same name.
    """
    found: list[Path] = []
    for path in given:
        found += (
            sorted(p for p in path.iterdir() if not p.name.startswith("."))
            if path.is_dir()
            else [path]
        )
    found = [p for p in found if out is None or p.resolve() != out.resolve()]
    names = [p.name for p in found]
    twice = sorted({n for n in names if names.count(n) > 1})
    if not found or twice:
        what = f"two named {', '.join(twice)}" if twice else "none"
        raise UsageError(
            f"looking for collections: expected files and folders of different names, found {what}"
        )
    return found


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

    Raises:
        UsageError: there is no collection, or the rules file is not usable.
    """
    load_rules(rules)  # before anything is read for it
    for path in collections(given, out):
        try:
            yield _collect(path, out, window, workers, rules, report, images, asked)
        except (CaseError, NothingUsable, UsageError) as e:
            yield _lost(path, one_line(str(e)))
        except SystemFault:
            # No space or no permission: the next one would meet it as well.
            raise
        except Exception as e:
            if interrupted(e):
                raise KeyboardInterrupt from e
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
        if summary.read_now or not _answered(case) or not _same_rules(con, load_rules(rules)):
            correlate(con, rules)
            store.log(case, CORRELATED, tool=__version__)
        else:
            store.log(case, NOTHING_NEW)
        done = summary_of(con, path.name, folder)
        if asked is None:
            return done
        place = out / REPORTS / folder
        claim(con, place, force=True)
        write_all(con, case, place, replace(asked, case_name=path.name))
        return replace(done, reported=True)


def _answered(case: Path) -> bool:
    """Whether this version of the tool made the derived tables, of all that was read: no run broke off between the two."""
    told = list(entries(case))
    words = [str(e.get("what")) for e in told]
    made = [e.get("tool") for e in told if e.get("what") == CORRELATED]
    ends = [i for i, word in enumerate(words) if word in (CORRELATED, NOTHING_NEW)]
    return made[-1:] == [__version__] and words[ends[-1] :].count(STARTED) == 1


def _same_rules(con: duckdb.DuckDBPyConnection, rules: Rules) -> bool:
    """Whether the case was answered with these rules."""
    numbers = dict(con.execute("SELECT name, value FROM rule").fetchall())
    words = set(con.execute("SELECT name, value FROM rule_list").fetchall())
    lists = {(name, v) for name, values in rules.lists.items() for v in (values or (None,))}
    return numbers == rules.numbers and words == lists


def summary_of(con: duckdb.DuckDBPyConnection, name: str, folder: str) -> Collected:
    """What a case holds, as a line of the summary."""
    row = con.execute(
        "SELECT (SELECT string_agg(DISTINCT host, ', ' ORDER BY host) FROM source), count(*) FILTER (state = 'done'),"
        " coalesce(sum(rows), 0)::BIGINT, coalesce(sum(problems), 0)::BIGINT, count(*) FILTER (state = 'failed')"
        " + (SELECT count(*) FROM problem WHERE severity = 'error') FROM source"
    ).fetchone()
    hosts, artifacts, rows, problems, errors = row or ("", 0, 0, 0, 0)
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
        unit=done[0].unit if done else "collection",
        failed=sum(c.error is not None for c in done),
        partly=sum(c.error is None and c.errors > 0 for c in done),
        remarks=_remarks(done),
        version=__version__,
        style=style,
        policy=style_hash(style),
    )
    put(out / INDEX, page.encode())


def _remarks(done: Sequence[Collected]) -> dict[str, str]:
    """What is to be known of a collection, by its folder."""
    holders: dict[str, list[str]] = {}
    for c in done:
        for host in _hosts_of(c):
            holders.setdefault(host, []).append(c.name)
    out = {}
    for c in done:
        said = [c.error or "part could not be read: see its problems"] if c.errors else []
        said += [_shared(h, c.name, holders[h]) for h in _hosts_of(c) if len(holders[h]) > 1]
        out[c.folder] = "; ".join(said)
    return out


def _hosts_of(one: Collected) -> list[str]:
    return one.hosts.split(", ") if one.hosts and one.unit == "collection" else []


def _shared(host: str, name: str, holders: Sequence[str]) -> str:
    """Says that evidence of a host is in several collections: each case knows but its own part."""
    others = [n for n in holders if n != name]
    more = f" and {len(others) - OTHERS} more" if len(others) > OTHERS else ""
    return (
        f"{host} is also in {', '.join(others[:OTHERS])}{more}: each case knows only its own part"
    )


def said(one: Collected) -> str:
    """A collection that was read, in a line."""
    found = (
        f"{count(len(one.findings), 'finding')}, worst {one.worst}"
        if one.findings
        else "no finding"
    )
    return f"{found}; part could not be read: see its problems" if one.errors else found


def worst(done: Sequence[Collected]) -> int:
    """Index of the highest severity of all; -1 where there is no finding."""
    return max((SEVERITIES.index(c.worst) for c in done if c.worst), default=-1)
