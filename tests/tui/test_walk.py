"""Each screen answers its question, and its keys do what the table of commands says."""

from collections.abc import Callable
from pathlib import Path

from forensic_iso.browse import overview, timeline
from forensic_iso.browse.timeline import Row
from forensic_iso.case.annotations import Annotations, Kind
from tests.tui.driving import Driver, running
from tui.commands import COMMANDS

Go = Callable[[object], None]
IMAGE = "Shipping Documents 40771.iso"


def current(d: Driver) -> Row:
    row = d.row()
    assert isinstance(row, Row)
    return row


def whole(d: Driver) -> str:
    return "\n".join(e.plain for e in d.app.screen.query_one("#lines").items)


def test_overview_names_findings_hosts_coverage_and_what_was_not_read(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24)) as d:
            assert IMAGE in d.text
            assert "FIN-WS07" in d.text
            assert "1 critical" in d.text
            assert "files not read" in whole(d)

            await d.press("end")

            assert "Problems" in d.text

    go(walk())


def test_a_line_of_a_finding_goes_to_its_rows_in_the_timeline(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case) as d:
            await d.press("2", "enter")
            assert "weakest" in d.text or "Story" in d.text
            lines = d.app.screen.query_one("#lines")
            lines.go(next(i for i, e in enumerate(lines.items) if "203.0.113.77" in e.plain))

            await d.press("enter")

            assert d.app.screen is d.app.timeline
            assert "203.0.113.77" in (current(d).summary or "")
            assert "1 row; & only it" in d.state

    go(walk())


def test_finding_shows_session_bar_tree_evidence_and_weakest_link(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (150, 45)) as d:
            await d.press("2", "enter")

            told = "\n".join(e.plain for e in d.app.screen.query_one("#lines").items)

            for part in ("delivered", "mounted", "executed", "then", "because", "weakest"):
                assert f" {part} " in told
            assert "▒" in told and "▲" in told
            assert "└─rundll32.exe (9128)" in told
            assert "disk surfaced (1)" in told

    go(walk())


def test_rows_of_a_line_become_a_filter(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case) as d:
            await d.press("2", "enter", "f")
            await d.settle()

            assert d.app.screen is d.app.timeline
            worst = overview.findings(d.app.case)[0]["finding_id"]
            assert d.app.timeline.view.count == len(timeline.of_finding(d.app.case, str(worst)))

    go(walk())


