"""Evidence reaches a widget only through tui/safe.py: nothing else makes what is drawn."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "tui"
FILES = sorted(p for p in ROOT.rglob("*.py") if p.name != "safe.py")
MAKERS = {
    "rich.text",
    "rich.segment",
    "rich.markup",
    "rich.console",
    "textual.content",
    "textual.visual",
}
WIDGETS = {
    "Static",
    "Label",
    "Markdown",
    "DataTable",
    "OptionList",
    "Tree",
    "RichLog",
    "Log",
    "Pretty",
}
CLEANED = {"TextArea": "editor.py", "Input": "prompt.py"}
"""Widgets that show what is typed: each in the one module that makes it inert first."""
SINKS = {"notify", "update", "add_row", "add_column", "add_option", "write", "bell", "from_markup"}


def faults(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            if node.module in MAKERS:
                found.append(f"line {node.lineno}: imports {node.module}")
            found += [
                f"line {node.lineno}: imports {a.name}" for a in node.names if a.name in WIDGETS
            ]
        if isinstance(node, ast.Import):
            found += [
                f"line {node.lineno}: imports {a.name}" for a in node.names if a.name in MAKERS
            ]
        if isinstance(node, ast.Call):
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            of = node.func.value if isinstance(node.func, ast.Attribute) else None
            is_file = isinstance(of, ast.Name) and of.id == "out"
            if name in SINKS and not is_file:
                found.append(f"line {node.lineno}: calls {name}")
            if name == "Strip":
                found.append(f"line {node.lineno}: makes a Strip")
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if node.attr in (
                "border_title",
                "border_subtitle",
                "tooltip",
                "title",
                "sub_title",
                "placeholder",
            ):
                found.append(f"line {node.lineno}: sets {node.attr}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_safe_makes_what_is_drawn(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_is_typed_is_shown_by_cleaning_widgets_only(path: Path) -> None:
    imported = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "textual.widgets"
        for alias in node.names
    }

    assert {CLEANED.get(name) for name in imported} <= {path.name}


@pytest.mark.parametrize(
    "source",
    [
        "from rich.text import Text",
        "from textual.widgets import Static",
        "from textual.content import Content",
        "self.notify(name)",
        "self.border_title = name",
        "Strip([x])",
        "widget.update(name)",
    ],
)
def test_the_lint_sees_each_way_round_it(source: str) -> None:
    assert faults(source)
