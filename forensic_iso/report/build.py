"""Builds the report's model from a case."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from forensic_iso import __version__, attack
from forensic_iso.errors import UsageError
from forensic_iso.indicators import indicators
from forensic_iso.report import fields
from forensic_iso.report.charts import host_chart
from forensic_iso.report.evidence import cited
from forensic_iso.report.findings import IN_FULL, Known, cap_of, finding
from forensic_iso.report.model import (
    SCHEMA_VERSION,
    Fact,
    Finding,
    Host,
    Indicator,
    Listing,
    Report,
    Value,
)
from forensic_iso.report.notes import Note, finding_notes, notes_listing
from forensic_iso.report.options import Options
from forensic_iso.report.processes import all_processes
from forensic_iso.report.rows import first, listing, when
from forensic_iso.report.sigma import sigma
from forensic_iso.report.summary import FINDINGS, count, figures, limits, sentences, unseen
from forensic_iso.report.words import GLOSSARY, METHOD
from forensic_iso.sigma.support import hits_of
from forensic_iso.story import Row, Story, rows, stories

TIMELINE_ROWS = 1000
MANIFEST_ROWS = 1000
OTHER_ROWS = 500
HOSTS_IN_FULL = 50
ALL = 1_000_000
"""Rows of coverage and manifest that are read: sentences count all of them, the page shows the first."""


def _time(ns: int | None) -> str | None:
    if ns is None:
        return None
    return (
        datetime.fromtimestamp(ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        + f".{ns % 1_000_000_000:09d}"
    )


def build(con: duckdb.DuckDBPyConnection, options: Options, notes: Sequence[Note] = ()) -> Report:
    """The report of a case, or of one host or finding of it.

    Raises:
        UsageError: there is no such host or finding.
    """
    asked: dict[str, object] = {
        "host": options.host,
        "finding": options.finding,
        "from_utc": _time(options.from_ns),
        "to_utc": _time(options.to_ns),
    }
    of_host: dict[str, object] = {"host": options.host}
    hosts = _hosts(con, options.host)
    told = _told(con, asked, options)
    cap = cap_of(len(told))
    known = _known(con, notes, cap)
    found = tuple(finding(s, known, cap, brief=n >= IN_FULL) for n, s in enumerate(told))
    coverage = listing(
        con, "coverage", "Coverage", fields.COVERAGE, fields.COVERAGE_SQL, of_host, ALL
    )
    problems = listing(
        con, "problems", "Problems", fields.PROBLEMS, fields.PROBLEMS_SQL, of_host, OTHER_ROWS
    )
    manifest = listing(
        con,
        "manifest",
        "Evidence manifest",
        fields.MANIFEST,
        fields.MANIFEST_SQL,
        of_host,
        ALL,
    )
    worst_first = list(dict.fromkeys((*(f.host for f in found if f.host in hosts), *hosts)))
    return Report(
        schema_version=SCHEMA_VERSION,
        title=_title(options),
        tlp=options.tlp,
        identification=_identification(con, options),
        summary=sentences(found, told, len(hosts), _left_out(con, options.host, len(found))),
        unseen=unseen(coverage, problems, manifest, worst_first, {f.host for f in found}),
        figures=_figures(con, len(hosts), options.host, len(found)),
        overview=listing(con, "overview", "Findings, worst first", fields.OVERVIEW, fields.OVERVIEW_SQL, asked, OTHER_ROWS),
        hosts=_chapters(con, hosts, told, found, coverage),
        findings=found,
        timeline=listing(con, "timeline", "Rows cited by the findings, in order of time", fields.TIMELINE,
                         fields.TIMELINE_SQL, asked, TIMELINE_ROWS),
        indicators=_indicators(con, told),
        techniques=listing(con, "techniques", "ATT&CK techniques", fields.TECHNIQUES, fields.TECHNIQUES_SQL, asked, OTHER_ROWS,
                           f"Names as in MITRE ATT&CK, version {attack.VERSION}."),
        sigma=sigma(con, asked, OTHER_ROWS),
        notes=notes_listing(notes),
        coverage=first(coverage, OTHER_ROWS),
        limits=limits(coverage, problems, manifest, hosts),
        manifest=first(manifest, MANIFEST_ROWS),
        problems=problems,
        method=tuple(Fact(n, t) for n, t in METHOD),
        parsers=listing(con, "parsers", "Parsers", fields.PARSERS, fields.PARSERS_SQL, {}, OTHER_ROWS),
        rules=listing(con, "rules", "Thresholds and weights", fields.RULES, fields.RULES_SQL, {}, OTHER_ROWS),
        glossary=tuple(Fact(n, t) for n, t in GLOSSARY),
        queries=tuple(Fact(n, q) for n, q in fields.STORY_QUERIES.items()),
    )  # fmt: skip


def case_hosts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of all hosts of a case, those that only an export of many hosts tells of as well; one that was renamed has its last."""
    query = (
        "FROM (SELECT host FROM source UNION SELECT host FROM finding UNION SELECT host FROM coverage)"
        " WHERE host <> '' AND host NOT IN (SELECT alias FROM host_alias) ORDER BY host"
    )
    return [str(r[0]) for r in con.execute(query).fetchall()]


