"""What the fields of a template mean: System columns, data labels, and which typed column each data field fills."""

import re
from dataclasses import dataclass

import numpy as np

from parsers.evtx.binxml import WOUNDED, Field, Path
from parsers.evtx.cells import Ints, Literals
from parsers.evtx.events.spec import EventTable
from parsers.evtx.fragments import ABSENT

SYSTEM_PATHS: dict[Path, str] = {
    ("TimeCreated", "@SystemTime"): "time_utc",
    ("Channel",): "channel",
    ("Provider", "@Name"): "provider",
    ("EventID",): "event_id",
    ("EventRecordID",): "record_id",
    ("Security", "@UserID"): "user_sid",
    ("Execution", "@ProcessID"): "execution_process_id",
    ("Execution", "@ThreadID"): "execution_thread_id",
    ("Version",): "version",
    ("Level",): "level",
    ("Task",): "task",
    ("Opcode",): "opcode",
    ("Keywords",): "keywords",
    ("EventID", "@Qualifiers"): "qualifiers",
    ("Correlation", "@ActivityID"): "activity_id",
    ("Correlation", "@RelatedActivityID"): "related_activity_id",
    ("Provider", "@Guid"): "provider_guid",
    ("Computer",): "computer",
}
"""System's elements and attributes -> columns."""
_XMLNS = re.compile(r"@xmlns(?::|$)")
SYSTEM_ROWS = {name: i for i, name in enumerate(SYSTEM_PATHS.values())}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field's value lies: substitution `index` >= 0, or a constant (negative, see Values).

    `field` is the field's number in its template; `mixed` fields join several parts and have values made for them.
    """

    field: int
    index: int
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A data field: label in the event's JSON, last name for matching typed columns."""

    label: str
    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class Shape:
    """Fields of one form below one outer path."""

    system: tuple[tuple[int, Source], ...]
    data: tuple[Named, ...]
    mixed: tuple[Source, ...]


def label(path: Path) -> str | None:
    """Label of a data field; None for what is no data (System, the event's own attributes, XML names).

    Names above it that are lost are left out.
    """
    if len(path) < 2 or path[1] == "System" or path[1].startswith("@") or _XMLNS.match(path[-1]):
        return None
    if path[1] == "EventData":
        return _joined(path[2:]) or "EventData"
    if path[1] == "UserData":
        names = path[3:] or path[2:]
        if len(names) > 1 and names[-1].startswith("@"):
            return "".join(n for n in names[-2:] if WOUNDED not in n)
        return names[-1] if names else None
    return _joined(path[1:])


def _joined(names: Path) -> str:
    return "/".join(n for n in names if WOUNDED not in n)


def _distinct(labels: list[str | None], fields: tuple[Field, ...]) -> list[str | None]:
    """Labels that became equal because names above them are lost get `[1]`, `[2]`, ... as repeated elements do."""
    if not any(WOUNDED in name for path, _ in fields for name in path):
        return labels
    taken: set[str] = set()
    out: list[str | None] = []
    for text in labels:
        spelled, n = text, 0
        while spelled is not None and spelled in taken:
            n += 1
            spelled = f"{text}[{n}]"
        taken.add(spelled or "")
        out.append(spelled)
    return out


def shape(
    fields: tuple[Field, ...], outer: Path, nested: frozenset[int], literals: Literals
) -> Shape:
    """Sort the fields of a template into System and data."""
    system: list[tuple[int, Source]] = []
    data: list[Named] = []
    mixed: list[Source] = []
    labels = _distinct([label(outer + path) for path, _ in fields], fields)
    for number, (path, parts) in enumerate(fields):
        whole = outer + path
        if len(parts) == 1 and parts[0] in nested and isinstance(parts[0], int):
            continue
        only = parts[0] if len(parts) == 1 else "" if not parts else None
        if only is None:
            source = Source(number, number, True)
        else:
            source = Source(number, only if isinstance(only, int) else literals.number(only))
        used = False
        if whole[1:2] == ("System",):
            row = SYSTEM_ROWS.get(SYSTEM_PATHS.get(whole[2:], ""))
            if row is not None:
                system.append((row, source))
                used = True
        else:
            text = labels[number]
            if text is not None and (parts or len(whole) > 2):
                clash = whole[1:2] == ("UserData",) and labels.count(text) > 1
                data.append(Named(_joined(whole[3:]) if clash else text, whole[-1], source))
                used = True
        if used and source.mixed:
            mixed.append(source)
    return Shape(tuple(system), tuple(data), tuple(mixed))


@dataclass(frozen=True, slots=True)
class Plan:
    """How the data fields of a shape fill a typed table; `rest` has no column."""

    columns: tuple[tuple[int, Source], ...]
    rest: tuple[Named, ...]


def plan(of: Shape, table: EventTable) -> Plan:
    """Match data fields with a table's fields: the name first, then its aliases; the second match goes to the rest."""
    by_name: dict[str, list[Named]] = {}
    for named in of.data:
        by_name.setdefault(named.name, []).append(named)
    columns: list[tuple[int, Source]] = []
    taken: set[int] = set()
    for i, field in enumerate(table.fields):
        for spelling in (field.name, *field.aliases):
            hit = next((n for n in by_name.get(spelling, []) if n.source.field not in taken), None)
            if hit is not None:
                columns.append((i, hit.source))
                taken.add(hit.source.field)
                break
    return Plan(tuple(columns), tuple(n for n in of.data if n.source.field not in taken))


def indexes(
    sources: list[Source], base: int, count: int, member: Ints, made: dict[int, int]
) -> Ints:
    """Value indexes, sources x members. `made`: first value of each mixed field."""
    start, step = np.empty((len(sources), 1), np.int64), np.ones((len(sources), 1), np.int64)
    for i, s in enumerate(sources):
        if s.mixed:
            start[i] = made.get(s.field, ABSENT)
            step[i] = s.field in made
        elif s.index >= 0:
            start[i] = base + s.index * count
        else:
            start[i], step[i] = s.index, 0
    return start + step * member
