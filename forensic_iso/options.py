"""What several commands share: their options, exit codes, and how they read times and say things."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from forensic_iso.errors import UsageError

EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130
EXIT_SYSTEM = 6
FORMATS = click.Choice(["table", "json", "jsonl", "csv"])
SEVERITIES = ["info", "low", "medium", "high", "critical"]

case_argument = click.argument("case", type=click.Path(path_type=Path))
case_option = click.option(
    "--case", "case", required=True, type=click.Path(path_type=Path), help="Case folder."
)
evidence_argument = click.argument(
    "evidence", nargs=-1, required=True, type=click.Path(path_type=Path)
)
format_option = click.option(
    "--format", "form", type=FORMATS, default="table", show_default=True, help="Form."
)
since_option = click.option(
    "--since", metavar="TIME", help="Leave out events before TIME (ISO 8601, UTC)."
)
until_option = click.option(
    "--until", metavar="TIME", help="Leave out events at or after TIME (ISO 8601, UTC)."
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(0, 64),
    help="Worker processes; default: cores, none for a few event logs; 0: none.",
)
vss_option = click.option(
    "--vss",
    type=click.Choice(["none", "all"]),
    default="none",
    show_default=True,
    help="Of disk images, read shadow copies too.",
)
bitlocker_option = click.option(
    "--bitlocker-key",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Recovery password, password, .bek file, or a text file that holds one; may be repeated.",
)
per_host_option = click.option(
    "--per-host", is_flag=True, help="One case per host as well, with a page that sums them up."
)
rules_option = click.option(
    "--rules",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Your copy of rules.toml.",
)
fail_on_option = click.option(
    "--fail-on", type=click.Choice(SEVERITIES), help="Exit 1 at a finding of this severity."
)


def time_ns(value: str | None, option: str) -> int | None:
    """Nanoseconds since 1970 UTC of a time on the command line; a time without zone means UTC.

    Raises:
        UsageError: it is no time.
    """
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as e:
        raise UsageError(
            f"reading {option}: expected a time such as 2024-07-21T10:00:00Z, found {value!r}"
        ) from e
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1_000


def say(line: str) -> None:
    """A line for the person at the keyboard: stdout is for data."""
    click.echo(line, err=True)


def print_rows(names: list[str], rows: list[tuple[object, ...]], form: str) -> None:
    """Rows to stdout in the form asked for."""
    from forensic_iso.output import Format, render

    click.echo(render(names, rows, Format(form)), nl=False)


def width() -> int | None:
    """Columns of the terminal; None where stdout is none (lines stay whole)."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
