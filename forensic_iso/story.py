"""A finding as a short story: delivered, mounted, executed, then what; how sure, and what could not be seen."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from forensic_iso import text

FOLLOW_ON_SHOWN = 12
EXECUTIONS_SHOWN = 12
WIDTH = 1200

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Story:
    """One finding with the rows it tells of."""

    finding: Row
    deliveries: list[Row]
    sessions: list[Row]
    executions: list[Row]
    follow_on: list[Row]


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
    by_image = "WHERE host = $1 AND lower(image_path) = lower($2)"
    out = []
    for f in findings:
        key = [f["host"], f["image_path"]]
        executions = rows(
            con, f"SELECT * FROM execution {by_image} ORDER BY time_utc, pid, execution_id", key
        )
        out.append(
            Story(
                finding=f,
                deliveries=rows(
                    con,
                    f"SELECT * FROM image_delivery {by_image} ORDER BY time_utc, delivery_id",
                    key,
                ),
                sessions=rows(
                    con,
                    f"SELECT * FROM mount_session {by_image} ORDER BY opened_utc, session_id",
                    key,
                ),
                executions=executions,
                follow_on=rows(
                    con,
                    "SELECT * FROM follow_on WHERE list_contains($1::VARCHAR[], execution_id)"
                    " ORDER BY time_utc, kind, value",
                    [[e["execution_id"] for e in executions]],
                ),
            )
        )
    return out


def _t(value: object) -> str:
    return str(value)[:23] + " UTC" if value is not None else "time unknown"


def _s(value: object) -> str:
    return text.terminal(str(value), limit=WIDTH)


def _sure(row: Row) -> str:
    confidence = row.get("confidence")
    return f" [{float(str(confidence)):.2f}]" if confidence is not None else ""


INDENT = 13


def tell(story: Story, width: int | None = None) -> str:
    """The story as lines of text, safe for a terminal; wrapped to `width` columns if given."""
    lines = _lines(story)
    if width is not None:
        hang = " " * INDENT
        lines = [
            part
            for line in lines
            for part in textwrap.wrap(
                line,
                max(width, 40),
                subsequent_indent=hang,
                break_on_hyphens=False,
                drop_whitespace=True,
            )
        ]
    return "\n".join(lines) + "\n"


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
    out += [Part("mounted", _session(s), str(s["session_id"])) for s in story.sessions]
    runs = story.executions if whole else story.executions[:EXECUTIONS_SHOWN]
    out += [Part("executed", _execution(e), str(e["execution_id"])) for e in runs]
    out += _more(len(story.executions), len(runs), "executions")
    acts = [r for r in story.follow_on if r["kind"] != "child_process"] or story.follow_on
    acts = story.follow_on if whole else acts
    told = acts if whole else acts[:FOLLOW_ON_SHOWN]
    out += [
        Part("then", f"{_t(r['time_utc'])} {r['kind']}: {_s(r['value'])}", str(r["follow_on_id"]))
        for r in told
    ]
    out += _more(len(acts), len(told), "acts that followed")
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
    """Names and rows of the evidence behind a story: step, table, file and the address of the bytes in it."""
    subjects = [story.finding["finding_id"]]
    subjects += [d["delivery_id"] for d in story.deliveries]
    subjects += [s["session_id"] for s in story.sessions]
    subjects += [e["execution_id"] for e in story.executions]
    subjects += [r["follow_on_id"] for r in story.follow_on]
    cursor = con.execute(
        "SELECT DISTINCT r.step, r.role, r.table_name, r.row_address, s.path, r.subject_id, r.source_id"
        " FROM evidence_ref r LEFT JOIN source s USING (source_id) WHERE list_contains($1::VARCHAR[], r.subject_id)"
        " ORDER BY ALL",
        [subjects],
    )
    return [d[0] for d in cursor.description], cursor.fetchall()
