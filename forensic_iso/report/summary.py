"""The first page: plain sentences drawn from the findings and the coverage."""

from collections.abc import Sequence

from forensic_iso.report.fields import WHOLE_HOST
from forensic_iso.report.model import Fact, Finding, Listing
from forensic_iso.report.words import VERDICTS

WEIGHT = ("critical", "high", "medium", "low", "info")
SHOWN = 8


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def moment(iso: str | None) -> str:
    """A time inside a sentence, to the second."""
    return f"{iso[:19].replace('T', ' ')} UTC" if iso else "none"


def sentences(findings: Sequence[Finding], hosts: Sequence[str]) -> tuple[str, ...]:
    """Summary in plain words, worst first."""
    touched = {f.host for f in findings}
    examined = count(len(hosts), "host was", "hosts were")
    head = f"{examined} examined; {count(len(touched), 'host has', 'hosts have')} findings."
    if not findings:
        return (
            head,
            "No disk image was seen delivered or mounted. See Coverage and limits for what this rests on.",
        )
    heavy = [f for f in findings if f.severity in WEIGHT[:3]]
    light = len(findings) - len(heavy)
    lines = [head, *(_line(f) for f in heavy[:SHOWN])]
    if len(heavy) > SHOWN:
        lines.append(
            f"{count(len(heavy) - SHOWN, 'more image')} of at least medium severity: see Findings."
        )
    if light:
        lines.append(f"{count(light, 'further image')} of low or no severity: see Findings.")
    return tuple(lines)


def _line(f: Finding) -> str:
    name = f.image_path.rpartition("\\")[2]
    sure = f" Confidence {f.confidence:.2f}." if f.confidence is not None else ""
    first = f"; first trace {moment(f.first_utc)}" if f.first_utc else ""
    return f"{f.severity.capitalize()}: {name} on {f.host}{first}. {VERDICTS.get(f.verdict, f.verdict)}{sure}"


def limits(coverage: Listing, problems: Listing, manifest: Listing) -> tuple[str, ...]:
    """What could not be seen, from coverage, problems and the manifest; never empty."""
    column = {f.name: i for i, f in enumerate(coverage.fields)}
    cleared = [r for r in coverage.rows if r[column["cleared"]]]
    holes = [r for r in coverage.rows if r[column["gaps"]]]
    whole = [r for r in coverage.rows if r[column["channel"]] == WHOLE_HOST]
    remarks = [
        r for r in coverage.rows if r[column["remark"]] and r[column["channel"]] != WHOLE_HOST
    ]
    out = [f"{r[column['host']]}: {r[column['remark']]}" for r in whole[:SHOWN]]
    if len(whole) > SHOWN:
        out.append(f"{count(len(whole) - SHOWN, 'more host')}: see Coverage.")
    if not coverage.rows:
        out.append("No log or file system was read: the absence of a finding means nothing.")
    for rows, key, what in (
        (cleared, "cleared", "cleared"),
        (holes, "gaps", "missing records inside"),
    ):
        out += [
            f"{r[column['channel']]} of {r[column['host']]}: {what} {r[column[key]]}."
            for r in rows[:10]
        ]
        if len(rows) > 10:
            out.append(f"{count(len(rows) - 10, 'more log')} {what}.")
    absent = [r for r in remarks if not r[column["records"]]]
    if absent:
        out.append(
            f"{count(len(absent), 'log or kind of artifact', 'logs and kinds of artifacts')} without a row in the evidence: see Coverage."
        )
    if len(remarks) > len(absent):
        out.append(
            f"{count(len(remarks) - len(absent), 'more log or artifact', 'more logs or artifacts')} with limits named under Coverage."
            if absent
            else f"{count(len(remarks), 'log or artifact', 'logs or artifacts')} with limits named under Coverage."
        )
    lost = [r for r in problems.rows if r[0] == "error"]
    if lost:
        times = sum(r[2] for r in lost if isinstance(r[2], int))
        out.append(f"Reading lost something {count(times, 'time')}: see Problems.")
    state = [f.name for f in manifest.fields].index("state")
    skipped = sum(1 for r in manifest.rows if r[state] == "skipped")
    if skipped:
        out.append(f"{count(skipped, 'file')} handed in and not read: see the evidence manifest.")
    out.append(
        "That nothing was found says nothing about times that no log covers, nor about hosts that were not handed in."
    )
    return tuple(out)


def figures(counts: dict[str, int], first: str | None, last: str | None) -> tuple[Fact, ...]:
    """Numbers of the first page."""
    facts = [Fact(name, f"{number:,}") for name, number in counts.items()]
    return (
        *facts,
        Fact("First time read", moment(first)),
        Fact("Last time read", moment(last)),
    )
