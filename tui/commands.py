"""The one table of commands: bindings, key hints, help and palette are made from it."""

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `action` is the method `action_<action>` of what has the binding, with its arguments.

    `place` says where it works, `hint` is the word in the key line (empty: not shown there).
    """

    name: str
    keys: str
    help: str
    place: str
    action: str
    hint: str = ""


def _c(name: str, keys: str, text: str, place: str, hint: str = "", action: str = "") -> Command:
    return Command(name, keys, text, place, action or name, hint)


PLACES = {
    "everywhere": "Everywhere",
    "lists": "Lists and tables: moving",
    "sections": "Lists: sections",
    "find": "Lists and results: searching",
    "overview": "Overview",
    "timeline": "Timeline",
    "filters": "Filters",
    "boxes": "Boxes over a screen",
    "stack": "List of filters",
    "columns": "Choice of columns",
    "finding_list": "List of findings",
    "findings": "Findings",
    "detail": "Detail of a row",
    "processes": "Processes",
    "images": "Images",
    "notes": "Notes",
    "sql": "SQL: the result",
    "editor": "SQL: writing a query",
}

COMMANDS: tuple[Command, ...] = (
    _c("overview", "1", "overview of the case", "everywhere", "", "go('overview')"),
    _c("findings", "2", "findings", "everywhere", "", "go('findings')"),
    _c("timeline", "3", "timeline over all tables", "everywhere", "", "go('timeline')"),
    _c("processes", "4", "process tree", "everywhere", "", "go('processes')"),
    _c("sessions", "5", "mount sessions as bars over time", "everywhere", "", "go('sessions')"),
    _c("images", "6", "contents of disk images", "everywhere", "", "go('images')"),
    _c("notes", "7", "notes: tags, bookmarks, comments", "everywhere", "", "go('notes')"),
    _c("sql", "8", "SQL console", "everywhere", "", "go('sql')"),
    _c("help", "question_mark,f1", "help: all keys", "everywhere", "help"),
    _c("palette", "ctrl+p", "command palette", "everywhere"),
    _c("theme", "ctrl+t", "next theme: dark, light, no colour", "everywhere"),
    _c("export", "x", "export the current view to a file", "everywhere"),
    _c(
        "copy", "y", "copy the line or selection to the terminal's clipboard (OSC 52)", "everywhere"
    ),
    _c(
        "back",
        "escape",
        "one step back; while a search or filter runs: stop it",
        "everywhere",
        "",
        "step_back",
    ),
    _c("quit", "q", "close this screen; on a main screen: quit", "everywhere", "quit", "leave"),
    _c("up", "up,k", "one line up", "lists", "", "move(-1)"),
    _c("down", "down,j", "one line down", "lists", "", "move(1)"),
    _c("half_up", "ctrl+u", "half a page up", "lists", "", "half(-1)"),
    _c("half_down", "ctrl+d", "half a page down", "lists", "", "half(1)"),
    _c("page_up", "pageup,b,ctrl+b", "one page up", "lists", "", "page(-1)"),
    _c("page_down", "pagedown,space,ctrl+f", "one page down", "lists", "", "page(1)"),
    _c("home", "home,g", "first line", "lists", "", "edge(0)"),
    _c("end", "end,G", "last line", "lists", "", "edge(1)"),
    _c("left", "left,h", "column to the left; text to the left", "lists", "", "side(-1)"),
    _c("right", "right,l", "column to the right; text to the right", "lists", "", "side(1)"),
    _c("open", "enter", "open: detail, or the rows of this line", "lists", "open"),
    _c("next_section", "tab", "next section of a list", "sections", "", "section(1)"),
    _c("previous_section", "shift+tab", "previous section", "sections", "", "section(-1)"),
    _c("find", "slash", "search in this list or result", "find", "search"),
    _c("find_next", "n", "next line with it", "find", "", "find_hit(1)"),
    _c("find_previous", "N", "previous line with it", "find", "", "find_hit(-1)"),
    _c("part_hosts", "H", "the hosts", "overview", "hosts", "part('Hosts')"),
    _c("part_evidence", "E", "the evidence", "overview", "evidence", "part('Evidence')"),
    _c("part_coverage", "C", "what the logs cover", "overview", "coverage", "part('Coverage')"),
    _c("part_problems", "P", "problems", "overview", "problems", "part('Problems')"),
    _c("unread", "U", "files that were not read, and why", "overview", "not read"),
    _c(
        "goto",
        "colon",
        "go to a time (2024-05-14 08:16), a step (+5m) or a row (#120)",
        "timeline",
        "time",
    ),
    _c("repeat_step", "r", "repeat the last step of time", "timeline", "", "repeat_step(1)"),
    _c(
        "repeat_step_back",
        "R",
        "repeat the last step of time, backwards",
        "timeline",
        "",
        "repeat_step(-1)",
    ),
    _c("next_day", "d", "one day on", "timeline", "", "jump(86400)"),
    _c("previous_day", "D", "one day back", "timeline", "", "jump(-86400)"),
    _c("next_hour", "o", "one hour on", "timeline", "", "jump(3600)"),
    _c("previous_hour", "O", "one hour back", "timeline", "", "jump(-3600)"),
    _c("search", "slash", "search text or /regex/", "timeline", "search"),
    _c("next_hit", "n", "next hit", "timeline", "", "hit(1)"),
    _c("previous_hit", "N", "previous hit", "timeline", "", "hit(-1)"),
    _c("next_error", "e", "next row of severity high or critical", "timeline", "", "severe(4, 1)"),
    _c(
        "previous_error",
        "E",
        "previous row of severity high or critical",
        "timeline",
        "",
        "severe(4, -1)",
    ),
    _c("next_warning", "w", "next row of severity low or more", "timeline", "", "severe(2, 1)"),
    _c(
        "previous_warning",
        "W",
        "previous row of severity low or more",
        "timeline",
        "",
        "severe(2, -1)",
    ),
    _c("next_finding", "right_curly_bracket", "next finding", "timeline", "", "finding(1)"),
    _c("previous_finding", "left_curly_bracket", "previous finding", "timeline", "", "finding(-1)"),
    _c("ascending", "left_square_bracket", "sort: earliest first", "timeline", "", "sort(0)"),
    _c("descending", "right_square_bracket", "sort: latest first", "timeline", "", "sort(1)"),
    _c("columns", "c", "choose the columns", "timeline"),
    _c("histogram", "i", "show or hide the histogram", "timeline", "histogram"),
    _c(
        "bar_left", "less_than_sign", "histogram: previous bar with rows", "timeline", "", "bar(-1)"
    ),
    _c("bar_right", "greater_than_sign", "histogram: next bar with rows", "timeline", "", "bar(1)"),
    _c("zoom_in", "z", "histogram: zoom in around the row", "timeline", "", "zoom(1)"),
    _c("zoom_out", "Z", "histogram: zoom out", "timeline", "", "zoom(-1)"),
    _c("facets", "F", "values of the column with their counts", "timeline", "facets"),
    _c("elapsed", "T", "show the time since the marked or cursor row", "timeline"),
    _c(
        "mark",
        "m",
        "mark or unmark the row or the selection (kept as bookmarks)",
        "timeline",
        "mark",
    ),
    _c("next_mark", "u", "next marked row", "timeline", "", "marked(1)"),
    _c("previous_mark", "U", "previous marked row", "timeline", "", "marked(-1)"),
    _c("select", "v", "begin or end a selection of rows", "timeline"),
    _c("copy_cell", "Y", "copy the cell under the cursor", "timeline"),
    _c("tag", "t", "tag the row or the selection", "timeline"),
    _c("comment", "quotation_mark", "comment the row or the selection", "timeline"),
    _c("process_of_row", "p", "process tree around the row", "timeline"),
    _c("filter", "f", "add filters", "filters", "filter"),
    _c("include", "plus", "only rows with the value under the cursor", "filters", "", "value(1)"),
    _c("exclude", "minus", "no rows with the value under the cursor", "filters", "", "value(0)"),
    _c("window", "full_stop", "only rows within 5 minutes of this one", "filters"),
    _c("range_of_bars", "equals_sign", "only the range of time of the histogram", "filters"),
    _c("filter_hits", "ampersand", "only the hits of the search", "filters"),
    _c("filter_process", "P", "only the process of the row and its descendants", "filters"),
    _c("filter_marks", "asterisk", "only marked rows", "filters"),
    _c("stack", "s", "the filters: on, off, away; save and load by name", "filters", "filters"),
    _c("clear", "backslash", "all filters off or on again; the row stays", "filters"),
    _c("close_box", "escape,q", "close the box", "boxes", "back", "cancel"),
    _c("stack_drop", "delete,d", "take the filter away", "stack", "away", "drop"),
    _c("stack_edit", "e", "change the filter", "stack", "change", "edit"),
    _c("stack_save", "w", "save these filters by name", "stack", "save", "save"),
    _c("stack_load", "L", "load saved filters in place of these", "stack", "load", "load"),
    _c("stack_add", "f", "add filters", "stack", "add", "add"),
    _c("column_later", "J", "the column further right", "columns", "later", "shift(1)"),
    _c("column_earlier", "K", "the column further left", "columns", "earlier", "shift(-1)"),
    _c("columns_usual", "r", "the columns that fit the width", "columns", "as usual", "usual"),
    _c("findings_order", "s", "order: worst, earliest, by host", "finding_list", "order", "order"),
    _c(
        "rows_of_line",
        "f",
        "filter the timeline by the rows of this line or finding",
        "findings",
        "only its rows",
    ),
    _c("tag_finding", "t", "tag the finding", "findings", "tag"),
    _c("comment_finding", "quotation_mark", "comment the finding", "findings", "comment"),
    _c("copy_finding", "Y", "copy the whole finding", "findings"),
    _c("mark_finding", "m", "bookmark the finding", "findings", "mark"),
    _c("tab_fields", "f", "fields with their meaning", "detail", "fields", "tab('fields')"),
    _c("tab_json", "J", "fields as JSON", "detail", "JSON", "tab('json')"),
    _c(
        "tab_xml",
        "X",
        "the raw record as XML, read again from the evidence",
        "detail",
        "XML",
        "tab('xml')",
    ),
    _c("tab_hex", "H", "the bytes, read again from the evidence", "detail", "hex", "tab('hex')"),
    _c("tab_source", "S", "where the bytes lie", "detail", "source", "tab('source')"),
    _c(
        "tab_related",
        "A",
        "related rows: same process, file, logon",
        "detail",
        "related",
        "tab('related')",
    ),
    _c("find_in_row", "slash", "search in this row; again: the next hit", "detail", "", "find"),
    _c("next_row", "n", "detail of the next row", "detail", "", "row(1)"),
    _c("previous_row", "N", "detail of the previous row", "detail", "", "row(-1)"),
    _c("tag_row", "t", "tag this row", "detail", "tag"),
    _c("comment_row", "quotation_mark", "comment this row", "detail"),
    _c("mark_row", "m", "mark or unmark this row", "detail"),
    _c(
        "only_process",
        "f",
        "filter the timeline by this process and its descendants",
        "processes",
        "only its rows",
    ),
    _c("tree_run", "e", "next process run from an image", "processes", "next run"),
    _c("delete_note", "delete", "delete this note (own notes only)", "notes", "delete"),
    _c("ask", "semicolon", "write a query, on several lines", "sql", "query"),
    _c("sql_history", "H", "queries asked before", "sql", "history"),
    _c("sql_tables", "T", "tables and their columns", "sql", "tables"),
    _c("result_up", "left_square_bracket", "sort the result by the column", "sql", "", "order(0)"),
    _c("result_down", "right_square_bracket", "sort it the other way", "sql", "", "order(1)"),
    _c("result_facets", "F", "values of the column; only or without one", "sql", "facets"),
    _c("result_whole", "backslash", "the whole result again", "sql", "", "whole"),
    _c("sql_save", "s", "save the query by name", "sql", "save"),
    _c("sql_load", "L", "load a saved query", "sql", "load"),
    _c("sql_select", "v", "begin or end a selection of rows", "sql"),
    _c("copy_value", "Y", "copy the cell under the cursor", "sql"),
    _c("run_query", "ctrl+j,ctrl+r,f5", "run it; so does Enter behind a ;", "editor", "run", "run"),
    _c("complete", "tab", "complete the name of a table or column", "editor", "name"),
    _c(
        "earlier_query",
        "ctrl+up",
        "the query before; ↑ in the first line does so too",
        "editor",
        "",
        "history(-1)",
    ),
    _c(
        "later_query",
        "ctrl+down",
        "the query after; ↓ in the last line does so too",
        "editor",
        "",
        "history(1)",
    ),
    _c("leave_editor", "escape", "back to the result; the text stays", "editor", "result"),
)


def bindings(*places: str) -> list[BindingType]:
    """Bindings of the commands of some places, for a class's BINDINGS."""
    return [
        Binding(c.keys, c.action, c.help, show=False, id=c.name)
        for c in COMMANDS
        if c.place in places
    ]
