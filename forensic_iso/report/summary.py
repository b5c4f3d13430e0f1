"""The first page: plain sentences drawn from the findings and the coverage."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from forensic_iso.report import plain
from forensic_iso.report.fields import SEVERITIES, WHOLE_HOST
from forensic_iso.report.model import Fact, Finding, Listing
from forensic_iso.report.plain import moment
from forensic_iso.story import Story

SHOWN, LIGHT_SHOWN = 6, 3
HOSTS_SHOWN, LOGS_SHOWN = 4, 4
FINDINGS = "Findings"
"""Name of the number of findings."""
NOTHING = "That nothing was found says nothing about times that no log covers, nor about hosts that were not handed in."


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def sentences(
    findings: Sequence[Finding], told: Sequence[Story], hosts: int, left_out: int = 0
) -> tuple[str, ...]:
    """Summary in plain words, worst first.

    Args:
        findings: those that are shown.
        told: their stories, in the same order.
        hosts: hosts that were examined.
        left_out: findings that the user's choice of a time or finding leaves out.
    """
    touched = len({f.host for f in findings})
    examined = count(hosts, "host was", "hosts were")
    if left_out and not findings:
        return (
            f"{examined} examined.",
            "No disk image is reported in what was asked for.",
            _left_out(left_out, ""),
        )
    if not findings:
        return (
            f"{examined} examined.",
            "No disk image was seen delivered or mounted. See Coverage and limits for what this rests on.",
        )
    images = count(len(findings), "disk image is", "disk images are")
    by_weight = Counter(f.severity for f in findings)
    weights = ", ".join(f"{by_weight[w]} {w}" for w in SEVERITIES if by_weight[w])
    lines = [f"{examined} examined; {images} reported, on {count(touched, 'host')}: {weights}."]
    if left_out:
        lines.append(_left_out(left_out))
    heavy = [i for i, f in enumerate(findings) if f.severity in SEVERITIES[:3]]
    if not heavy:
        lines.append("No image is of medium severity or more.")
    for i in heavy[:SHOWN] or range(min(len(findings), LIGHT_SHOWN)):
        lines.append(f"{findings[i].severity.capitalize()}: {plain.told(told[i])}")
    left = (
        [f for i, f in enumerate(findings) if i not in heavy] if heavy else findings[LIGHT_SHOWN:]
    )
    if len(heavy) > SHOWN:
        more = count(len(heavy) - SHOWN, "further image is", "further images are")
        lines.append(f"{more} of at least medium severity: see Findings.")
    if left:
        further = count(len(left), "further image is", "further images are")
        lines.append(f"{further} of low or no severity: see Findings.")
    return tuple(lines)


def _left_out(number: int, further: str = "further ") -> str:
    return f"{count(number, f'{further}finding is', f'{further}findings are')} left out, since only a part of the case was asked for: see Times shown and Command."


def unseen(
    coverage: Listing,
    problems: Listing,
    manifest: Listing,
    hosts: Sequence[str],
    touched: Collection[str] = (),
) -> tuple[str, ...]:
    """What the summary rests on and what could not be seen, in plain words; never empty.

    Args:
        coverage: all of its rows.
        problems: grouped by code.
        manifest: all of its rows.
        hosts: the worst first.
        touched: hosts with findings; of many hosts only these are told one by one.
    """
    column = {f.name: i for i, f in enumerate(coverage.fields)}
    whole = {r[column["host"]]: r for r in coverage.rows if r[column["channel"]] == WHOLE_HOST}
    seen = [h for h in hosts if h in whole]
    remarks = {h: str(whole[h][column["remark"]]) for h in seen}
    many = len(seen) > HOSTS_SHOWN
    told = seen[:HOSTS_SHOWN] if not many else [h for h in seen if h in touched][:HOSTS_SHOWN]
    out = [f"{h}: {plain.host_seen(remarks[h])}" for h in told]
    if many:
        out.insert(0, plain.hosts_seen(list(remarks.values())))
    order = {h: i for i, h in enumerate(hosts)}
    rows = sorted(coverage.rows, key=lambda r: order.get(str(r[column["host"]]), len(order)))
    broken = _broken(replace(coverage, rows=tuple(rows)), LOGS_SHOWN)
    return (*out, *_dark(coverage, hosts), *broken, *_lost(problems, manifest), NOTHING)


def _dark(coverage: Listing, hosts: Sequence[str]) -> list[str]:
    """Hosts that the evidence names and of which no log or file system was read."""
    if not coverage.rows:
        return ["No log or file system was read: the absence of a finding means nothing."]
    host = [f.name for f in coverage.fields].index("host")
    covered = {r[host] for r in coverage.rows}
    dark = [h for h in hosts if h not in covered]
    shown = ", ".join(dark[:SHOWN]) + (
        f" and {len(dark) - SHOWN} more" if len(dark) > SHOWN else ""
    )
    return (
        [
            f"{shown}: named by the evidence, but no log of its own was read; what is not told of it means nothing."
        ]
        if dark
        else []
    )


def _broken(coverage: Listing, most: int) -> list[str]:
    """Logs that were cleared, and logs that lack records inside."""
    column = {f.name: i for i, f in enumerate(coverage.fields)}
    out = []
    for key, one, many in (
        ("cleared", "was cleared once", "was cleared {} times"),
        ("gaps", "lacks 1 record inside", "lacks {} records inside"),
    ):
        rows = [
            (r, number)
            for r in coverage.rows
            if isinstance(number := r[column[key]], int) and number
        ]
        out += [
            f"{r[column['channel']]} of {r[column['host']]} {one if n == 1 else many.format(f'{n:,}')}."
            for r, n in rows[:most]
        ]
        if len(rows) > most:
            out.append(
                f"{count(len(rows) - most, 'more log')} {'cleared' if key == 'cleared' else 'with missing records'}: see Coverage."
            )
    return out


def _lost(problems: Listing, manifest: Listing) -> list[str]:
    """What could not be read, and what was not."""
    out = []
    lost = [r for r in problems.rows if r[0] == "error"]
    if lost:
        times = sum(r[2] for r in lost if isinstance(r[2], int))
        out.append(f"Reading lost something {count(times, 'time')}: see Problems.")
    state = [f.name for f in manifest.fields].index("state")
    skipped = sum(1 for r in manifest.rows if r[state] == "skipped")
    if skipped:
        out.append(f"{count(skipped, 'file')} handed in and not read: see the evidence manifest.")
    return out


def limits(
    coverage: Listing, problems: Listing, manifest: Listing, hosts: Sequence[str]
) -> tuple[str, ...]:
    """What could not be seen, from coverage, problems and the manifest; never empty."""
    column = {f.name: i for i, f in enumerate(coverage.fields)}
    whole = [r for r in coverage.rows if r[column["channel"]] == WHOLE_HOST]
    remarks = [
        r for r in coverage.rows if r[column["remark"]] and r[column["channel"]] != WHOLE_HOST
    ]
    out = [f"{r[column['host']]}: {r[column['remark']]}" for r in whole[:SHOWN]]
    if len(whole) > SHOWN:
        out.append(f"{count(len(whole) - SHOWN, 'more host')}: see Coverage.")
    out += _dark(coverage, hosts)
    out += _broken(coverage, 10)
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
    return (*out, *_lost(problems, manifest), NOTHING)


def figures(
    counts: dict[str, int], first: str | None, last: str | None, told: int
) -> tuple[Fact, ...]:
    """Numbers of the first page; `told`: findings that are told, if not all are."""
    facts = [
        Fact(
            name, f"{told:,} of {number:,}" if name == FINDINGS and told < number else f"{number:,}"
        )
        for name, number in counts.items()
    ]
    return (
        *facts,
        Fact("First time read", moment(first)),
        Fact("Last time read", moment(last)),
    )
