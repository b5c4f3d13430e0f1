"""Rule files: every rule is converted or listed with the reason; nothing is skipped in silence."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sigma", reason="needs pySigma: pip install 'forensic-iso[sigma]'")

from forensic_iso.errors import UsageError
from forensic_iso.sigma.rules import LARGEST, Converted, Refused, read_rules

GOOD = """title: good
id: 5b4a5f0c-6c1c-4f0e-8a8a-0d0b4d0f0a01
status: test
level: high
tags: [attack.execution, attack.t1204.002, attack.TA0002, cve.2022-1234]
logsource: {product: windows, category: process_creation}
detection:
  s: {Image|endswith: '\\x.exe'}
  condition: s
"""
CORRELATION = """title: many
id: 0e95725d-7320-415d-80f7-004da920fc11
correlation:
  type: event_count
  rules: [5b4a5f0c-6c1c-4f0e-8a8a-0d0b4d0f0a01]
  group-by: [Computer]
  timespan: 5m
  condition: {gte: 10}
"""
FILTER = """title: not ours
logsource: {product: windows, category: process_creation}
filter:
  rules: [5b4a5f0c-6c1c-4f0e-8a8a-0d0b4d0f0a01]
  selection: {User: x}
  condition: not selection
"""


def read(folder: Path, **files: str | bytes) -> list[Converted | Refused]:
    for name, content in files.items():
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / f"{name}.yml").write_bytes(raw)
    return list(read_rules(folder, frozenset({"execution"})))


def refusal(folder: Path, content: str | bytes) -> tuple[str, str]:
    (found,) = read(folder, rule=content)
    assert isinstance(found, Refused)
    return found.state, found.reason


def test_a_good_rule_is_converted_with_its_heading(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, good=GOOD)

    assert isinstance(rule, Converted)
    assert rule.sql == "suffix(\"lower:Image\", '\\x.exe')"
    assert (rule.heading.title, rule.heading.level, rule.heading.status) == ("good", "high", "test")
    assert rule.heading.rule_id == "5b4a5f0c-6c1c-4f0e-8a8a-0d0b4d0f0a01"
    assert rule.heading.attack_ids == ("T1204.002",)
    assert rule.heading.logsource == "windows/process_creation/-"
    assert (rule.heading.file, rule.heading.number, rule.remark) == ("good.yml", 1, None)


def test_files_are_read_by_name_all_the_way_down(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/z.YAML").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("no rule")

    names = [r.heading.file for r in read(tmp_path, a=GOOD, c=GOOD)]

    assert names == ["a.yml", "b/z.YAML", "c.yml"]


def test_several_rules_of_one_file_are_numbered(tmp_path: Path) -> None:
    text = GOOD + "---\n" + GOOD.replace("title: good", "title: two") + "---\n"

    assert [(r.heading.number, r.heading.title) for r in read(tmp_path, f=text)] == [
        (1, "good"),
        (2, "two"),
    ]


@pytest.mark.parametrize(
    ("content", "state", "reason"),
    [
        (CORRELATION, "refused", r"correlation rule \(event_count\)"),
        (FILTER, "refused", "filter changes other rules"),
        (GOOD.replace("windows", "linux"), "refused", "product linux"),
        (GOOD.replace("Image|endswith", "Image|expand").replace("\\x.exe", "%x%"), "refused", "placeholder"),
        (GOOD.replace("condition: s", "condition: s | count() > 5"), "refused", "pipe|aggregation"),
        (GOOD.replace("condition: s", "condition: s and t"), "refused", "'t' not defined"),
        (GOOD.replace("condition: s", "condition: 1 of zz*"), "refused", "doesn't match any"),
        (GOOD.replace("endswith", "nosuch"), "malformed", "[Uu]nknown modifier"),
        (GOOD.replace("|endswith: '\\x.exe'", "|re: '(?<=a)b'"), "malformed", "[Rr]egular expression"),
        (GOOD.replace("|endswith: '\\x.exe'", "|cidr: '10.0.0.300/8'"), "malformed", "CIDR"),
        (GOOD.replace("detection:", "detektion:"), "malformed", "detection"),
        (GOOD.replace("logsource:", "logsrc:"), "malformed", "log source"),
        (GOOD + "title: twice\n", "malformed", "Duplicate key"),
        ("title: [x\n", "malformed", "no YAML"),
        ("- a\n- b\n", "malformed", "expected a mapping"),
        ("!!python/object/apply:os.system [id]\n", "malformed", "no YAML"),
        (b"\xff\xfe\x00\x01", "malformed", "decode"),
        ("", "malformed", "holds no rule"),
        ("a: " + "[" * 5000 + "]" * 5000, "malformed", ""),
        (b"#" * (LARGEST + 1), "malformed", "larger than"),
        ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"b{i}: &b{i} [{', '.join(['*' + ('a' if i == 0 else f'b{i - 1}')] * 9)}]\n" for i in range(9)), "malformed", "alias"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_listed_with_the_reason(
    tmp_path: Path, content: str | bytes, state: str, reason: str
) -> None:
    found = refusal(tmp_path, content)

    assert found[0] == state
    assert re.search(reason, found[1]), found[1]


def test_a_bad_rule_does_not_take_its_neighbours_along(tmp_path: Path) -> None:
    bad = GOOD.replace("endswith", "nosuch").replace("title: good", "title: bad")

    found = read(tmp_path, f=GOOD + "---\n" + bad + "---\n" + CORRELATION)

    assert [(type(r).__name__, r.heading.title) for r in found] == [
        ("Converted", "good"),
        ("Refused", "bad"),
        ("Refused", "many"),
    ]


def test_a_fault_beside_the_detection_is_a_remark(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, f=GOOD.replace("level: high", "level: hihg"))

    assert isinstance(rule, Converted)
    assert rule.heading.level is None
    assert rule.remark is not None and "hihg" in rule.remark


@pytest.mark.parametrize(
    ("detection", "ids"),
    [
        ("  s: {EventID: 4624}\n  condition: s", {4624}),
        ("  s: {EventID: ['4624', 4625], A: b}\n  condition: s", {4624, 4625}),
        ("  s: {EventID: 1}\n  t: {EventID: 3}\n  condition: s or t", {1, 3}),
        ("  s: {EventID: [1, 2]}\n  t: {EventID: [2, 3]}\n  condition: s and t", {2}),
        ("  s: {EventID: 1}\n  f: {EventID: 2}\n  condition: s and not f", {1}),
        ("  s: {EventID: 1}\n  t: {A: b}\n  condition: s or t", None),
        ("  s: {EventID|gte: 1}\n  condition: s", None),
        ("  s: {EventID: '46*'}\n  condition: s", None),
        ("  f: {EventID: 1}\n  condition: not f", None),
    ],
)
def test_event_ids_bound_the_rows_a_rule_is_held_against(
    tmp_path: Path, detection: str, ids: set[int] | None
) -> None:
    text = (
        f"title: t\nlogsource: {{product: windows, service: security}}\ndetection:\n{detection}\n"
    )

    (rule,) = read(tmp_path, f=text)

    assert isinstance(rule, Converted)
    assert rule.event_ids == ids


def test_a_folder_without_rules_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found none"):
        list(read_rules(tmp_path, frozenset()))


def test_without_pysigma_the_message_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    (tmp_path / "f.yml").write_text(GOOD)
    monkeypatch.delitem(sys.modules, "forensic_iso.sigma.dialect", raising=False)
    monkeypatch.setitem(sys.modules, "sigma.conditions", None)

    with pytest.raises(UsageError, match=r"pip install 'forensic-iso\[sigma\]'"):
        list(read_rules(tmp_path, frozenset()))


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_no_damage_to_a_rule_file_stops_the_reading(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = bytearray((GOOD + "---\n" + CORRELATION + "---\n" + FILTER).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 12))] = data.draw(
            st.sampled_from(
                [b"", b"\n", b": ", b"- ", b"[", b"{", b"null", b"1", b"*a", b"&a ", b"'"]
            )
        )
    path = tmp_path_factory.getbasetemp() / "damaged.yml"
    path.write_bytes(bytes(raw))

    found = list(read_rules(path, frozenset()))

    assert found
    assert all(r.reason for r in found if isinstance(r, Refused))
