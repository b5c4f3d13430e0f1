"""No string of the evidence acts on the reader's screen, page or spreadsheet."""

import csv
import io
import sys
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensic_iso.text import csv_cell, encodable, html, one_line, terminal

ANY = st.text(st.characters(codec=None), max_size=300)
ACTIVE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
HOSTILE = "\x1b]0;owned\x07\u202egpj.exe\u2066\u200b\ud800\r\n\x9b31m"


def acts(text: str) -> list[str]:
    return [hex(ord(c)) for c in text if category(c) in ACTIVE]


def test_every_control_and_format_character_becomes_a_mark() -> None:
    left = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if category(chr(code)) in ACTIVE and terminal(f"a{chr(code)}b") == f"a{chr(code)}b"
    ]

    assert left == []


def test_marks_are_readable() -> None:
    assert terminal("a\x1b[31m\x9b\u202eb\ud800\n") == "a\\x1b[31m\\x9b<U+202E>b<U+D800>\\x0a"


@pytest.mark.parametrize(
    "text",
    [
        r"C:\Users\Müller\Angebot № 7.iso",
        "請求書　2024.iso",
        "ملف.iso",
        "a\u0301e\u0308",
        "🙂.lnk",
        "",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert terminal(text) == one_line(text) == html(text) == csv_cell(text) == text


@given(ANY)
def test_nothing_active_is_left_anywhere(text: str) -> None:
    for made in (terminal(text), one_line(text), html(text), csv_cell(text)):
        assert acts(made) == []
        made.encode()


@given(ANY, st.integers(0, 80))
def test_limits_hold(text: str, limit: int) -> None:
    assert len(terminal(text, limit)) <= limit
    assert len(one_line(text, limit)) <= limit


def test_long_values_are_cut_with_their_length() -> None:
    assert terminal("a" * 10_000, 30).endswith("…[10000 chars]")
    assert terminal("a" * 30, 30) == "a" * 30


def test_piled_marks_are_bounded() -> None:
    shown = terminal("a" + "\u0301" * 500 + "b")

    assert shown == "a" + "\u0301" * 4 + "<+496 marks>b"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\uff1d1"],
)
def test_formulas_become_text(text: str) -> None:
    assert csv_cell(text).startswith("'")


@given(ANY)
def test_no_cell_begins_like_a_formula_and_all_survive_the_writer(text: str) -> None:
    cell = csv_cell(text)
    out = io.StringIO()
    csv.writer(out).writerow([cell, "next"])

    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert next(csv.reader(io.StringIO(out.getvalue()))) == [cell, "next"]


def test_markup_is_escaped() -> None:
    assert html("<a href='x' b=\"y\">&") == "&lt;a href=&#x27;x&#x27; b=&quot;y&quot;&gt;&amp;"
    assert html("\u202e") == "&lt;U+202E&gt;"


def test_one_line_folds_blanks() -> None:
    assert one_line("a\r\n\tb   c\u2028d ") == "a b c d"
    assert one_line("x" * 5000).endswith("[5000 chars]")


def test_hostile_names_are_harmless_in_all_forms() -> None:
    for made in (terminal(HOSTILE), one_line(HOSTILE), html(HOSTILE), csv_cell(HOSTILE)):
        assert acts(made) == []


def test_any_name_can_be_encoded() -> None:
    assert encodable("caf\udce9") == "caf\\udce9"
    assert encodable("café") == "café"
