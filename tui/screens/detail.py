"""Everything about one row of the timeline."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.widget import Widget

from forensic_iso.browse import detail, raw
from forensic_iso.browse.addresses import address_of
from forensic_iso.browse.case import Record
from forensic_iso.browse.filters import SEVERITIES, format_ns
from forensic_iso.browse.timeline import Row, chosen
from forensic_iso.case.annotations import Kind
from tui.commands import bindings
from tui.rows import art_of
from tui.safe import Piece, clean, in_parts
from tui.screens.page import TINY_BELOW, Page, Table, column
from tui.timeline.out import about
from tui.widgets.bar import Bar
from tui.widgets.lines import Item, Lines, heading, item

if TYPE_CHECKING:
    from tui.screens.timeline import TimelinePage

TABS = (
    ("fields", "f Fields"),
    ("json", "J JSON"),
    ("xml", "X XML"),
    ("hex", "H Hex"),
    ("source", "S Source"),
    ("related", "A Related"),
)
RELATED_SHOWN = 40
JSON_LINES = 2000
VALUE_LINES = 200
"""Lines of one value that are shown."""


ASKED = {
    "fields": "the row",
    "json": "the row",
    "xml": "the record in the evidence",
    "hex": "the bytes in the evidence",
    "source": "the artifact",
    "related": "related rows",
}
"""What is waited for: evidence may lie in an archive that is slow to read."""


FIELD_COLUMNS = ("field", "value", "meaning")


class DetailPage(Page):
    """Fields with their meaning, JSON, XML, bytes, provenance, related rows."""

    TAB = "timeline"
    PLACES = ("detail",)
    BINDINGS = bindings("detail")

    def __init__(self, row: Row, timeline: "TimelinePage | None") -> None:
        super().__init__()
        self.row, self._timeline = row, timeline
        self.tab = "fields"

    def body(self) -> Sequence[Widget]:
        """Tabs and lines."""
        return [Bar(id="tabs", role="column"), Lines(id="lines")]

    def frame(self) -> None:
        """Draw the tabs of the row too."""
        super().frame()
        self._tabs()

    def _tabs(self) -> None:
        self.query_one("#tabs", Bar).show(
            [
                (f" {text} ", "column_on")
                if name == self.tab
                else (f" {text if self.size.width >= TINY_BELOW else text[:1]} ", "column")
                for name, text in TABS
            ]
        )

    def load(self) -> None:
        """Show the tab."""
        self._tabs()
        makers: dict[str, Callable[[], list[Item]]] = {
            "fields": self._fields,
            "json": self._json,
            "xml": self._xml,
            "hex": self._hex,
            "source": self._source,
            "related": self._related,
        }
        row, tab = self.row, self.tab
        where = f"row {row.rid:,}  {row.table_name} at {row.row_address}"
        hint = "  Enter on a field: all rows that hold its value" if tab == "fields" else ""
        self.say((where, "bar"), (hint, "bar"))
        lines = self.list()
        lines.focus()
        if not lines.items:
            lines.show(self._head())

        def done(items: Sequence[Item]) -> None:
            if self.tab == tab and self.row is row:
                lines.show([*self._head(), *items], 0)

        self.desk.asking.ask(ASKED[tab], makers[tab], done)

    def _head(self) -> list[Item]:
        row = self.row
        severity = min(row.severity or 0, 5)
        noted = self.desk.notes.of(row.stable_id)
        out = [
            item(
                (f" {format_ns(row.time_ns, 9)} UTC  ", "value"),
                (row.host, "link"),
                (
                    f"  {row.source or ''} {'' if row.event_id is None else row.event_id}",
                    art_of(row.source),
                ),
                (f"  {row.kind or ''}  {SEVERITIES[severity]}", f"severity_{severity}"),
            ),
            item((" ", ""), (row.summary, f"severity_{severity}"), hang=1),
        ]
        if noted:
            out.append(item((" notes  ", "label"), (noted, "mark")))
        return out

    def _fields(self) -> list[Item]:
        records = detail.fields(self.desk.case, self.row)
        if not records:
            return [item((f" the row is not in {self.row.table_name} any more", "bad"))]
        out: list[Item] = []
        wide = self.size.width >= 110
        told = address_of(self.desk.case, self.row.table_name).table_comment
        for number, record in enumerate(records, 1):
            title = f"{self.row.table_name}{f' ({number} of {len(records)})' if len(records) > 1 else ''}"
            out.append(heading(title, told))
            empty = [f.name for f in record if f.value is None]
            for f in record:
                if f.value is not None:
                    out += self._field(f, wide)
            if empty:
                out.append(item((f" not set: {', '.join(empty)}", "dim"), hang=10))
        return out

    def _field(self, f: detail.Field, wide: bool) -> list[Item]:
        name = column(f.name, 24)
        laid = detail.pretty(f.shown)
        pivot = partial(self.desk.show_holding, f.shown)
        if laid is not None:
            out = [item((f" {name} ", "label"), (f.meaning, "dim"), payload=pivot, hang=26)]
            return [*out, *lines_of(laid, "   ")]
        (head, *parts), left = in_parts(f.shown, VALUE_LINES)
        first: list[Piece] = [(f" {name} ", "label"), (head, "value")]
        if wide:
            first.append((f"   {f.meaning}", "dim"))
        out = [Item(tuple(first), pivot, hang=26)]
        out += [item((" " * 26, ""), (p, "value"), hang=26) for p in parts]
        if left:
            out.append(item((" " * 26 + left_out(left), "warn"), hang=26))
        if not wide:
            out.append(item((" " * 26, ""), (f.meaning, "dim"), hang=26))
        return out

    def _json(self) -> list[Item]:
        return lines_of(detail.as_json(detail.fields(self.desk.case, self.row)), " ")

    def _place(self) -> tuple[str, str] | None:
        if self.row.source_id is None or self.row.row_address is None:
            return None
        return self.row.source_id, self.row.row_address

    def _derived(self) -> list[Item]:
        text = " this row was derived by the correlation: S names the rows it rests on"
        return [item((text, "warn"))]

    def _xml(self) -> list[Item]:
        place = self._place()
        if place is None:
            return self._derived()
        try:
            text = raw.xml(self.desk.case, *place)
        except raw.RawError as e:
            return [item((f" {e}", "warn"), hang=1)]
        out = [
            heading(
                "Raw record",
                "read again from the evidence by python-evtx (times to 1 µs), laid out by lxml",
            )
        ]
        return out + [item((f" {line}", "value"), hang=6) for line in text.split("\n")]

    def _hex(self) -> list[Item]:
        place = self._place()
        if place is None:
            return self._derived()
        try:
            got = raw.read(self.desk.case, place[0], self.row.table_name, place[1])
        except raw.RawError as e:
            return [item((f" {e}", "warn"), hang=1)]
        told = address_of(self.desk.case, self.row.table_name).meaning
        out = [heading(f"{got.what}, {len(got.data):,} bytes at offset {got.offset:,}", told)]
        if got.remark:
            out.append(item((f" {got.remark}", "bad"), hang=1))
        return out + [item((f" {line}", "value"), wrap=False) for line in raw.hex_lines(got)]

    def _source(self) -> list[Item]:
        source = detail.provenance(self.desk.case, self.row)
        if source is None:
            return self._behind()
        return [*self._artifact(source), *self._copies(), *self._resting()]

    def _behind(self) -> list[Item]:
        out = [heading("Rests on", "rows of evidence behind this derived row")]
        for r in detail.behind(self.desk.case, self.row):
            line: list[Piece] = [
                (f" {column(r['step'], 10)}", "label"),
                (column(r["role"], 24), ""),
                (f" {r['table_name']} at {r['row_address']} of ", "dim"),
                (r["path"], "link"),
            ]
            place = [(str(r["source_id"]), str(r["row_address"]))]
            out.append(Item(tuple(line), lambda p=place: self.desk.show_places("evidence", p), 11))
        return out

    def _artifact(self, source: Record) -> list[Item]:
        address = address_of(self.desk.case, self.row.table_name)
        counted = f"{self.row.row_address} ({address.column}: {address.meaning})"
        told = {**source, "address": counted}
        return [
            heading("Artifact"),
            *(
                item((f" {column(name, 16)} ", "label"), (value, "value"), hang=18)
                for name, value in told.items()
                if value is not None
            ),
        ]

    def _copies(self) -> list[Item]:
        return [
            item(
                (" also at          ", "label"),
                (f"{c['record_offset']} of ", ""),
                (c["path"], "link"),
                hang=18,
            )
            for c in detail.copies(self.desk.case, self.row)
        ]

    def _resting(self) -> list[Item]:
        rests = detail.resting(self.desk.case, self.row)
        out = [heading("Findings that rest on it")] if rests else []
        for r in rests:
            out.append(
                item(
                    (f" {column(r['severity'], 9)}", "label"),
                    (r["image_path"], "value"),
                    (f"  {r['step']}: {r['role']}", "dim"),
                    payload=lambda i=str(r["finding_id"]): self.desk.open_finding(i),
                    hang=10,
                )
            )
        return out

    def _related(self) -> list[Item]:
        return self._groups(detail.related(self.desk.case, self.row))

    def _groups(self, groups: Sequence[detail.Related]) -> list[Item]:
        if not groups:
            return [item((" nothing else in the case shares process, file or logon", "dim"))]
        return [entry for group in groups for entry in self._group(group)]

    def _group(self, group: detail.Related) -> list[Item]:
        """A heading that leads to all its rows, and those nearest to this one."""
        many = f"{len(group.rids):,}"
        if group.cut:
            many = f"the nearest {many}"
        out = [
            item(
                (clean(group.why), "head"),
                (f"  {many} rows, Enter shows them in the timeline", "dim"),
                payload=lambda: self.desk.show_rows(group.why, group.rids),
            )
        ]
        here = min(range(len(group.rids)), key=lambda i: abs(group.rids[i] - self.row.rid))
        first = max(0, here - RELATED_SHOWN // 2)
        for r in chosen(self.desk.case, group.rids[first : first + RELATED_SHOWN]):
            line: list[Piece] = [
                (" > " if r.rid == self.row.rid else "   ", "mark"),
                (format_ns(r.time_ns, 3)[5:], "dim"),
                (f" {column(r.source, 10)} ", art_of(r.source)),
                (r.summary, f"severity_{min(r.severity or 0, 5)}"),
            ]
            jump = partial(self.desk.show_rows, "related", [r.rid])
            out.append(Item(tuple(line), jump, wrap=False))
        return out

    def action_tab(self, name: str) -> None:
        """Another tab."""
        self.tab = name
        self.load()

    def action_tag_row(self) -> None:
        """Ask for a tag."""
        self._note(Kind.TAG)

    def action_comment_row(self) -> None:
        """Ask for a comment."""
        self._note(Kind.COMMENT)

    def _note(self, kind: Kind) -> None:
        self.desk.notes.ask(kind, [(self.row.stable_id, about(self.row))], self._noted)

    def _noted(self) -> None:
        self.desk.notes_changed()
        self.load()

    def action_mark_row(self) -> None:
        """Bookmark the row, or not any more."""
        there = self.desk.notes.toggle_bookmark(self.row.stable_id, about(self.row))
        self._noted()
        self.desk.tell("marked" if there else "not marked any more")

    def action_row(self, by: int) -> None:
        """The next row of the timeline."""
        if self._timeline is None:
            return
        table = self._timeline.table()
        table.go(table.cursor + by)
        if self._timeline.row is not None:
            self.row = self._timeline.row
            self.load()

    def exporter(self) -> Callable[[], Table]:
        """Fields with their whole values; of the other tabs what they show."""
        if self.tab not in ("fields", "json"):
            return super().exporter()
        case, row = self.desk.case, self.row

        def table() -> Table:
            found = [f for record in detail.fields(case, row) for f in record]
            return Table(FIELD_COLUMNS, [[(f.name, f.shown, f.meaning) for f in found]])

        return table

    def copied(self) -> str:
        """The row as JSON."""
        if self.tab in ("fields", "json"):
            return detail.as_json(detail.fields(self.desk.case, self.row))
        return "\n".join(entry.plain for entry in self.list().items)


def left_out(characters: int) -> str:
    """What is said of a value that is shown in part."""
    return f"… {characters:,} more characters: x writes all of them to a file, y copies them"


def lines_of(text: str, indent: str) -> list[Item]:
    """A text of many lines as entries, with a remark where it is shown in part."""
    parts, left = in_parts(text, JSON_LINES)
    out = [item((f"{indent}{part}", "value"), hang=6) for part in parts]
    return [*out, item((f"{indent}{left_out(left)}", "warn"))] if left else out