def hosts_of(con: duckdb.DuckDBPyConnection, options: Options) -> list[str]:
    """Hosts that have a report of their own: all, or the one that was asked for, or that of the finding."""
    if options.host is not None:
        return [options.host]
    query = "SELECT host FROM finding WHERE finding_id = ?"
    found = con.execute(query, [options.finding]).fetchall()
    return [str(h) for (h,) in found] or case_hosts(con)


def _hosts(con: duckdb.DuckDBPyConnection, host: str | None) -> list[str]:
    every = case_hosts(con)
    if host is None:
        return every
    if host not in every:
        raise UsageError(
            f"looking for the host {host!r}: none of that name; there are {', '.join(every[:20]) or 'none'}"
        )
    return [host]


def _told(
    con: duckdb.DuckDBPyConnection, asked: dict[str, object], options: Options
) -> list[Story]:
    if options.finding is not None:
        told = stories(con, options.finding)
        if not told:
            raise UsageError(
                f"looking for the finding {options.finding!r}: none of that id; `forensic-iso findings` lists them"
            )
        host = str(told[0].finding["host"])
        if options.host not in (None, host):
            raise UsageError(
                f"looking for the finding {options.finding!r} on {options.host!r}: it is one of {host!r}"
            )
    else:
        told = stories(con)
    shown = {
        r[0] for r in con.execute(f"SELECT unnest{_list(fields.SHOWN_FINDINGS)}", asked).fetchall()
    }
    return sorted((s for s in told if s.finding["finding_id"] in shown), key=_weight)


def _left_out(con: duckdb.DuckDBPyConnection, host: str | None, shown: int) -> int:
    """Findings of the host, or of all, that the choice of a time or finding leaves out."""
    query = "SELECT count(*) FROM finding WHERE $1 IS NULL OR host = $1"
    row = con.execute(query, [host]).fetchone()
    return int(row[0]) - shown if row else 0


def _weight(story: Story) -> int:
    """Rank of the severity, the worst first; equal ones keep their order."""
    word = str(story.finding["severity"])
    return fields.SEVERITIES.index(word) if word in fields.SEVERITIES else len(fields.SEVERITIES)


def _list(subquery: str) -> str:
    return f"((SELECT list(finding_id) FROM {subquery}))"


def _grouped(found: list[Row]) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = {}
    for r in found:
        out.setdefault(str(r["finding_id"]), []).append(r)
    return out


def _known(con: duckdb.DuckDBPyConnection, notes: Sequence[Note], cap: int) -> Known:
    return Known(
        all_processes(con),
        _grouped(rows(con, fields.CONTENT_SQL)),
        cited(con),
        finding_notes(notes),
        hits_of(con, most=cap),
    )


def _title(options: Options) -> str:
    what = (
        f"finding {options.finding}"
        if options.finding
        else f"host {options.host}"
        if options.host
        else "case"
    )
    return f"Disk images: report of the {what}"


def _identification(con: duckdb.DuckDBPyConnection, options: Options) -> tuple[Fact, ...]:
    info = dict(con.execute("SELECT key, value FROM case_info").fetchall())
    window = [info.get(k) for k in ("since", "until")]
    cut = (
        "none: all times were read"
        if not any(w not in (None, "None") for w in window)
        else f"{_cut(window[0])} to {_cut(window[1])}"
    )
    span = [_time(options.from_ns), _time(options.to_ns)]
    shown = "all" if not any(span) else f"{span[0] or 'begin'} to {span[1] or 'end'} UTC"
    return (
        Fact("Case", options.case_name),
        Fact("Examiner", options.examiner),
        Fact("Organisation", options.organisation),
        Fact("Requester", options.requester),
        Fact("Marking", f"TLP:{options.tlp}"),
        Fact("Issued", options.issued),
        Fact(
            "Tool",
            f"forensic-iso {__version__}, case made by {info.get('tool_version', 'unknown')}, schema {info.get('schema_version')}",
        ),
        Fact("Parsers", _parsers(con)),
        Fact("Command", options.command),
        Fact("Time window of reading", cut),
        Fact("Times shown", shown),
        Fact("Time zone", f"UTC, beside it {options.zone_name}" if options.zone else "UTC"),
        Fact(
            "Names",
            "pseudonyms (--redact), in the queries too" if options.redact else "as in the evidence",
        ),
    )


