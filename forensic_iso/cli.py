"""The command line: arguments in, exit code out. Heavy imports stay inside the commands, so that --help is instant."""

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import click

from forensic_iso import __version__
from forensic_iso.commands_report import COMMANDS as HAND_OVER
from forensic_iso.commands_sigma import COMMANDS as SIGMA
from forensic_iso.errors import ForensicIsoError, UsageError, interrupted
from forensic_iso.options import (
    EXIT_INCOMPLETE,
    EXIT_INTERRUPTED,
    EXIT_SYSTEM,
    SEVERITIES,
    bitlocker_option,
    case_argument,
    case_option,
    evidence_argument,
    fail_on_option,
    format_option,
    per_host_option,
    print_rows,
    rules_option,
    say,
    since_option,
    time_ns,
    until_option,
    vss_option,
    width,
    workers_option,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="forensic-iso")
def cli() -> None:
    """Was a disk image delivered, mounted, run from, and what followed? Answers from evidence alone, offline.

    Example: forensic-iso analyze triage.zip --case case1

    Exit codes: 0 done; 1 --fail-on level reached; 2 wrong usage; 3 done, but part of the evidence could not be read;
    4 nothing usable in the evidence; 5 case cannot be opened or is locked; 6 no space or system fault;
    7 verify or diff found a difference; 130 interrupted.
    """


def _ingest(
    case: Path,
    evidence: tuple[Path, ...],
    since: str | None,
    until: str | None,
    workers: int | None,
    then_correlate: bool,
    rules: Path | None,
    vss: str = "none",
    keys: tuple[str, ...] = (),
) -> int:
    from forensic_iso.case.alone import workers_for
    from forensic_iso.case.memory import loading
    from forensic_iso.case.pool import pool_of
    from parsers.contract import Window

    window = Window(time_ns(since, "--since"), time_ns(until, "--until"))
    count = workers_for(evidence) if workers is None else workers
    with ExitStack() as opened:
        with pool_of(count) as pool:
            pool.start(1)  # it loads its parsers while this process loads what writes the case
            with loading():
                from forensic_iso.case import ingest, store
                from forensic_iso.evidence.bitlocker import read_keys
                from forensic_iso.evidence.discover import ImageOptions
                from forensic_iso.progress import progress
            images = ImageOptions(vss == "all", read_keys(keys))
            con = opened.enter_context(store.open_writer(case))
            with progress() as report:
                summary = ingest.ingest_into(
                    con, case, evidence, window, report=report, images=images, pool=pool
                )
        _tell_summary(summary)
        if then_correlate:
            _correlate(con, case, rules)
    return EXIT_INCOMPLETE if summary.errors or summary.failed else 0


def _correlate(con: object, case: Path, rules: Path | None) -> None:
    import duckdb

    from forensic_iso.case import store
    from forensic_iso.correlate.run import run

    if not isinstance(con, duckdb.DuckDBPyConnection):
        raise TypeError("a DuckDB connection is wanted")
    steps = run(con, rules)
    store.log(
        case,
        "correlated",
        tool=__version__,
        steps=[{"step": s.name, "rows": s.rows, "seconds": s.seconds} for s in steps],
    )


def _tell_summary(s: object) -> None:
    from forensic_iso.case.ingest import Summary
    from forensic_iso.text import terminal

    if not isinstance(s, Summary):
        raise TypeError("a summary is wanted")
    say(
        f"{s.recognised} artifacts recognised, {s.unrecognised} files not; {s.read_now} read now, "
        f"{s.known_before} already in the case, {s.failed} failed"
    )
    if s.read_now == 0 and s.known_before:
        say("nothing new: all of this evidence was already in the case")
    say(
        f"{s.rows} rows, {s.copies} copies of events set aside, {s.problems} problems ({s.errors} with loss)"
    )
    for line in s.not_found:
        say(f"not found: {terminal(line, limit=300)}")


