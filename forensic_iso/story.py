"""A finding as a short story: delivered, mounted, executed, then what; how sure, and what could not be seen."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from forensic_iso import text
from forensic_iso.sigma.support import hits_of, rules_of

FOLLOW_ON_SHOWN = 12
EXECUTIONS_SHOWN = 12
RULES_SHOWN = 8
HITS_SHOWN = 1000
TITLE = 120
WIDTH = 1200

Row = dict[str, object]

OF_FINDING = "of_finding"
PARTS = {
    "deliveries": ("image_delivery", "delivery_id", "time_utc, delivery_id"),
    "sessions": ("mount_session", "session_id", "opened_utc, session_id"),
    "executions": ("execution", "execution_id", "time_utc, pid, execution_id"),
    "follow_on": ("follow_on", "execution_id", "time_utc, kind, value, follow_on_id"),
}
"""Tables of the rows a finding is made of: table, the column with the part's id, order."""


def part_query(name: str, chosen: str, taken: str = "t.*") -> str:
    """Query of one kind of part; `chosen`: which findings, by the columns of p (finding_part)."""
    table, key, order = PARTS[name]
    order = ", ".join(f"t.{c}" for c in order.split(", "))
    return f"SELECT {taken} FROM finding_part p JOIN {table} t ON t.{key} = p.part_id WHERE {chosen} ORDER BY {order}"


@dataclass(frozen=True, slots=True)
class Story:
    """One finding with the rows it tells of."""

    finding: Row
    deliveries: list[Row]
    sessions: list[Row]
    executions: list[Row]
    follow_on: list[Row]
    rules: Sequence[Row] = ()
    """Sigma rules whose hits support the finding, with their number; see `sigma.support`."""


def rows(
    con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> list[Row]:
    """Rows of a query as dictionaries."""
    cursor = con.execute(query, list(parameters))
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, r, strict=True)) for r in cursor.fetchall()]


def stories(con: duckdb.DuckDBPyConnection, finding_id: str | None = None) -> list[Story]:
    """All findings (or one), worst first, then by host and image."""
    findings = rows(
        con,
        "SELECT * FROM finding WHERE $1 IS NULL OR finding_id = $1 ORDER BY score DESC, host, image_path, finding_id",
        [finding_id],
    )
    rules = rules_of(con, finding_id)
    parts = {name: _parts(con, name, finding_id) for name in PARTS}
    return [
        Story(
            finding=f,
            deliveries=parts["deliveries"].get(f["finding_id"], []),
            sessions=parts["sessions"].get(f["finding_id"], []),
            executions=parts["executions"].get(f["finding_id"], []),
            follow_on=parts["follow_on"].get(f["finding_id"], []),
            rules=rules.get(str(f["finding_id"]), ()),
        )
        for f in findings
    ]


def _parts(
    con: duckdb.DuckDBPyConnection, name: str, finding_id: str | None
) -> dict[object, list[Row]]:
    """Rows of one kind of part, in their order, by finding."""
    query = part_query(
        name, "$1 IS NULL OR p.finding_id = $1", f"p.finding_id AS {OF_FINDING}, t.*"
    )
    out: dict[object, list[Row]] = {}
    for row in rows(con, query, [finding_id]):
        out.setdefault(row.pop(OF_FINDING), []).append(row)
    return out


def _t(value: object) -> str:
    return str(value)[:23] + " UTC" if value is not None else "time unknown"


def _s(value: object) -> str:
    return text.terminal(str(value), limit=WIDTH)


def _sure(row: Row) -> str:
    confidence = row.get("confidence")
    return f" [{float(str(confidence)):.2f}]" if confidence is not None else ""


INDENT = 13
STEPS = ("delivered", "mounted", "volume", "executed", "followed")
"""Links of the chain as evidence names them, in their order."""
SIGMA = "Sigma"
"""Label of the line that tells which rules support the finding."""


def tell(story: Story, width: int | None = None) -> str:
    """The story as lines of text, safe for a terminal; wrapped to `width` columns if given."""
    lines = _lines(story)
    if width is not None:
        lines = [part for line in lines for part in wrapped(line, width)]
    return "\n".join(lines) + "\n"


