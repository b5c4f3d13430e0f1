"""Lanes of the timelines: what stands where, before anything is drawn."""

from collections.abc import Sequence

from forensic_iso.report.model import Chart, Lane, Mark
from forensic_iso.report.plain import moment
from forensic_iso.report.rows import text_of, when
from forensic_iso.story import Row, Story

MARKS = 60
"""Most marks of one lane; more could not be told apart."""


def _name(path: object) -> str:
    return text_of(path).replace("/", "\\").rpartition("\\")[2] or text_of(path)


def _marks(rows: Sequence[Row], label: str) -> tuple[Mark, ...]:
    out = []
    for r in rows:
        at = when(r["time_utc"])
        if at is not None:
            out.append(
                Mark(at, f"{r['kind']} {_name(r[label])}" if "kind" in r else _name(r[label]))
            )
    return tuple(out[:MARKS])


def _sessions(story: Story) -> tuple[Mark, ...]:
    out = []
    for s in story.sessions[:MARKS]:
        opened, closed = when(s["opened_utc"]), when(s["closed_utc"])
        begin = opened or closed
        if begin is None:
            continue
        end = closed or when(story.finding["last_utc"]) or begin
        label = f"{s['volume'] or 'letter unknown'}, end: {s['close_basis']}"
        out.append(Mark(begin, label, max(end, begin), opened is None, closed is None))
    return tuple(out)


def finding_chart(story: Story) -> Chart | None:
    """Lanes of one finding; None where there is nothing but a delivery."""
    acts = [r for r in story.follow_on if r["kind"] != "child_process"]
    lanes = [
        Lane("delivered", _marks(story.deliveries, "image_path")),
        Lane("mounted", _sessions(story)),
        Lane("executed", _marks(story.executions, "process_path")),
        Lane("followed", _marks(acts, "value")),
    ]
    if not any(lane.marks for lane in lanes[1:]):
        return None
    return _chart(f"chart-{story.finding['finding_id']}", _name(story.finding["image_path"]), lanes)


def host_chart(host: str, told: Sequence[Story], number: int) -> Chart | None:
    """One lane per mounted image of a host, with its mount sessions as bars."""
    lanes = [
        Lane(_name(s.finding["image_path"]), _sessions(s) or _marks(s.deliveries, "image_path"))
        for s in told
        if s.sessions or s.deliveries
    ][:20]
    lanes = [lane for lane in lanes if lane.marks]
    return _chart(f"chart-host-{number}", f"images of {host}", lanes) if lanes else None


def _chart(name: str, title: str, lanes: Sequence[Lane]) -> Chart:
    times = sorted(
        t for lane in lanes for m in lane.marks for t in (m.time_utc, m.until_utc or m.time_utc)
    )
    seen = ", ".join(f"{lane.name} {len(lane.marks)}" for lane in lanes)
    words = f"From {moment(times[0])} to {moment(times[-1])}; marks per lane: {seen}. The same as rows in the tables."
    return Chart(name, f"Timeline of {title}", words, tuple(lanes))
