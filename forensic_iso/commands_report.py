"""Commands that hand results over: report, export, verify, diff, batch."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensic_iso.errors import UsageError
from forensic_iso.options import (
    EXIT_INCOMPLETE,
    SEVERITIES,
    bitlocker_option,
    case_argument,
    fail_on_option,
    rules_option,
    say,
    since_option,
    time_ns,
    until_option,
    vss_option,
    workers_option,
)

if TYPE_CHECKING:
    from forensic_iso.evidence.discover import ImageOptions

EXIT_DIFFERS = 7
DIFFERENCES = 100
"""Rows of each table that `diff` prints."""
TLP = ["RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"]

EXPORTS = [
    "csv",
    "jsonl",
    "parquet",
    "timesketch",
    "l2tcsv",
    "bodyfile",
    "stix",
    "navigator",
    "misp",
]

out_option = click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder to write to."
)
force_option = click.option(
    "--force",
    is_flag=True,
    help="Write though the folder holds files; those of a former run of this tool go, others stay.",
)


@click.command()
@case_argument
@out_option
@click.option("--per-host", is_flag=True, help="One report per host as well, in hosts/.")
@click.option("--host", help="Only this host.")
@click.option("--finding", help="Only the finding of this id; `forensic-iso findings` lists them.")
@click.option("--from", "begin", metavar="TIME", help="Leave out what ended before TIME (UTC).")
@click.option("--to", "end", metavar="TIME", help="Leave out what began at or after TIME (UTC).")
@click.option(
    "--template",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Your Jinja template of the page, rendered in a sandbox.",
)
@click.option("--redact", is_flag=True, help="Pseudonyms for people, hosts, domains and SIDs.")
@click.option(
    "--redact-also",
    "hidden",
    multiple=True,
    metavar="WORD",
    help="A further word to hide, such as a name that stands in a title; implies --redact.",
)
@click.option("--tz", metavar="ZONE", help="Show times in this zone beside UTC.")
@click.option("--issued", metavar="TIME", help="Date of issue; else SOURCE_DATE_EPOCH.")
@click.option("--case-name", help="Name or number of the case; default: its folder.")
@click.option("--examiner", help="Who examined.")
@click.option("--organisation", help="Of the examiner.")
@click.option("--requester", help="Who asked for it.")
@click.option("--tlp", type=click.Choice(TLP), default="AMBER", show_default=True, help="Marking.")
@click.option("--pdf", is_flag=True, help="A PDF as well; needs the extra [pdf].")
@force_option
def report(
    case: Path,
    out: Path,
    per_host: bool,
    begin: str | None,
    end: str | None,
    template: Path | None,
    tz: str | None,
    issued: str | None,
    case_name: str | None,
    pdf: bool,
    force: bool,
    **rest: object,
) -> int:
    """Write the report of a case: HTML, Markdown and JSON of the same content, and the raw indicators.

    The same case and options give the same bytes; manifest.json holds the hashes of all files. docs/report.md tells what is
    in it, what --redact hides and what not, and what a template is given.

    \b
    Example: forensic-iso report case1 --out report1 --examiner "A. Muster" --tz Europe/Berlin
    Example: forensic-iso report case1 --out for-others --redact --redact-also Meyer --pdf
    Example: forensic-iso report case1 --out one --finding 3f9c2a1b0d4e5f60
    Example: forensic-iso report case1 --out july --from 2024-07-01 --to 2024-08-01 --per-host
    """  # noqa: D301 (click reads the mark)
    from forensic_iso.answers import require
    from forensic_iso.case.store import open_reader
    from forensic_iso.folder import claim
    from forensic_iso.report import options as o
    from forensic_iso.report import write
    from forensic_iso.text import terminal

    given = {k: v for k, v in rest.items() if v is not None}
    given["redact"] = bool(given["redact"] or given["hidden"])
    from_ns, to_ns = _span(begin, end, "--from", "--to")
    options = o.Options(
        from_ns=from_ns,
        to_ns=to_ns,
        zone=o.zone(tz) if tz else None,
        zone_name=tz or "UTC",
        issued=o.issue_time(issued),
        case_name=case_name or case.resolve().name,
        command=_command(case),
        **given,  # type: ignore[arg-type]
    )
    with open_reader(case) as con:
        require(con, case, "reporting on")
        claim(con, out, force)
        for remark in write.write_all(con, case, out, options, template, per_host, pdf):
            say(terminal(remark, 600))
    say(f"report written to {out}")
    return 0


def _span(
    begin: str | None, end: str | None, first: str, second: str
) -> tuple[int | None, int | None]:
    """Begin and end of a time that the user asks for, in ns since 1970.

    Raises:
        UsageError: one of them is no time, or no time lies between them.
    """
    low, high = time_ns(begin, first), time_ns(end, second)
    if low is not None and high is not None and low >= high:
        raise UsageError(f"reading {second}: expected a time after {first} {begin}, found {end}")
    return low, high


def _command(case: Path) -> str:
    """The command as given, but for the places on this machine: the same report has the same bytes anywhere."""
    context = click.get_current_context()
    words = ["forensic-iso", str(context.info_name), "CASE"]
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if not isinstance(parameter, click.Option) or parameter.name in (
            "out",
            "force",
            "issued",
            "hidden",
        ):
            continue
        if value is True:
            words.append(parameter.opts[0])
        elif value not in (None, False, parameter.default):
            shown = value.name if isinstance(value, Path) else str(value)
            words += [parameter.opts[0], shown]
    return shlex.join(words)


@click.command()
@case_argument
@out_option
@click.option("--format", "form", required=True, type=click.Choice(EXPORTS), help="Format.")
@click.option(
    "--exact",
    is_flag=True,
    help="CSV (also of timesketch, l2tcsv) with the values as they are: formulas stay. Other formats are always exact.",
)
@force_option
def export(case: Path, out: Path, form: str, exact: bool, force: bool) -> int:
    """Write a case for other tools, one format per folder, with a manifest of hashes.

    \b
    csv, jsonl, parquet  all tables, for spreadsheets, scripts and databases
    timesketch, l2tcsv   the timeline, for Timesketch and readers of plaso's CSV
    bodyfile             times of the files of each $MFT, for mactime
    stix, misp           indicators of the findings of at least medium severity
    navigator            techniques of the findings, for the ATT&CK Navigator

    \b
    Example: forensic-iso export case1 --format timesketch --out case1-timesketch
    Example: forensic-iso export case1 --format csv --exact --out case1-csv
    """  # noqa: D301 (click reads the mark)
    from forensic_iso.export.run import run
    from forensic_iso.folder import strangers
    from forensic_iso.progress import progress

    with progress("rows") as show:
        counter = run(case, form, out, exact, force, show)
    files = "1 file" if len(counter.files) == 1 else f"{len(counter.files)} files"
    say(f"{files} written to {out}" + (f", {counter.done} rows" if counter.done else ""))
    if others := strangers(out):
        say(others)
    if counter.neutralised:
        say(
            f"{counter.neutralised} cells that a spreadsheet could take for formulas or that hide characters were altered; --exact keeps them"
        )
    return 0


@click.command()
@case_argument
@click.option("--all", "every", is_flag=True, help="All rows of all artifacts, not a sample.")
@click.option(
    "--evidence",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Where what was handed in lies now, if it was moved; or the folder that holds it. May be repeated.",
)
@workers_option
@bitlocker_option
def verify(
    case: Path,
    every: bool,
    evidence: tuple[Path, ...],
    workers: int | None,
    keys: tuple[str, ...],
) -> int:
    """Read the evidence again: do hashes match, and do rows say what their bytes say? Exit 7: something does not.

    Without --all: the hashes of all artifacts; of the rows those that findings cite, and a sample.

    \b
    Example: forensic-iso verify case1 --all
    Example: forensic-iso verify case1 --evidence /mnt/copy/WS-0001.zip
    """  # noqa: D301 (click reads the mark)
    from forensic_iso.evidence.bitlocker import read_keys
    from forensic_iso.progress import progress
    from forensic_iso.report.summary import count
    from forensic_iso.text import terminal
    from forensic_iso.verify import verify as run

    with progress() as show:
        result = run(case, every, evidence, workers, show, read_keys(keys))
    for o in result.outcomes:
        if o.holds:
            continue
        new = f", {count(o.more, 'row')} new" if every else ""
        rows = f"; {count(o.gone, 'row')} no longer as in the case{new}" if o.gone or o.more else ""
        where = f" ({', '.join(o.examples)})" if o.examples else ""
        click.echo(
            f"{o.state}  {terminal(o.path, 300)}  {terminal(o.detail, 300)}{rows}{terminal(where, 400)}"
        )
    if result.dangling:
        click.echo(f"references of findings that lead to no row of the case: {result.dangling}")
    for path in result.unknown[:20]:
        say(f"not in the case: {terminal(path, 300)}")
    if len(result.unknown) > 20:
        say(f"not in the case: {len(result.unknown) - 20} more files of the evidence")
    if result.hint:
        say(terminal(result.hint, 600))
    compared = sum(o.compared for o in result.outcomes)
    good = sum(o.holds for o in result.outcomes)
    how = "all rows" if every else "cited and sampled rows"
    every_one = count(len(result.outcomes), "artifact")
    say(f"{good} of {every_one} as in the case; {count(compared, 'row')} compared ({how})")
    return 0 if result.holds else EXIT_DIFFERS


@click.command()
@click.argument("case_a", type=click.Path(path_type=Path))
@click.argument("case_b", type=click.Path(path_type=Path))
def diff(case_a: Path, case_b: Path) -> int:
    """What changed between two cases: findings, evidence, settings and versions, tables. Exit 7: they differ.

    Example: forensic-iso diff case-before case-after
    """
    from forensic_iso.diff import diff as run
    from forensic_iso.output import Format, render
    from forensic_iso.text import terminal

    found = run(case_a, case_b)
    for title, rows in (
        ("findings", found.findings),
        ("settings and versions", found.versions),
        ("tables", [asdict(t) for t in found.tables]),
    ):
        if rows:
            click.echo(f"{title} that differ:")
            shown = [list(r.values()) for r in rows[:DIFFERENCES]]
            click.echo(render(list(rows[0]), shown, Format.TABLE))
            if len(rows) > DIFFERENCES:
                click.echo(f"... {len(rows) - DIFFERENCES} more {title}\n")
    if found.evidence:
        click.echo("artifacts of the evidence that differ:")
        for row in found.evidence[:DIFFERENCES]:
            # Whole, since the end of a path tells most.
            click.echo(f"  {terminal(str(row['change']), 300)}: {terminal(str(row['path']), 300)}")
        if len(found.evidence) > DIFFERENCES:
            click.echo(f"  ... {len(found.evidence) - DIFFERENCES} more")
    if found.same:
        click.echo("no difference")
    return 0 if found.same else EXIT_DIFFERS


def _images(vss: str, keys: tuple[str, ...]) -> "ImageOptions":
    from forensic_iso.evidence.bitlocker import read_keys
    from forensic_iso.evidence.discover import ImageOptions

    return ImageOptions(vss == "all", read_keys(keys))


@click.command()
@click.argument("evidence", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@out_option
@since_option
@until_option
@workers_option
@vss_option
@bitlocker_option
@rules_option
@fail_on_option
@click.option("--reports", is_flag=True, help="Write the report of each case as well, and link it.")
def batch(
    evidence: tuple[Path, ...],
    out: Path,
    since: str | None,
    until: str | None,
    workers: int | None,
    vss: str,
    keys: tuple[str, ...],
    rules: Path | None,
    fail_on: str | None,
    reports: bool,
) -> int:
    """Read many collections, each into a case of its own, and sum them up; run it again to go on.

    A collection is a file or folder directly in a folder that is given, or a file that is given. index.html and findings.csv
    in --out tell of all of them. One that cannot be read keeps no other from being read.

    \b
    Example: forensic-iso batch collections/ --out results --fail-on high
    Example: forensic-iso batch collections/ --out results --reports
    """  # noqa: D301 (click reads the mark)
    from forensic_iso import batch as b
    from forensic_iso.progress import progress
    from forensic_iso.report.options import Options, issue_time
    from forensic_iso.report.summary import count
    from forensic_iso.text import terminal
    from parsers.contract import Window

    window = Window(*_span(since, until, "--since", "--until"))
    asked = Options(issued=issue_time(None), command="forensic-iso batch") if reports else None
    done: list[b.Collected] = []
    try:
        with progress() as show:
            for one in b.run(
                evidence, out, window, workers, rules, show, _images(vss, keys), asked
            ):
                done.append(one)
                said = one.error or b.said(one)
                say(f"{terminal(one.name, 100)}: {terminal(said, 300)}")
    finally:
        # A run that breaks off still sums up what it did.
        if done:
            b.write_summary(out, done)
    say(f"{count(len(done), 'collection')}; see {out / b.INDEX} and {out / b.FINDINGS}")
    if fail_on and b.worst(done) >= SEVERITIES.index(fail_on):
        return 1
    return EXIT_INCOMPLETE if any(c.errors for c in done) else 0


@click.command()
@click.argument("evidence", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@out_option
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler, such as tcp://host:8786.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Processes on this machine, where no scheduler is named.",
)
@since_option
@until_option
@vss_option
@bitlocker_option
@rules_option
def fleet(
    evidence: tuple[Path, ...],
    out: Path,
    scheduler: str | None,
    workers: int,
    since: str | None,
    until: str | None,
    vss: str,
    keys: tuple[str, ...],
    rules: Path | None,
) -> int:
    """Read many collections on many machines into one case; needs the extra [fleet].

    Example: forensic-iso fleet /share/collections --out /share/result --scheduler tcp://head:8786
    """
    from forensic_iso import fleet as f
    from forensic_iso.text import terminal
    from parsers.contract import Window

    window = Window(*_span(since, until, "--since", "--until"))
    failed = 0
    for part in f.run(evidence, out, scheduler, workers, window, rules, _images(vss, keys)):
        failed += part.error is not None
        say(f"{terminal(part.name, 100)}: {terminal(part.error or 'done', 300)}")
    say(f"case written to {f.merge(out)}")
    return EXIT_INCOMPLETE if failed else 0


COMMANDS: tuple[click.Command, ...] = (report, export, verify, diff, batch, fleet)