def wrapped(line: str, width: int) -> list[str]:
    """A line of a story in as many as it needs, hanging below its text."""
    return textwrap.wrap(
        line,
        max(width, 40),
        subsequent_indent=" " * INDENT,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a story: its label, its text (safe for a terminal), the id of the row it tells of, if one."""

    label: str
    text: str
    subject_id: str | None = None


def parts(story: Story, whole: bool = True) -> list[Part]:
    """The lines of a story below its head; not `whole`: long lists are cut and say so."""
    f = story.finding
    out = [
        Part(
            "verdict",
            f"{f['verdict']}, score {f['score']}{_sure(f)}  finding {f['finding_id']}",
            str(f["finding_id"]),
        )
    ]
    out += [Part("delivered", _delivery(d), str(d["delivery_id"])) for d in story.deliveries]
    out += [
        Part("mounted", _session(s) + _then_at(s, f), str(s["session_id"])) for s in story.sessions
    ]
    runs = story.executions if whole else story.executions[:EXECUTIONS_SHOWN]
    out += [Part("executed", _execution(e) + _then_at(e, f), str(e["execution_id"])) for e in runs]
    out += _more(len(story.executions), len(runs), "executions")
    acts = [r for r in story.follow_on if r["kind"] != "child_process"] or story.follow_on
    acts = story.follow_on if whole else acts
    told = acts if whole else acts[:FOLLOW_ON_SHOWN]
    out += [
        Part("then", f"{_t(r['time_utc'])} {r['kind']}: {_s(r['value'])}", str(r["follow_on_id"]))
        for r in told
    ]
    out += _more(len(acts), len(told), "acts that followed")
    if story.rules:
        out.append(Part(SIGMA, _rules(story.rules)))
    for label, key in (
        ("because", "reasons"),
        ("benign", "benign_reason"),
        ("weakest", "weakest_link"),
        ("unseen", "cannot_exclude"),
        ("inside", "mark_reach"),
        ("ATT&CK", "attack_ids"),
    ):
        if f.get(key):
            out.append(Part(label, _s(f[key])))
    return out


def _lines(story: Story) -> list[str]:
    f = story.finding
    head = f"{str(f['severity']).upper()}  {_s(f['image_path'])}  on {_s(f['host'])}"
    return [head, *(f"  {p.label:<9}  {p.text}" for p in parts(story, whole=False))]


def _more(have: int, shown: int, what: str) -> list[Part]:
    return [Part("", f"... {have - shown} more {what}")] if have > shown else []


def _rules(rules: Sequence[Row]) -> str:
    """Which rules the rows of the finding met, the gravest first, and how many rows; those of the mount's time are counted."""
    direct = [r for r in rules if r["direct"]]
    near = [r for r in rules if not r["direct"]]
    out = [
        f"{r['level'] or 'no level'}: {text.one_line(str(r['title'] or 'no title'), TITLE)} ({r['hits']})"
        for r in direct[:RULES_SHOWN]
    ]
    if len(direct) > RULES_SHOWN:
        out.append(f"{len(direct) - RULES_SHOWN} more rules")
    if near:
        hits = sum(int(str(r["hits"])) for r in near)
        rows = "row lies" if hits == 1 else "rows lie"
        of = "rule" if len(near) == 1 else "rules"
        out.append(f"{hits} {rows} only in the time of the mount, met by {len(near)} {of}")
    return "; ".join(out)


def _delivery(d: Row) -> str:
    zone = f"zone {d['zone_id']}" if d["zone_id"] is not None else "no Mark-of-the-Web read"
    come = f" from {_s(d['host_url'])}" if d["host_url"] else ""
    via = f", referrer {_s(d['referrer_url'])}" if d["referrer_url"] else ""
    return f"{_t(d['time_utc'])} {zone}{come}{via} ({_s(d['source'])}){_sure(d)}"


def _session(s: Row) -> str:
    volume = f"as {_s(s['volume'])}" if s["volume"] else "letter unknown"
    opened = _t(s["opened_utc"]) if s["opened_utc"] is not None else "before the log begins"
    closed = _t(s["closed_utc"]) if s["closed_utc"] is not None else "no end seen"
    noise = f"; {_s(s['noise_reason'])}" if s["noise_reason"] else ""
    return f"{opened} to {closed} {volume} ({_s(s['basis'])}; end: {_s(s['close_basis'])}){noise}{_sure(s)}"


def _then_at(part: Row, finding: Row) -> str:
    """Where the image lay then, if elsewhere."""
    path = str(part["image_path"])
    same = path.lower() == str(finding["image_path"]).lower()
    return "" if same else f"; the image then at {_s(path)}"


def _execution(e: Row) -> str:
    who = f" by {_s(e['user_name'])}" if e["user_name"] else ""
    line = f" `{_s(e['command_line'])}`" if e["command_line"] else ""
    pid = f" (pid {e['pid']})" if e["pid"] is not None else ""
    why = f": {_s(e['basis'])}" if e["basis"] else ""
    return (
        f"{_t(e['time_utc'])} {e['kind']}: {_s(e['process_path'])}{line}{pid}{who}{why}{_sure(e)}"
    )


def evidence_of(
    con: duckdb.DuckDBPyConnection, story: Story
) -> tuple[list[str], list[tuple[object, ...]]]:
    """Names and rows of the evidence behind a story, in order of the chain: step, table, file and the address of the bytes in it.

    A row that a step of the story cites is not told once more as the finding's own.
    """
    subjects = [story.finding["finding_id"]]
    subjects += [d["delivery_id"] for d in story.deliveries]
    subjects += [s["session_id"] for s in story.sessions]
    subjects += [e["execution_id"] for e in story.executions]
    subjects += [r["follow_on_id"] for r in story.follow_on]
    cursor = con.execute(
        "SELECT step, role, table_name, row_address, path, subject_id, source_id FROM"
        " (SELECT DISTINCT r.*, s.path FROM evidence_ref r LEFT JOIN source s USING (source_id)"
        "  WHERE list_contains($1::VARCHAR[], r.subject_id))"
        " QUALIFY subject_id <> $2"
        " OR count(*) OVER (PARTITION BY step, role, table_name, row_address, source_id) = 1"
        f" ORDER BY coalesce(list_position({list(STEPS)}, step), 9), step, path, table_name,"
        " TRY_CAST(row_address AS BIGINT), row_address, role, subject_id, source_id",
        [subjects, story.finding["finding_id"]],
    )
    return [d[0] for d in cursor.description], cursor.fetchall()


def supported_by(
    con: duckdb.DuckDBPyConnection, story: Story, most: int = HITS_SHOWN
) -> list[tuple[object, ...]]:
    """Rows that met a Sigma rule and support a story, in the columns of `evidence_of`; the gravest rules first."""
    key = str(story.finding["finding_id"])
    return [
        (
            *("sigma", f"{h['level'] or 'no level'}: {h['title'] or 'no title'} ({h['basis']})"),
            *(h["table_name"], h["row_address"], h["path"], h["hit_id"], h["source_id"]),
        )
        for h in (hits_of(con, key, most).get(key, ()) if story.rules else ())
    ]


def trace(evidence: Sequence[tuple[object, ...]], width: int | None = None) -> str:
    """Rows of `evidence_of` as text, safe for a terminal: by step and file, each with its address and what it says."""
    lines: list[str] = []
    head: tuple[object, object] | None = None
    told: set[tuple[object, ...]] = set()
    for step, role, table, address, path, _, source_id in evidence:
        if (row := (step, role, table, address, source_id)) in told:
            continue
        told.add(row)
        if head is None or step != head[0]:
            lines.append("rules met" if step == "sigma" else _s(step))
        if head != (step, path):
            # whole, whatever the width: a path is there to be copied
            lines.append(f"  {_s(path or 'derived by correlation')}")
        head = step, path
        line = f"    {_s(table)} at {_s(address)}: {_s(role)}"
        lines += [line] if width is None else _hung(line, max(width, 40))
    return "".join(line + "\n" for line in lines)


def _hung(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, subsequent_indent=" " * 6, break_on_hyphens=False)
