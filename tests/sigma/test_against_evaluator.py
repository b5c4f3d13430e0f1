"""Rules mean in DuckDB what an evaluator without SQL makes of them, over every combination of awkward values."""

from itertools import product

import duckdb
import pytest
import yaml

pytest.importorskip("sigma", reason="needs pySigma: pip install 'forensic-iso[sigma]'")

from tests.sigma.evaluator import meets
from tests.sigma.test_dialect import con, convert

__all__ = ["con"]

A = (None, "", "x", "X", "cmd.exe", "C:\\w\\CMD.exe", "a*b", "a1b", "a?b", "100%_", "100ab", "c:\\x\\*", "\u00c4rger", "-5", "7", "1024.5", "a\nb")  # fmt: skip
B = (None, "", "x", "7", "A*B", "Y\\", "cmd.exe /c X")
TEXT = "*"

RULES = [
    r"s: {a: CMD.exe}; condition: s",
    r"s: {a|endswith: '\cmd.EXE', b: null}; condition: s",
    r"s: {a: 'a\*b'}; condition: s",
    r"s: {a: 'a\?b'}; condition: s",
    r"s: {a: 'a?b'}; condition: s",
    r"s: {a: ['a*b', '*\\x\\\*']}; condition: s",
    r"s: {a|contains: '\*'}; condition: not s",
    r"s: {a|startswith: '100%_'}; condition: s",
    r"s: {a|contains|all: ['c', '.', 'E']}; condition: s",
    r"s: {a|cased: ['X', 'Ärger']}; condition: s",
    r"s: {a: 'ÄRGER'}; f: {b: 'y\\'}; condition: 1 of them",
    r"s: {a|re: '^[cC]'}; f: {b: X}; condition: s and not f",
    r"s: {a|re|i: '^c.*exe$'}; f: {b|exists: false}; condition: s and not f",
    r"s: {a: ''}; f: {b: ''}; condition: s or f",
    r"s: {a|gte: 7}; condition: s",
    r"s: {a|lt: 0}; f: {a: 7}; condition: s or f",
    r"s: {a|neq: x}; f: {b|neq: [x, '']}; condition: s and f",
    r"s_1: {a: x}; s_2: {b: [x, 7]}; condition: all of s_*",
    r"s_1: {a: x, b: null}; s_2: [{a|contains: cmd}, {b|endswith: '\'}]; condition: 1 of s_*",
    r"s: [x, 'cmd*/c']; f: {a|exists: true}; condition: s and not f",
    r"s: {a: x}; f_1: {b: y}; f_2: {b: null}; condition: not (s and not 1 of f_*)",
    r"s: {a: '*'}; f: {b: '*'}; condition: not (s or f) or (s and not f)",
    r"s: {a: 'y*', b: '?'}; f: {a|contains: ['%', '_']}; condition: s or not (not f)",
]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_meets_the_same_rows(con: duckdb.DuckDBPyConnection, rule: str) -> None:
    detection = "\n".join(f"  {part}" for part in rule.split("; "))
    sql, _ = convert(detection)
    rows = [
        {"a": a, "b": b, TEXT: "\n".join(v for v in (a, b) if v is not None)}
        for a, b in product(A, B)
    ]
    con.execute('CREATE OR REPLACE TEMP TABLE rows (n INTEGER, a VARCHAR, b VARCHAR, "*" VARCHAR)')
    con.executemany(
        "INSERT INTO rows VALUES (?, ?, ?, ?)",
        [[n, r["a"], r["b"], r[TEXT]] for n, r in enumerate(rows)],
    )
    lowered = ", ".join(f'lower("{f}") AS "lower:{f}"' for f in ("a", "b", TEXT))

    found = con.execute(f"SELECT n FROM (SELECT *, {lowered} FROM rows) WHERE {sql}").fetchall()

    told = yaml.safe_load("detection:\n" + detection)["detection"]
    wanted = {n for n, r in enumerate(rows) if meets({"a": r["a"], "b": r["b"]}, told)}
    assert {n for (n,) in found} == wanted
    assert 0 < len(wanted) < len(rows)
