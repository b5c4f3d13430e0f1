"""First screen: hosts, findings by severity, evidence, coverage, what could not be read."""

from collections.abc import Sequence
from functools import partial

from forensic_iso.browse import overview as queries
from forensic_iso.browse.case import Record
from tui.commands import bindings
from tui.safe import Piece
from tui.screens.page import Page, column
from tui.widgets.lines import Item, Lines, heading, item

SEVERITY_NUMBER = {"info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
FINDINGS_SHOWN = 12


def _span(first: object, last: object) -> str:
    """From when to when; nothing where no time is known."""
    return f" {str(first)[:19]} to {str(last)[:19]}" if first or last else ""


def severity_role(word: object) -> str:
    """Role of a finding's severity."""
    return f"severity_{SEVERITY_NUMBER.get(str(word), 0)}"


def finding_line(f: Record) -> list[Piece]:
    """One finding in one line."""
    return [
        (f" {str(f['severity']).upper():<8}", severity_role(f["severity"])),
        (" ", ""),
        (f["image_path"], "value"),
        ("  ", ""),
        (f["verdict"], "label"),
        (f"  score {f['score']}  on ", "dim"),
        (f["host"], "link"),
        (f"  {str(f['first_utc'])[:19]} UTC", "dim"),
    ]


class OverviewPage(Page):
    """The case at a glance; each line opens what it counts."""

    TAB = "overview"
    PLACES = ("lists", "find", "overview")
    BINDINGS = bindings("find", "overview")

    def load(self) -> None:
        """Ask the small tables."""
        o = queries.overview(self.desk.case)
        warnings = [item((f" {text}", "bad"), hang=1) for text in o.unfinished]
        items = [
            *warnings,
            *self._findings(o),
            *self._hosts(o),
            *self._evidence(o),
            *self._coverage(o),
            *self._problems(o),
        ]
        if o.truncated:
            items.append(
                item((f"cut after {queries.MOST} lines: {', '.join(o.truncated)}", "warn"))
            )
        lines = self.query_one("#lines", Lines)
        lines.show(items, len(warnings) + 1)
        lines.focus()
        self.say((f"{self.desk.case.total:,} rows in the timeline", "bar"))

    def action_part(self, title: str) -> None:
        """Go to a part of the page."""
        lines = self.list()
        found = next(
            (i for i, e in enumerate(lines.items) if e.is_heading and e.line[0][0] == title), 0
        )
        lines.go(found)
        lines.show_from(found)

    def action_unread(self) -> None:
        """Files that were not read."""
        self.desk.open_not_read()

    def _findings(self, o: queries.Overview) -> Sequence[Item]:
        counts = ", ".join(f"{n} {s}" for s, n in o.severities) or "none"
        everything = partial(self.desk.action_go, "findings")
        out = [item(("Findings", "head"), ("  ", ""), (counts, "dim"), payload=everything)]
        for f in o.findings[:FINDINGS_SHOWN]:
            opened = str(f["finding_id"])
            out.append(
                Item(tuple(finding_line(f)), lambda i=opened: self.desk.open_finding(i), hang=10)
            )
        if not o.findings:
            nothing = (
                "not correlated yet" if o.unfinished else "no image was seen delivered or mounted"
            )
            out.append(item((f" {nothing}", "dim")))
        more = len(o.findings) - FINDINGS_SHOWN
        if more > 0:
            out.append(
                item((f"... {more} more", "link"), payload=lambda: self.desk.action_go("findings"))
            )
        return out

    def _hosts(self, o: queries.Overview) -> Sequence[Item]:
        out = [heading("Hosts", f"{len(o.hosts)}")]
        for h in o.hosts:
            out.append(
                item(
                    (" ", ""),
                    (column(h["host"], 15), "link"),
                    (" ", ""),
                    (
                        f"{h['files']} artifacts, {h['rows'] or 0:,} rows, {h['findings']} findings  ",
                        "",
                    ),
                    (h["basis"], "dim"),
                    payload=lambda v=str(h["host"]): self.desk.filter_by("host", v),
                    hang=17,
                )
            )
            out += [self._former(a) for a in o.aliases if a["host"] == h["host"]]
        return out

    def _former(self, a: Record) -> Item:
        """A name that the host bore before, leading to the row that shows the change."""
        place = [(str(a["source_id"]), str(a["row_address"]))]
        return item(
            (" " * 17, ""),
            ("before: ", "label"),
            (a["alias"], "value"),
            (f" until {str(a['last_utc'])[:19]}  ", ""),
            (a["basis"], "dim"),
            payload=partial(self.desk.show_places, "former name", place),
            hang=19,
        )

    def _evidence(self, o: queries.Overview) -> Sequence[Item]:
        out = [
            item(
                ("Evidence", "head"),
                ("  ", ""),
                (f"{o.skipped} files not read", "dim"),
                payload=self.desk.open_not_read,
            )
        ]
        for s in o.sources:
            note = f", {s['problems']:,} problems" if s["problems"] else ""
            rows = f", {s['rows']:,} rows" if s["rows"] is not None else ""
            out.append(
                item(
                    (" ", ""),
                    (column(s["state"], 9), "good" if s["state"] == "done" else "warn"),
                    (column(s["kind"] or "not recognised", 19), "value"),
                    (f"{s['files']:,} files{rows}{note}", ""),
                    payload=partial(self.desk.open_artifacts, s["kind"], s["state"]),
                )
            )
        return out

    def _coverage(self, o: queries.Overview) -> Sequence[Item]:
        out = [heading("Coverage", "what the logs cover, UTC")]
        for c in o.coverage:
            doubts = [
                f"{c['gaps']:,} records missing" if c["gaps"] else "",
                f"cleared {c['cleared']} times" if c["cleared"] else "",
                str(c["remark"] or ""),
            ]
            out.append(
                item(
                    (" ", ""),
                    (column(c["host"], 12), "link"),
                    (" ", ""),
                    (column(c["channel"], 30), "value"),
                    (_span(c["first_utc"], c["last_utc"]), ""),
                    (f"  {c['records']:,} records  " if c["records"] else "  ", "dim"),
                    ("; ".join(d for d in doubts if d), "warn"),
                    payload=partial(self.desk.filter_by, "host", str(c["host"])),
                    hang=14,
                )
            )
        return out

    def _problems(self, o: queries.Overview) -> Sequence[Item]:
        number = sum(int(str(p["number"])) for p in o.problems)
        told = f"{number:,}" if number else "none"
        payload = self.desk.open_problems if number else None
        out = [item(("Problems", "head"), ("  ", ""), (told, "dim"), payload=payload)]
        for p in o.problems:
            role = {"error": "bad", "warning": "warn"}.get(str(p["severity"]), "dim")
            out.append(
                item(
                    (" ", ""),
                    (column(p["severity"], 8), role),
                    (f"{p['number']:>6,} ", ""),
                    (column(p["code"], 24), "value"),
                    (" expected ", "dim"),
                    (p["expected"], ""),
                    (", found ", "dim"),
                    (p["found"], ""),
                    payload=self.desk.open_problems,
                    hang=17,
                )
            )
        return out
