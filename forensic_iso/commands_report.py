"""Commands that hand results over: report, export, verify, diff, batch."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

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
force_option = click.option("--force", is_flag=True, help="Write though the folder holds files.")


@click.command()
@case_argument
@out_option
@click.option("--per-host", is_flag=True, help="One report per host as well, in hosts/.")
@click.option("--host", help="Only this host.")
@click.option("--finding", help="Only the finding of this id.")
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

    Example: forensic-iso report case1 --out report1 --examiner "A. Muster" --tz Europe/Berlin
    """
    from forensic_iso.case.store import open_reader
    from forensic_iso.folder import claim
    from forensic_iso.report import options as o
    from forensic_iso.report import write

    given = {k: v for k, v in rest.items() if v is not None}
    given["redact"] = bool(given["redact"] or given["hidden"])
    options = o.Options(
        from_ns=time_ns(begin, "--from"),
        to_ns=time_ns(end, "--to"),
        zone=o.zone(tz) if tz else None,
        zone_name=tz or "UTC",
        issued=o.issue_time(issued),
        case_name=case_name or case.resolve().name,
        command=_command(case),
        **given,  # type: ignore[arg-type]
    )
    with open_reader(case) as con:
        claim(out, force)
        for remark in write.write_all(con, case, out, options, template, per_host, pdf):
            say(remark)
    say(f"report written to {out}")
    return 0


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
@click.option("--exact", is_flag=True, help="CSV with the bytes as they are: formulas stay.")
@force_option
def export(case: Path, out: Path, form: str, exact: bool, force: bool) -> int:
    """Write a case for other tools, one format per folder, with a manifest of hashes.

    Example: forensic-iso export case1 --format timesketch --out case1-timesketch
    """
    from forensic_iso.export.run import run
    from forensic_iso.progress import progress

    with progress("rows") as show:
        counter = run(case, form, out, exact, force, show)
    files = "1 file" if len(counter.files) == 1 else f"{len(counter.files)} files"
    say(f"{files} written to {out}" + (f", {counter.done} rows" if counter.done else ""))
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
    help="Where what was handed in lies now, if it was moved.",
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

    Example: forensic-iso verify case1 --all
    """
    from forensic_iso.evidence.bitlocker import read_keys
    from forensic_iso.progress import progress
    from forensic_iso.text import terminal
    from forensic_iso.verify import verify as run

    with progress() as show:
        result = run(case, every, evidence, workers, show, read_keys(keys))
    for o in result.outcomes:
        if o.holds:
            continue
        rows = f"; {o.gone} rows no longer match, {o.more} are new" if o.gone or o.more else ""
        where = f" ({', '.join(o.examples)})" if o.examples else ""
        click.echo(
            f"{o.state}  {terminal(o.path, 300)}  {terminal(o.detail, 300)}{rows}{terminal(where, 400)}"
        )
    if result.dangling:
        click.echo(f"{result.dangling} references of findings lead to no row of the case")
    for path in result.unknown[:20]:
        say(f"not in the case: {terminal(path, 300)}")
    if len(result.unknown) > 20:
        say(f"not in the case: {len(result.unknown) - 20} more files of the evidence")
    compared = sum(o.compared for o in result.outcomes)
    good = sum(o.holds for o in result.outcomes)
    how = "all rows" if every else "cited and sampled rows"
    say(f"{good} of {len(result.outcomes)} artifacts match; {compared} rows compared ({how})")
    return 0 if result.holds else EXIT_DIFFERS


@click.command()
@click.argument("case_a", type=click.Path(path_type=Path))
@click.argument("case_b", type=click.Path(path_type=Path))
def diff(case_a: Path, case_b: Path) -> int:
    """What changed between two cases: findings, tables, versions. Exit 7: they differ.

    Example: forensic-iso diff case-before case-after
    """
    from forensic_iso.diff import diff as run
    from forensic_iso.output import Format, render

    found = run(case_a, case_b)
    for title, rows in (
        ("findings", found.findings),
        ("versions", found.versions),
        ("tables", [asdict(t) for t in found.tables]),
    ):
        if rows:
            click.echo(f"{title} that differ:")
            click.echo(render(list(rows[0]), [list(r.values()) for r in rows], Format.TABLE))
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

    Example: forensic-iso batch collections/ --out results --fail-on high
    """
    from forensic_iso import batch as b
    from forensic_iso.progress import progress
    from forensic_iso.report.options import Options, issue_time
    from forensic_iso.text import terminal
    from parsers.contract import Window

    window = Window(time_ns(since, "--since"), time_ns(until, "--until"))
    asked = Options(issued=issue_time(None), command="forensic-iso batch") if reports else None
    done: list[b.Collected] = []
    try:
        with progress() as show:
            for one in b.run(
                evidence, out, window, workers, rules, show, _images(vss, keys), asked
            ):
                done.append(one)
                said = one.error or f"{len(one.findings)} findings, worst {one.worst or 'none'}"
                say(f"{terminal(one.name, 100)}: {terminal(said, 300)}")
    finally:
        # A run that breaks off still sums up what it did.
        if done:
            b.write_summary(out, done)
    say(f"{len(done)} collections; see {out / b.INDEX} and {out / b.FINDINGS}")
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

    window = Window(time_ns(since, "--since"), time_ns(until, "--until"))
    failed = 0
    for part in f.run(evidence, out, scheduler, workers, window, rules, _images(vss, keys)):
        failed += part.error is not None
        say(f"{terminal(part.name, 100)}: {terminal(part.error or 'done', 300)}")
    say(f"case written to {f.merge(out)}")
    return EXIT_INCOMPLETE if failed else 0


COMMANDS: tuple[click.Command, ...] = (report, export, verify, diff, batch, fleet)