def test_typed_filters_stack_count_and_switch_off(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            page = d.app.timeline
            await d.press("f")
            await d.type("source=VHDMP")
            assert page.view.count == 18
            await d.press("f")
            await d.type('iso -kind=nothing "opened"')
            assert 0 < page.view.count < 18
            assert "1:source=VHDMP" in d.text.replace(" 1: ", "1:")

            await d.press("backslash")
            assert page.view.count == page.view.total
            await d.press("backslash", "s", "enter", "escape")

            assert [e.filter.on for e in page.view.entries] == [False, True, True, True]
            assert page.view.count == len(
                page.view.entries[1].rows & page.view.entries[2].rows & page.view.entries[3].rows
            )

    go(walk())


def test_wrong_filter_says_what_was_expected_and_stays(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("f")
            await d.type("colour=red")

            assert "expected one of host, source" in d.text
            await d.press("escape")
            assert not d.app.timeline.view.entries

    go(walk())


def test_value_under_the_cursor_is_included_and_excluded(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            page = d.app.timeline
            await d.press("G", "l", "l", "plus")
            kept = page.view.count
            source = current(d).source
            assert 0 < kept < page.view.total

            await d.press("backslash", "minus")

            assert page.view.count == page.view.total - kept
            assert source is not None and f"-source={source}" in d.text

    go(walk())


def test_filter_keeps_the_row_and_taking_it_off_returns_to_it(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("colon")
            await d.type("2024-05-14 08:16:25")
            row = current(d)
            await d.press("f")
            await d.type("rundll32")
            assert current(d).rid == row.rid

            await d.press("backslash")

            assert current(d).rid == row.rid

    go(walk())


def test_search_goes_to_the_first_hit_and_n_walks(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("slash")
            await d.type("layout.dll")
            first = current(d)
            assert "layout.dll" in (first.summary or "")
            assert "8 hits" in d.state

            await d.press("n")
            second = current(d)
            await d.press("N")

            assert second.rid > first.rid
            assert current(d).rid == first.rid
            assert ">" in d.text

    go(walk())


def test_hits_become_a_filter_and_regex_is_searched(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("slash")
            await d.type("/rundll32.*Render/")
            await d.press("ampersand")

            assert d.app.timeline.view.count == 8

    go(walk())


def test_absent_text_says_so(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("slash")
            await d.type("no such text anywhere")

            assert "no hit in any summary" in d.state

    go(walk())


def test_times_steps_rows_days_and_hours_are_gone_to(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("colon")
            await d.type("2024-05-14 08:16")
            at = current(d)
            assert at.time_ns >= 1715674560 * 10**9
            await d.press("colon")
            await d.type("+5m")
            assert current(d).time_ns >= at.time_ns + 300 * 10**9
            there = current(d)
            await d.press("R")
            assert current(d).rid < there.rid
            await d.press("colon")
            await d.type("#7")
            assert current(d).rid == 7
            await d.press("d")
            there = current(d)
            assert there.rid > 7
            await d.press("D")
            assert current(d).rid < there.rid
            await d.press("o")
            assert current(d).rid >= there.rid
            await d.press("O")
            assert current(d).rid < there.rid

    go(walk())


def test_sorting_latest_first_keeps_the_row_and_reverses_the_page(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("colon")
            await d.type("2024-05-14 09:00")
            row = current(d)

            await d.press("right_square_bracket")
            same = current(d)
            await d.press("j")

            assert same.rid == row.rid
            assert current(d).rid == row.rid - 1
            await d.press("home")
            assert current(d).rid == d.app.case.total - 1
            await d.press("left_square_bracket", "home")
            assert current(d).rid == 0

    go(walk())


def test_errors_findings_and_marks_are_walked(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("e")
            assert (current(d).severity or 0) >= 4
            await d.press("right_curly_bracket")
            assert current(d).table_name == "finding"
            await d.press("m")
            await d.press("home", "u")
            assert current(d).table_name == "finding"
            await d.press("w")
            assert (current(d).severity or 0) >= 2

            assert [n.kind for n in Annotations(case).all()] == [Kind.BOOKMARK]

    go(walk())


def test_histogram_counts_the_view_and_zooms(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            page = d.app.timeline
            await d.press("e", "i")
            shown = page._histogram()
            whole = sum(shown.counts)
            assert whole >= page.view.total - 2

            await d.press("z", "z")
            near = sum(shown.counts)
            assert 0 < near < whole
            await d.press("equals_sign")
            assert page.view.count == near
            await d.press("Z", "Z")

            assert sum(shown.counts) == near
            await d.press("home", "greater_than_sign")
            assert current(d).rid > 0

    go(walk())


def test_facet_narrows_to_a_value(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("F")
            await d.until("source: 10 values in ")
            await d.type("VHDMP")

            assert d.app.timeline.view.count == 18

    go(walk())


def test_columns_are_chosen(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (150, 30), start="timeline") as d:
            assert "kind" in d.text.splitlines()[2]
            await d.press("c", *("j" for _ in range(4)), "enter", "escape")

            assert "kind" not in d.text.splitlines()[2]

    go(walk())


def test_elapsed_time_counts_from_the_row(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("e", "T")

            assert "+00:00:00.000" in d.text

    go(walk())


def test_detail_shows_fields_with_meaning_xml_bytes_source_and_related(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (150, 60), start="timeline") as d:
            await d.press("f")
            await d.type("source=Sysmon event=1 layout.dll")
            await d.press("enter")
            assert "parent_command_line" in d.text
            assert "Command line" in d.text or "command line" in d.text
            await d.press("X")
            assert 'Name="CommandLine"' in d.text and "rundll32.exe" in d.text
            await d.press("H")
            assert "2a 2a 00 00" in d.text
            await d.press("S")
            assert "sha256" in d.text and "Sysmon%4Operational.evtx" in d.text
            assert "Findings that rest on it" in d.text
            await d.press("A")
            assert "the same process and its descendants" in d.text
            await d.press("J")
            assert '"process_guid"' in d.text
            first = d.app.screen.row
            await d.press("n")
            assert d.app.screen.row.rid != first.rid

    go(walk())


def test_process_tree_searches_and_filters_the_timeline(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="processes") as d:
            await d.press("slash")
            await d.type("viewer\\layout.dll,Render")
            await d.press("f")
            await d.settle()

            assert d.app.screen is d.app.timeline
            assert 5 < d.app.timeline.view.count < 60

    go(walk())


def test_process_of_a_row_opens_its_tree(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("f")
            await d.type("source=Sysmon kind=dns trackfreight")
            await d.press("p")

            assert "rundll32.exe (9128)" in d.app.screen.query_one("#lines").current.plain

    go(walk())


def test_sessions_are_bars_and_lead_to_their_rows(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="sessions") as d:
            assert "▒" in d.text and "▲" in d.text
            await d.press("enter")

            assert d.app.screen is d.app.timeline
            assert current(d).source in ("VHDMP", "Finding", "Partition/Diagnostic", "$MFT")

    go(walk())


def test_image_contents_have_hashes_and_runs(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (150, 40), start="images") as d:
            assert "layout.dll" in d.text
            assert "sha256" in d.text
            assert "run:" in d.text

    go(walk())


def test_notes_are_kept_by_stable_id_and_shown(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("e", "t")
            await d.type("lateral")
            await d.press("quotation_mark")
            await d.type("look at this again")
            await d.press("7")
            assert "lateral" in d.text and "look at this again" in d.text
            await d.press("enter")
            assert d.app.screen is d.app.timeline
            assert "lateral" in d.app.timeline.source.notes[current(d).rid]
            await d.press("7", "delete")

            assert [n.kind for n in Annotations(case).all()] == [Kind.COMMENT]

    go(walk())


def test_finding_is_tagged(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case) as d:
            await d.press("2", "enter", "t")
            await d.type("reported")

            assert "#reported" in d.text
            await d.press("q", "2")
            assert "reported" in d.text

    go(walk())


def test_notes_of_another_person_are_not_deleted(case: Path, go: Go) -> None:
    Annotations(case, "bert").add("finding/x", Kind.TAG, "mine", "about")

    async def walk() -> None:
        async with running(case, start="notes") as d:
            await d.press("delete")

            assert "only bert takes this note away" in d.state

    go(walk())
    assert len(Annotations(case).all()) == 1


def test_sql_result_browses_says_cut_and_leads_to_the_timeline(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="sql") as d:
            await d.ask_sql("SELECT * FROM range(20000)")
            assert "CUT after 10,000 rows" in d.state
            await d.ask_sql("SELECT rid, summary FROM timeline WHERE source = 'VHDMP'")
            assert "1 of 18 rows" in d.state
            await d.press("j", "enter")

            assert d.app.screen is d.app.timeline
            assert current(d).source == "VHDMP"

    go(walk())


def test_sql_cannot_write_or_read_other_files(case: Path, go: Go, tmp_path: Path) -> None:
    async def walk() -> None:
        async with running(case, start="sql") as d:
            for query in (
                f"COPY finding TO '{tmp_path}/out.csv'",
                "SELECT * FROM read_text('/etc/hostname')",
                "DELETE FROM finding",
                "SET enable_external_access = true",
            ):
                await d.ask_sql(query)
                assert "the query failed" in d.state, query

    go(walk())
    assert not (tmp_path / "out.csv").exists()


def test_sql_tables_are_documented_and_queries_saved(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (120, 40), start="sql") as d:
            await d.press("T")
            await d.type("mount_session")
            assert "close_basis" in d.text
            await d.press("escape", "s")
            await d.type("worst")
            await d.press("L")
            assert "worst" in d.text
            await d.press("enter")

            assert "finding" in d.app.screen.query_text

    go(walk())


def test_filters_are_saved_and_loaded_by_name(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("f")
            await d.type("source=VHDMP -closed")
            kept = d.app.timeline.view.count
            await d.press("s", "w")
            await d.type("mounts")
            await d.press("d", "d", "escape")
            assert d.app.timeline.view.count == d.app.timeline.view.total

            await d.press("s", "L", "enter", "escape")

            assert d.app.timeline.view.count == kept

    go(walk())


def test_export_writes_the_view_and_never_over_a_file(case: Path, go: Go, tmp_path: Path) -> None:
    out = tmp_path / "view.jsonl"

    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("f")
            await d.type("source=VHDMP")
            await d.press("x")
            await d.type(str(out))
            assert "18 rows" in d.state
            await d.press("x")
            await d.type(str(out))
            assert "File exists" in d.state

    go(walk())
    assert len(out.read_text().splitlines()) == 18


def test_copy_goes_to_the_clipboard_as_it_is_in_the_evidence(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("e", "v", "j", "y")
            assert len(d.app.clipboard.splitlines()) == 2
            await d.press("escape", "Y")
            assert d.app.clipboard
            await d.press("2", "enter", "y")
            assert IMAGE in d.app.clipboard

    go(walk())


def test_help_lists_every_command_with_its_keys(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case) as d:
            await d.press("question_mark")
            told = "\n".join(e.plain for e in d.app.screen.query_one("#lines").items)

            assert all(c.help in told and c.name in told for c in COMMANDS)

    go(walk())


def test_palette_runs_a_command(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("ctrl+p")
            await d.type("latest first")

            assert d.app.timeline.view.descending

    go(walk())


def test_keys_are_remapped_by_the_users_file(case: Path, go: Go, tmp_path: Path) -> None:
    mine = tmp_path / "keys.toml"
    mine.write_text('[keys]\nnext_error = "x"\nexport = "ctrl+e"\n')

    async def walk() -> None:
        async with running(case, start="timeline", keys=mine) as d:
            await d.press("x")

            assert (current(d).severity or 0) >= 4

    go(walk())


def test_a_broken_key_file_is_told_and_ignored(case: Path, go: Go, tmp_path: Path) -> None:
    mine = tmp_path / "keys.toml"
    mine.write_text("[keys\n")

    async def walk() -> None:
        async with running(case, keys=mine) as d:
            assert "not used" in d.state

    go(walk())


def test_themes_change_colours_not_text(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            before = d.text.splitlines()[3:10]
            await d.press("ctrl+t")
            assert d.app.palette_name == "light"
            assert d.text.splitlines()[3:10] == before
            await d.press("ctrl+t")
            assert d.app.palette_name == "no-colour"

    go(walk())


def test_without_colour_none_is_drawn(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), theme="no-colour") as d:
            for keys in (
                ("1",),
                ("3", "i", "slash"),
                ("escape", "F"),
                ("escape", "8", "semicolon"),
            ):
                await d.press(*keys)
                for line in d.app.screen._compositor.render_strips():
                    for segment in line:
                        style = segment.style
                        colours = (style.color, style.bgcolor) if style else ()
                        assert all(c is None or c.is_default for c in colours), keys

    go(walk())


def test_q_goes_back_and_then_ends_with_0(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case) as d:
            await d.press("2", "enter", "q")
            assert d.app.screen is d.app.main("findings")
            await d.press("q")

            assert d.app.return_value == 0

    go(walk())


def test_the_mouse_selects_and_opens_a_row(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.pilot.click("#rows", offset=(30, 5))
            await d.settle()
            assert d.app.timeline.table().cursor == 4
            await d.pilot.click("#rows", offset=(30, 5))
            await d.settle()

            assert d.app.screen is not d.app.timeline

    go(walk())


def test_damaged_notes_are_told_and_the_case_still_opens(case: Path, go: Go) -> None:
    (case / "annotations.sqlite").write_bytes(b"no database" * 500)

    async def walk() -> None:
        async with running(case, start="timeline") as d:
            assert "the notes" in d.state
            await d.press("2", "7", "3", "m")

            assert d.app.is_running

    go(walk())