def _parsers(con: duckdb.DuckDBPyConnection) -> str:
    """The parsers that read the evidence, with their versions."""
    row = con.execute(
        "SELECT string_agg(kind || ' ' || version, ', ' ORDER BY kind, version) FROM"
        " (SELECT DISTINCT kind, parser_version AS version FROM source WHERE kind IS NOT NULL AND state = 'done')"
    ).fetchone()
    return str(row[0]) if row and row[0] else "none: nothing was read"


def _cut(ns: str | None) -> str:
    return "open" if ns in (None, "None") else f"{_time(int(str(ns)))} UTC"


def _figures(
    con: duckdb.DuckDBPyConnection, hosts: int, host: str | None, told: int
) -> tuple[Fact, ...]:
    """Numbers of the case or host; `told`: findings that the report tells, where it leaves some out."""
    row = con.execute(
        "SELECT (SELECT count(*) FROM source WHERE state = 'done' AND ($1 IS NULL OR host = $1)),"
        " (SELECT coalesce(sum(rows), 0)::BIGINT FROM source WHERE ($1 IS NULL OR host = $1)),"
        " (SELECT count(*) FROM timeline WHERE ($1 IS NULL OR host = $1)),"
        " (SELECT count(*) FROM image_delivery WHERE ($1 IS NULL OR host = $1)),"
        " (SELECT count(*) FROM mount_session WHERE ($1 IS NULL OR host = $1)),"
        " (SELECT count(*) FROM execution WHERE ($1 IS NULL OR host = $1)),"
        " (SELECT count(*) FROM finding WHERE ($1 IS NULL OR host = $1)),"
        " (SELECT min(first_utc) FROM coverage WHERE ($1 IS NULL OR host = $1)),"
        " (SELECT max(last_utc) FROM coverage WHERE ($1 IS NULL OR host = $1))",
        [host],
    ).fetchone()
    numbers = row or (0,) * 7 + (None, None)
    names = (
        "Artifacts read",
        "Rows read",
        "Rows of the timeline",
        "Image deliveries",
        "Mount sessions",
        "Executions",
        FINDINGS,
    )
    counts = {"Hosts": hosts, **dict(zip(names, map(int, numbers[:7]), strict=True))}
    return figures(counts, when(numbers[7]), when(numbers[8]), told)


def _read_of(
    host: str,
    number: int,
    rows: Sequence[tuple[Value, ...]],
    place: dict[str, int],
) -> tuple[Listing, str]:
    """Logs and artifacts of a host that hold rows, and words for those that do not."""
    kinds = [r for r in rows if r[place["channel"]] != fields.WHOLE_HOST]
    there = tuple(r for r in kinds if r[place["records"]])
    absent = [str(r[place["channel"]]) for r in kinds if not r[place["records"]]]
    if not kinds:
        words = "It is named by the evidence, but no log or artifact of its own was read."
        return Listing(f"read-{number}", "", (), (), 0), words
    words = f"Rows of {count(len(there), 'log or kind of artifact', 'logs and kinds of artifacts')} were read"
    words += f"; of {len(absent):,} there is none: {', '.join(absent)}." if absent else "."
    whole = [r[place["remark"]] for r in rows if r[place["channel"]] == fields.WHOLE_HOST]
    title = f"What was read of {host}"
    return Listing(
        f"read-{number}",
        title,
        fields.READ,
        tuple(r[1:] for r in there[:40]),
        len(there),
        note=str(whole[0]) if whole else "",
    ), words


def _chapters(
    con: duckdb.DuckDBPyConnection,
    hosts: Sequence[str],
    told: Sequence[Story],
    found: Sequence[Finding],
    coverage: Listing,
) -> tuple[Host, ...]:
    place = {f.name: i for i, f in enumerate(coverage.fields)}
    out = []
    for number, name in enumerate(hosts):
        mine = [f for f in found if f.host == name]
        if not mine and len(hosts) > HOSTS_IN_FULL:
            continue
        logs, words = _read_of(
            name, number, [r for r in coverage.rows if r[place["host"]] == name], place
        )
        told_here = [s for s in told if s.finding["host"] == name]
        words = f"{count(len(mine), 'finding')}. {words}"
        out.append(
            Host(
                name,
                words,
                tuple(f.finding_id for f in mine),
                host_chart(name, told_here, number),
                (logs,) if logs.total else (),
            )
        )
    return tuple(out)


def _indicators(con: duckdb.DuckDBPyConnection, told: list[Story]) -> tuple[Indicator, ...]:
    return tuple(
        Indicator(i.type, i.value, i.severity, i.finding_id, i.host, when(i.time), i.basis)
        for i in indicators(con, told)
    )


def default_case_name(case: Path) -> str:
    """The folder's name."""
    return case.resolve().name