@cli.command()
@evidence_argument
@case_option
@since_option
@until_option
@workers_option
@vss_option
@bitlocker_option
@rules_option
@per_host_option
@fail_on_option
@format_option
def analyze(
    evidence: tuple[Path, ...],
    case: Path,
    since: str | None,
    until: str | None,
    workers: int | None,
    vss: str,
    keys: tuple[str, ...],
    rules: Path | None,
    per_host: bool,
    fail_on: str | None,
    form: str,
) -> int:
    """Read evidence into a case, correlate it, and print the findings.

    Example: forensic-iso analyze collection.zip other-host/ --case case1
    """
    started = time.monotonic()
    code = _ingest(case, evidence, since, until, workers, True, rules, vss, keys)
    level = _findings(case, form)
    _totals(case, time.monotonic() - started)
    if per_host:
        _split(case)
    if fail_on and level >= SEVERITIES.index(fail_on):
        return 1
    return code


def _split(case: Path) -> None:
    from forensic_iso.batch import FINDINGS, INDEX, write_summary
    from forensic_iso.per_host import HOSTS, split

    done = list(split(case, case / HOSTS))
    write_summary(case / HOSTS, done)
    say(
        f"{len(done)} host{'s' * (len(done) != 1)}; see {case / HOSTS / INDEX} and {case / HOSTS / FINDINGS}"
    )


@cli.command()
@evidence_argument
@case_option
@since_option
@until_option
@workers_option
@vss_option
@bitlocker_option
def ingest(
    evidence: tuple[Path, ...],
    case: Path,
    since: str | None,
    until: str | None,
    workers: int | None,
    vss: str,
    keys: tuple[str, ...],
) -> int:
    """Read evidence into a case, without correlating it.

    Example: forensic-iso ingest WS-0001.zip --case case1
    """
    return _ingest(case, evidence, since, until, workers, False, None, vss, keys)


@cli.command()
@case_argument
@rules_option
def correlate(case: Path, rules: Path | None) -> int:
    """Build the derived tables of a case anew; reads no evidence.

    Example: forensic-iso correlate case1 --rules my-rules.toml
    """
    from forensic_iso.case import store

    if not store.database(case).is_file():
        store.open_reader(case)
    with store.open_writer(case) as con:
        _correlate(con, case, rules)
    return 0


COLOURS = {
    "critical": "bright_red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "blue",
}


def _coloured(story: str, severity: str) -> str:
    """The first line in the colour of the severity, on terminals that want colour."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return story
    head, _, rest = story.partition("\n")
    return click.style(head, fg=COLOURS.get(severity), bold=True) + "\n" + rest


def _totals(case: Path, seconds: float) -> None:
    """One line on stderr at the end of a run."""
    from forensic_iso.case.store import open_reader

    with open_reader(case) as con:
        row = con.execute(
            "SELECT (SELECT count(*) FROM source WHERE state = 'done'), (SELECT count(*) FROM event),"
            " (SELECT count(*) FROM mft_entry), (SELECT count(*) FROM image_delivery),"
            " (SELECT count(*) FROM mount_session), (SELECT count(*) FROM execution),"
            " (SELECT count(*) FROM follow_on), (SELECT count(*) FROM finding), (SELECT count(*) FROM problem)"
        ).fetchone()
    what = "artifacts events $MFT-records deliveries mounts executions follow-on findings problems".split()
    say(
        "total: "
        + ", ".join(f"{n} {w}" for n, w in zip(row or (), what, strict=False))
        + f"; {seconds:.1f} s"
    )


def _findings(case: Path, form: str) -> int:
    """Print the findings; the highest severity's index, -1 where there is none."""
    from forensic_iso.answers import require
    from forensic_iso.case.store import open_reader
    from forensic_iso.story import stories, tell

    with open_reader(case) as con:
        whole = True
        try:
            require(con, case, "telling the findings of")
        except UsageError as e:
            say(f"forensic-iso: {e}")
            whole = False
        told = stories(con)
        if form == "table":
            for story in told:
                click.echo(_coloured(tell(story, width()), str(story.finding["severity"])))
            if not told and whole:
                click.echo(
                    "no finding: no image was seen delivered or mounted; `forensic-iso info` shows what was read"
                )
        else:
            cursor = con.execute(
                "SELECT * FROM finding ORDER BY score DESC, host, image_path, finding_id"
            )
            print_rows([d[0] for d in cursor.description], cursor.fetchall(), form)
    return max((SEVERITIES.index(str(s.finding["severity"])) for s in told), default=-1)


