"""Which queries can give no row because tables that they read hold none: known from the text alone.

Sound, not complete: what is not understood counts as giving rows.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import duckdb

Needs = frozenset[frozenset[str]]
"""Sets of tables: for a row to come, all tables of one of the sets must hold rows."""

ALWAYS: Needs = frozenset({frozenset()})
"""Rows may come whatever the tables hold."""
READERS = ("timed", "sysmon_timed")
"""Table macros (01_clock.sql) that give rows only where the table that their argument names does."""
MOST = 200
"""Needs of more sets than this are not told apart any more: rows may then always come."""

SYNTAX = (
    "and",
    "case",
    "cast",
    "coalesce",
    "else",
    "if",
    "in",
    "not",
    "or",
    "then",
    "try_cast",
    "unnest",
    "when",
)
"""What stands before a bracket in an expression and is no function of the catalogue, nor sums up rows."""

_CALL = re.compile(r"\b(\w+)\"?\(")
_Node = Mapping[str, Any]


def needs(con: duckdb.DuckDBPyConnection, select: str, per_row: frozenset[str]) -> Needs:
    """What must hold rows for the query to give one; `per_row` as `functions_per_row` tells."""
    answer = con.execute("SELECT json_serialize_sql(?)", [select]).fetchone()
    parsed: dict[str, Any] = json.loads(answer[0]) if answer else {"error": True}
    if parsed["error"] or len(parsed["statements"]) != 1:
        return ALWAYS
    return _Scope(per_row).query(parsed["statements"][0]["node"])


def functions_per_row(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Functions and macros that give a value per row: no aggregate, nor what hides one."""
    rows = con.execute(
        "SELECT function_name, bool_and(function_type = 'scalar'),"
        " list(DISTINCT macro_definition) FILTER (function_type = 'macro')"
        " FROM duckdb_functions() GROUP BY function_name"
    ).fetchall()
    known = {str(name) for name, is_scalar, _ in rows if is_scalar} | set(SYNTAX)
    macros = {
        str(name): {call.lower() for text in texts if text for call in _CALL.findall(text)}
        for name, is_scalar, texts in rows
        if texts and not is_scalar
    }
    while more := {name for name, calls in macros.items() if calls <= known} - known:
        known |= more
    return frozenset(known)


def may_give_rows(wanted: Needs, filled: Callable[[str], bool]) -> bool:
    """Whether a query with these needs can give a row."""
    return any(all(filled(name) for name in tables) for tables in wanted)


def _either(*parts: Needs) -> Needs:
    return _bounded(frozenset().union(*parts))


def _both(left: Needs, right: Needs) -> Needs:
    if len(left) * len(right) > MOST:
        return left if len(left) <= len(right) else right  # weaker, and so sound
    return _bounded(frozenset(a | b for a, b in product(left, right)))


def _bounded(wanted: Needs) -> Needs:
    least = frozenset(a for a in wanted if not any(b < a for b in wanted))
    return least if len(least) <= MOST else ALWAYS


@dataclass(frozen=True, slots=True)
class _Scope:
    """The named queries (WITH) that are visible at a place of the tree."""

    per_row: frozenset[str]
    named: Mapping[str, Needs] = field(default_factory=dict)

    def query(self, node: _Node) -> Needs:
        """Needs of a SELECT, a set operation or a recursive query."""
        scope = self
        for entry in node["cte_map"]["map"]:
            value = entry["value"]["query_node"]
            told = scope.query(value.get("node", value))
            scope = _Scope(self.per_row, {**scope.named, entry["key"].lower(): told})
        match node["type"]:
            case "SELECT_NODE":
                return scope.select(node)
            case "SET_OPERATION_NODE":
                parts = node["children"] or [node["left"], node["right"]]
                if node["setop_type"].startswith("UNION"):
                    return _either(*(scope.query(part) for part in parts))
                return scope.query(parts[0])
            case "RECURSIVE_CTE_NODE":
                return scope.query(node["left"])
            case _:
                return ALWAYS

    def select(self, node: _Node) -> Needs:
        """Needs of one SELECT: those of its FROM, unless it may sum up no rows to one."""
        listed = [self.is_per_row(expression) for expression in node["select_list"]]
        if node["group_sets"] and any(not group for group in node["group_sets"]):
            return ALWAYS
        grouped = node["group_expressions"] or (
            node["aggregate_handling"] == "FORCE_AGGREGATES"
            and any(
                per_row and expression["class"] in ("COLUMN_REF", "STAR")
                for per_row, expression in zip(listed, node["select_list"], strict=True)
            )
        )
        if not grouped and (node["having"] or not all(listed)):
            return ALWAYS
        return self.source(node["from_table"])

    def is_per_row(self, expression: Any) -> bool:
        """Whether nothing in it is, or may hide, an aggregate."""
        if isinstance(expression, list):
            return all(map(self.is_per_row, expression))
        if not isinstance(expression, dict) or expression.get("class") == "SUBQUERY":
            return True
        if (
            expression.get("class") == "FUNCTION"
            and expression["function_name"].lower() not in self.per_row
        ):
            return False
        return all(self.is_per_row(v) for v in expression.values() if isinstance(v, (dict, list)))

    def source(self, node: _Node | None) -> Needs:
        """Needs of what stands behind FROM."""
        if node is None:
            return ALWAYS
        match node["type"]:
            case "BASE_TABLE":
                name = node["table_name"].lower()
                return self.named.get(name, frozenset({frozenset({name})}))
            case "TABLE_FUNCTION" if node["function"]["function_name"] in READERS:
                read = node["function"]["arguments"][0]["expression"]["literal"]["text"]
                return frozenset({frozenset({read.lower()})})
            case "SUBQUERY":
                return self.query(node["subquery"]["node"])
            case "JOIN" if node["ref_type"] != "POSITIONAL":
                return self.join(node)
            case _:
                return ALWAYS

    def join(self, node: _Node) -> Needs:
        """Needs of a join: of both sides, or of the left one where the right may lack."""
        match node["join_type"]:
            case "INNER" | "SEMI":
                return _both(self.source(node["left"]), self.source(node["right"]))
            case "LEFT" | "ANTI":
                return self.source(node["left"])
            case _:
                return ALWAYS
