"""The lists of rules.toml that must keep up with the parsers and with the SQL."""

from forensic_iso.case.schema import evidence_tables
from forensic_iso.correlate.run import load_rules
from parsers.registry import PARSERS


def test_coverage_speaks_of_every_kind_of_artifact() -> None:
    entries = [entry.split("|") for entry in load_rules().lists["expected_artifact"]]

    kinds = {kind for kinds, _, _ in entries for kind in kinds.split("+")}

    assert kinds == {p.KIND for p in PARSERS} - {"evtx", "mde", "recent_file_cache"}


def test_who_tells_an_act_is_a_table_of_the_evidence() -> None:
    entries = [entry.split("|") for entry in load_rules().lists["told_by"]]

    assert {table for table, _, _ in entries} <= {t.name for t in evidence_tables()}
    assert all(strength.isdigit() and words for _, strength, words in entries)