@cli.command()
@case_argument
@format_option
@fail_on_option
def findings(case: Path, form: str, fail_on: str | None) -> int:
    """Print the findings of a case: for each image its story, confidence and weakest link.

    Example: forensic-iso findings case1 --format json
    """
    level = _findings(case, form)
    return 1 if fail_on and level >= SEVERITIES.index(fail_on) else 0


@cli.command()
@case_argument
@format_option
@click.option(
    "--show",
    type=click.Choice(["summary", "sources", "problems", "coverage", "tables"]),
    default="summary",
    show_default=True,
    help="What to list.",
)
def info(case: Path, form: str, show: str) -> int:
    """What a case holds: sources, what was not recognised, problems, coverage, tables.

    Example: forensic-iso info case1 --show problems
    """
    from forensic_iso.case.store import open_reader
    from forensic_iso.info import listing

    with open_reader(case) as con:
        names, rows = listing(con, show)
    print_rows(names, rows, form)
    return 0


@cli.command()
@case_argument
@click.argument("query")
@format_option
def sql(case: Path, query: str, form: str) -> int:
    """Run one SQL query, read-only and sealed: no other file can be reached.

    Example: forensic-iso sql case1 "SELECT host, count(*) FROM event GROUP BY host"
    """
    import duckdb

    from forensic_iso.case.store import open_reader

    with open_reader(case) as con:
        try:
            cursor = con.execute(query)
            rows = cursor.fetchall()
        except duckdb.Error as e:
            raise UsageError(f"running the query: {str(e).strip()}") from e
        names = [d[0] for d in cursor.description or []]
    print_rows(names, rows, form)
    return 0


@cli.command()
@click.argument("case", required=False, type=click.Path(path_type=Path))
@click.argument("name", required=False)
@click.option(
    "--lookback",
    metavar="DAYS",
    help="How far to look back, such as 30d. Default: all; the Defender query and its kin: 30d.",
)
@click.option(
    "--as-of",
    metavar="TIME",
    help="Moment to look back from (ISO 8601, UTC). Default: the newest event, never the present.",
)
@format_option
def hunts(
    case: Path | None, name: str | None, lookback: str | None, as_of: str | None, form: str
) -> int:
    """List the public hunts; with a case how many rows each finds in it; with a name those rows.

    Example: forensic-iso hunts case1 hunt_kql_inner --lookback 30d --format csv
    """
    from forensic_iso import hunts as shipped

    known = {h.name: h for h in shipped.all_hunts()}
    days, as_of_ns = _days(lookback), time_ns(as_of, "--as-of")
    if case is None and form == "table":
        click.echo("\n\n".join(shipped.card(h, width()) for h in known.values()))
        return 0
    if case is None:
        heads = [tuple(getattr(h, k) for k in ("name", *shipped.KEYS)) for h in known.values()]
        print_rows(["hunt", *shipped.KEYS], heads, form)
        return 0
    if name is not None and name not in known:
        raise UsageError(
            f"looking for the hunt {name!r}: expected one of {', '.join(sorted(known))}"
        )
    from forensic_iso.case.store import open_reader

    # the table has no room for the parameters: `hunts` without a case tells all of a hunt
    keys = [k for k in shipped.KEYS if form != "table" or k != "parameters"]
    with open_reader(case) as con:
        shipped.prepare(con, as_of_ns, days)
        if name is not None:
            cursor = con.execute(f'SELECT * FROM "{name}"')
            print_rows([d[0] for d in cursor.description], cursor.fetchall(), form)
            return 0
        rows: list[tuple[object, ...]] = [
            (h.name, hits, *(getattr(h, k) for k in keys)) for h, hits in shipped.count_rows(con)
        ]
    print_rows(["hunt", "rows", *keys], rows, form)
    return 0


