"""Log sources of rules lead to channels and event ids, to tables of the case, or to a reason."""

import pytest

from forensic_iso.sigma.logsource import (
    CATEGORIES,
    MDE,
    PROCESS_AUDIT,
    SECURITY,
    SERVICES,
    SYSMON,
    NoSuchLog,
    OwnTable,
    Scope,
    scopes,
)

OWN = frozenset({"mount_session", "execution"})


def test_process_creation_is_told_by_sysmon_security_and_defender_exports() -> None:
    found = scopes("windows", "process_creation", None, OWN)

    assert found == (
        Scope((SYSMON,), frozenset({1})),
        Scope((SECURITY,), frozenset({4688}), PROCESS_AUDIT),
        Scope(
            face=MDE,
            where="lower(action_type) IN ('processcreated')",
            table="mde_device_process_events",
        ),
    )


def test_a_service_narrows_a_category_to_its_channels() -> None:
    assert scopes("windows", "process_creation", "sysmon", OWN) == (
        Scope((SYSMON,), frozenset({1})),
    )


def test_a_service_alone_is_its_channels() -> None:
    assert scopes("windows", None, "System", OWN) == (Scope(("System",)),)


def test_windows_alone_is_every_event() -> None:
    assert scopes("windows", None, None, OWN) == (Scope(),)


def test_a_category_of_no_product_is_taken_for_windows() -> None:
    assert scopes(None, "dns_query", None, OWN) == (Scope((SYSMON,), frozenset({22})),)


@pytest.mark.parametrize("product", ["forensic_iso", "forensic-iso", "Forensic_ISO"])
def test_own_tables_are_found_by_service_or_category(product: str) -> None:
    assert scopes(product, None, "mount_session", OWN) == OwnTable("mount_session")
    assert scopes(product, "execution", None, OWN) == OwnTable("execution")


@pytest.mark.parametrize(
    ("product", "category", "service", "message"),
    [
        ("linux", None, "auditd", "no logs of product linux"),
        ("windows", "webserver", None, "category webserver"),
        ("windows", None, "nosuch", "service nosuch"),
        ("windows", "process_creation", "system", "does not tell of"),
        ("forensic_iso", None, "nosuch", "no table 'nosuch'"),
        ("forensic_iso", None, None, "no table ''"),
        (None, "proxy", None, "category proxy"),
        (None, None, None, "names no log source"),
    ],
)
def test_what_no_case_holds_is_told(
    product: str | None, category: str | None, service: str | None, message: str
) -> None:
    with pytest.raises(NoSuchLog, match=message):
        scopes(product, category, service, OWN)


def test_the_mapping_agrees_with_pysigma_where_both_know_a_service() -> None:
    common = pytest.importorskip("sigma.pipelines.common", reason="needs pySigma")

    theirs = {
        name: {channels} if isinstance(channels, str) else set(channels)
        for name, channels in common.windows_logsource_mapping.items()
    }

    assert set(theirs) <= set(SERVICES)
    assert [n for n, channels in theirs.items() if not channels <= set(SERVICES[n])] == []


def test_every_category_names_event_ids_or_a_table() -> None:
    assert [c for c, f in CATEGORIES.items() if not all(s.event_ids or s.table for s in f)] == []
