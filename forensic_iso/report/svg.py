"""Geometry of the timelines: numbers only; the template draws them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from forensic_iso.report.model import Chart, Mark

WIDTH, RIGHT, LANE, TOP = 960, 20, 30, 36
NARROW, WIDE, LABEL = 170, 300, 11
"""Room for the labels of the lanes: for short ones (at most `LABEL` characters), and for others."""
POINT = 6.0
TICKS = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """A mark: a point where `width` is 0, else a bar; open sides are drawn as such."""

    x: float
    y: float
    width: float
    title: str
    time_utc: str
    open_start: bool
    open_end: bool


@dataclass(frozen=True, slots=True)
class LaneShape:
    """One line with its label."""

    y: float
    label: str
    number: int
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the time axis; `anchor` keeps its text inside the drawing."""

    x: float
    iso: str
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart with all its numbers."""

    width: int
    left: int
    height: int
    lanes: tuple[LaneShape, ...]
    ticks: tuple[Tick, ...]


def draw(chart: Chart) -> Drawing:
    """Lay a chart out. Times that no clock can hold are left out (the tables have them)."""
    times = [t for lane in chart.lanes for m in lane.marks for t in _ends(m)]
    low, high = (min(times), max(times)) if times else (datetime(1970, 1, 1), datetime(1970, 1, 1))  # noqa: DTZ001
    if high - low < timedelta(seconds=1):
        high = low + timedelta(seconds=1)
    span = (high - low).total_seconds()

    left_edge = NARROW if all(len(lane.name) <= LABEL for lane in chart.lanes) else WIDE

    def place(moment: datetime) -> float:
        return round(
            left_edge + (WIDTH - left_edge - RIGHT) * (moment - low).total_seconds() / span, 1
        )

    lanes = []
    for number, lane in enumerate(chart.lanes):
        y = TOP + LANE * number + LANE / 2
        shapes = []
        for mark in lane.marks:
            ends = _ends(mark)
            if ends:
                left, right = place(ends[0]), place(ends[-1])
                width = round(max(right - left, POINT), 1) if mark.until_utc else 0.0
                shapes.append(
                    Shape(left, y, width, mark.label, mark.time_utc, mark.open_start, mark.open_end)
                )
        lanes.append(LaneShape(y, lane.name, number, tuple(shapes)))
    ticks = []
    for k in range(TICKS):
        moment = low + timedelta(seconds=span * k / (TICKS - 1))
        anchor = "start" if k == 0 else "end" if k == TICKS - 1 else "middle"
        form = "%H:%M:%S" if span < 86_400 and k else "%Y-%m-%d %H:%M"
        ticks.append(Tick(place(moment), moment.isoformat(), moment.strftime(form), anchor))
    return Drawing(WIDTH, left_edge, TOP + LANE * len(chart.lanes) + 24, tuple(lanes), tuple(ticks))


def _ends(mark: Mark) -> list[datetime]:
    out = []
    for iso in (mark.time_utc, mark.until_utc):
        if iso:
            try:
                out.append(datetime.fromisoformat(iso).replace(tzinfo=None))
            except ValueError:
                return []
    return out