def _days(lookback: str | None) -> int | None:
    """Days of a text such as 30d or 30."""
    from forensic_iso.hunts import MOST_DAYS

    if lookback is None:
        return None
    number = lookback.strip().lower().removesuffix("d")
    if not (number.isascii() and number.isdigit() and 0 < len(number) <= 5):
        raise UsageError(f"reading --lookback: expected days such as 30d, found {lookback!r}")
    if not 1 <= int(number) <= MOST_DAYS:
        raise UsageError(f"reading --lookback: expected 1 to {MOST_DAYS} days, found {lookback!r}")
    return int(number)


@cli.command()
@case_argument
@click.argument("finding")
@format_option
def explain(case: Path, finding: str, form: str) -> int:
    """The rows of evidence behind a finding, each with the address of its bytes; then rows that met your Sigma rules.

    Example: forensic-iso explain case1 3f9c2a1b0d4e5f60
    """
    from forensic_iso.case.store import open_reader
    from forensic_iso.story import evidence_of, stories, supported_by, tell, trace

    with open_reader(case) as con:
        told = stories(con, finding)
        if not told:
            raise UsageError(
                f"looking for the finding {finding!r}: none of that id; `forensic-iso findings` lists them"
            )
        names, rows = evidence_of(con, told[0])
        rows += supported_by(con, told[0])
    if form == "table":
        click.echo(tell(told[0], width()))
        click.echo(trace(rows, width()), nl=False)
    else:
        print_rows(names, rows, form)
    return 0


for _command in (*HAND_OVER, *SIGMA):
    cli.add_command(_command)


@cli.command()
@case_argument
@click.option(
    "--screen",
    type=click.Choice(
        ["overview", "findings", "timeline", "processes", "sessions", "images", "notes", "sql"]
    ),
    default="overview",
    show_default=True,
    help="Screen to begin with.",
)
@click.option(
    "--theme", type=click.Choice(["dark", "light", "no-colour"]), help="Colours; default: dark."
)
def tui(case: Path, screen: str, theme: str | None) -> int:
    """Investigate a case in the terminal: findings, timeline, process trees, notes, SQL. ? lists the keys.

    Example: forensic-iso tui case1
    """
    from importlib import import_module

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "showing the case: expected a terminal, found none; `forensic-iso findings` writes text"
        )
    return int(import_module("tui.app").run(case, screen, theme))


def _no_space(e: BaseException) -> bool:
    return any(
        s in str(e).lower()
        for s in ("no space left", "disk quota", "could not write", "failed to write")
    )


def main() -> None:
    """Entry point: runs the command and turns every end into its exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as e:
        code = e.exit_code
    except click.ClickException as e:
        e.show()
        code = e.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _interrupted()
    except ForensicIsoError as e:
        say(f"forensic-iso: {e}")
        code = e.exit_code
    except BrokenPipeError:
        code = 0
    except OSError as e:
        say(f"forensic-iso: the system refused: {e}")
        code = EXIT_SYSTEM
    except Exception as e:
        code = EXIT_SYSTEM
        if interrupted(e):
            code = _interrupted()
        elif type(e).__module__.split(".")[0] in ("duckdb", "_duckdb") and _no_space(e):
            say(
                f"forensic-iso: writing the case: {e}; free some space and run the same command again"
            )
        else:
            from traceback import print_exc

            print_exc()
            say(
                "forensic-iso: a fault of its own, told above; the case keeps what was recorded as done"
            )
    sys.exit(code or 0)


def _interrupted() -> int:
    say("interrupted: what was recorded as done is kept; run the same command again to go on")
    return EXIT_INTERRUPTED


if __name__ == "__main__":
    main()
