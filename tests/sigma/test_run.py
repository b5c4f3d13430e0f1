"""Rules over a case: which rows they meet, what lands in the tables."""

from pathlib import Path

import pytest

pytest.importorskip("sigma", reason="needs pySigma: pip install 'forensic-iso[sigma]'")

from forensic_iso.case.store import open_reader
from forensic_iso.sigma import scan
from tests.sigma.cases import ISO, PROCESS, SYSMON, Case, rule


def test_process_creation_is_found_in_sysmon_and_in_security_under_the_same_names(
    case: Case,
) -> None:
    sysmon = case.add(
        *("sysmon_process_create", SYSMON, 1, "2024-01-01 10:00:00.1234567"),
        image="D:\\Run.EXE", parent_image="C:\\Windows\\explorer.exe", user="CORP\\ann",
        integrity_level="High", process_id=4660, hashes="MD5=AB,SHA256=CD",
    )  # fmt: skip
    security = case.add(
        *("security_process_create", "Security", 4688, "2024-01-01 10:00:00.2"),
        new_process_name="d:\\run.exe", parent_process_name="C:\\Windows\\explorer.exe",
        subject_user_name="ann", subject_domain_name="CORP", target_user_sid="S-1-0-0",
        target_user_name="-", mandatory_label="S-1-16-12288", new_process_id=4660, process_id=1,
    )  # fmt: skip
    case.add("sysmon_process_terminate", SYSMON, 5, "2024-01-01 10:00:01", image="d:\\run.exe")

    (result,) = case.run(
        rule(
            *("both", PROCESS),
            "s: {Image|endswith: '\\run.exe', ParentImage|endswith: '\\EXPLORER.exe', User: 'corp\\ann',"
            " IntegrityLevel: high, ProcessId: 4660}",
        )
    )

    assert case.hits() == [
        ("both", "security_process_create", security),
        ("both", "sysmon_process_create", sysmon),
    ]
    assert (result.rows, result.hits, result.state) == (2, 2, "run")


def test_a_filter_on_a_field_that_security_does_not_log_keeps_the_row(case: Case) -> None:
    security = case.add(
        *("security_process_create", "Security", 4688, "2024-01-01"), new_process_name="d:\\a.exe"
    )
    case.add("sysmon_process_create", SYSMON, 1, "2024-01-01", image="d:\\a.exe", company="Good")

    case.run(
        rule("r", PROCESS, "s: {Image: 'd:\\a.exe'}", "f: {Company: good}", condition="s and not f")
    )

    assert case.hits() == [("r", "security_process_create", security)]


def test_security_rules_see_the_fields_as_the_log_names_them(case: Case) -> None:
    hit = case.add(
        *("security_process_create", "Security", 4688, "2024-01-01"),
        new_process_id=0x1234, process_id=0x10, new_process_name="x",
    )  # fmt: skip
    case.run(
        rule(
            *("raw", "product: windows, service: security"),
            "s: {EventID: 4688, NewProcessId: '0x1234', ProcessId: 16, Image: null}",
        )
    )

    assert case.hits() == [("raw", "security_process_create", hit)]


def test_events_without_a_typed_table_are_read_out_of_their_json(case: Case) -> None:
    hit = case.add(
        *("event_other", "Microsoft-Windows-Windows Defender/Operational", 5007, "2024-01-01"),
        data='{"Product Name":"x","New Value":"HKLM\\\\Exclusions\\\\C:\\\\T = 0x0","Old \\"q\\"":"1"}',
    )
    case.add("event_other", "System", 5007, "2024-01-01", data='{"New Value":"Exclusions"}')

    case.run(
        rule(
            *("exclusion", "product: windows, service: windefend"),
            "s: {EventID: 5007, NewValue|contains: '\\exclusions\\c:\\t', 'Old \"q\"': 1}",
        )
    )

    assert [h[2] for h in case.hits()] == [hit]


def test_values_without_a_name_are_the_field_data_and_keywords_meet_any_text(case: Case) -> None:
    hit = case.add(
        *("event_other", "Application", 11, "2024-01-01"),
        data='{"Data":"one","Data[1]":"C:\\\\Mimi Katz","Binary":null}',
    )

    case.run(
        rule("data", "product: windows, service: application", "s: {Data|contains: 'i katz'}")
        + "---\n"
        + rule("word", "product: windows, service: application", "s: ['\\mimi']")
        + "---\n"
        + rule("other", "product: windows, service: application", "s: ['mimikatz']")
    )

    assert case.hits() == [("data", "event_other", hit), ("word", "event_other", hit)]


def test_a_field_beyond_the_columns_of_a_typed_table_is_found_in_extra(case: Case) -> None:
    hit = case.add("sysmon_dns", SYSMON, 22, "2024-01-01", extra='{"NewField":"Yes"}')

    case.run(rule("r", "product: windows, category: dns_query", "s: {NewField: yes}"))

    assert case.hits() == []
    case.run(rule("r", "product: windows, category: dns_query", "s: {NewField: 'yes'}"))
    assert [h[2] for h in case.hits()] == [hit]


def test_registry_audit_speaks_sysmons_names(case: Case) -> None:
    data = (
        '{"ObjectName":"\\\\REGISTRY\\\\MACHINE\\\\SYSTEM\\\\ControlSet001\\\\Services\\\\x","ObjectValueName":"ImagePath",'
        '"OperationType":"%%1905","NewValue":"evil","ProcessName":"C:\\\\r.exe"}'
    )
    hit = case.add("event_other", "Security", 4657, "2024-01-01", data=data)
    case.add("event_other", "Security", 4657, "2024-01-01", data=data.replace("1905", "1906"))

    case.run(
        rule(
            *("r", "product: windows, category: registry_set"),
            "s: {TargetObject: 'HKLM\\System\\CurrentControlSet\\Services\\x\\ImagePath', Details: evil,"
            " EventType: SetValue, Image|endswith: '\\r.exe'}",
        )
    )

    assert [h[2] for h in case.hits()] == [hit]


def test_exports_of_defender_speak_sysmons_names(case: Case) -> None:
    place = {"host": "WS-1", "source_id": "m", "timestamp_utc": "2024-01-01"}
    case.insert(
        "mde_device_process_events", row_address=7, action_type="ProcessCreated", folder_path="E:\\A",
        file_name="x.exe", process_command_line="x /run", initiating_process_folder_path="C:\\explorer.exe",
        initiating_process_file_name="explorer.exe", account_domain="", account_name="ann", sha1="AB", **place,
    )  # fmt: skip
    case.insert(
        "mde_device_registry_events", row_address=8, action_type="RegistryValueSet", registry_value_name="v",
        registry_key="HKEY_LOCAL_MACHINE\\Software\\Run", initiating_process_folder_path="E:\\A\\x.exe", **place,
    )  # fmt: skip

    case.run(
        rule(
            *("process", PROCESS),
            "s: {Image: 'e:\\a\\x.exe', ParentImage: 'c:\\explorer.exe', CommandLine|endswith: /RUN, User: ann,"
            " Hashes|contains: 'SHA1=ab', OriginalFileName: null}",
        )
        + "---\n"
        + rule("id", PROCESS, "s: {Image|contains: x, EventID: 1}")
        + "---\n"
        + rule(
            *("set", "product: windows, category: registry_set"),
            "s: {TargetObject: 'HKLM\\Software\\Run\\v', Image|endswith: '\\x.exe', EventType: SetValue}",
        )
        + "---\n"
        + rule("delete", "product: windows, category: registry_delete", "s: {Image|contains: x}")
    )

    assert case.hits() == [
        ("process", "mde_device_process_events", "7"),
        ("set", "mde_device_registry_events", "8"),
    ]


def test_own_tables_are_a_log_source_and_unknown_columns_are_refused(case: Case) -> None:
    case.insert(
        "mount_session", session_id="m1", host="WS-1", image_path=ISO, opened_utc="2024-01-01"
    )

    results = case.run(
        rule(
            *("own", "product: forensic_iso, service: mount_session"),
            "s: {image_path|endswith: '.ISO', confidence: null, opened_utc|hour: 0}",
        )
        + "---\n"
        + rule("typo", "product: forensic_iso, service: mount_session", "s: {image_paht: x}")
    )

    assert case.hits() == [("own", "mount_session", "m1")]
    assert [(r.state, r.reason) for r in results] == [
        ("run", None),
        ("refused", "the table mount_session has no column image_paht"),
    ]


def test_a_rule_without_its_log_in_the_case_is_told_by_its_rows(case: Case) -> None:
    case.add("sysmon_process_create", SYSMON, 1, "2024-01-01", image="a")

    (result,) = case.run(rule("r", "product: windows, service: system", "s: {EventID: 7045}"))

    assert (result.state, result.rows, result.hits) == ("run", 0, 0)


def test_what_duckdb_does_not_take_is_refused_not_lost(case: Case) -> None:
    repeat = "x" * 10 + "{1000}" * 2
    results = case.run(rule("r", PROCESS, f"s: {{Image|re: '{repeat}'}}"))

    assert [r.state for r in results] in (["refused"], ["malformed"])


def test_damaged_events_without_channel_or_id_meet_rules_for_all_of_windows(case: Case) -> None:
    case.insert("event_other", host="H", source_id="s", record_offset=1, data='{"A":"b"}')
    case.add("event_other", "System", 5, "2024-01-01", data='{"A":"b"}')

    case.run(
        rule("all", "product: windows", "s: {A: b}")
        + "---\n"
        + rule("id", "product: windows", "s: {A: b, EventID: 5}")
        + "---\n"
        + rule("system", "product: windows, service: system", "s: {A: b}")
    )

    assert case.hits() == [
        ("all", "event_other", "1"),
        ("all", "event_other", "512"),
        ("id", "event_other", "512"),
        ("system", "event_other", "512"),
    ]


def test_rows_that_cannot_be_read_fail_the_rule_by_name(case: Case) -> None:
    hit = case.add("event_other", "Application", 1, "2024-01-01", data='{"A":"b"}')
    case.add("event_other", "System", 1, "2024-01-01", data='{"A')

    results = case.run(
        rule("bad", "product: windows, service: system", "s: {A: b}")
        + "---\n"
        + rule("good", "product: windows, service: application", "s: {A: b}")
    )

    assert [(r.heading.title, r.state) for r in results] == [("bad", "failed"), ("good", "run")]
    assert results[0].reason is not None and "event_other" in results[0].reason
    assert case.hits() == [("good", "event_other", hit)]


def test_a_second_run_replaces_the_hits_of_its_set_and_leaves_others(case: Case) -> None:
    case.add("sysmon_process_create", SYSMON, 1, "2024-01-01", image="a")
    case.run(rule("other", PROCESS, "s: {Image: a}"), "other")
    case.run(rule("first", PROCESS, "s: {Image: a}"))
    case.run(rule("second", PROCESS, "s: {Image: a}"))

    assert [h[0] for h in case.hits()] == ["other", "second"]
    titles = case.con.execute("SELECT title, hits FROM sigma_rule ORDER BY 1").fetchall()
    assert titles == [("other", 1), ("second", 1)]


def test_slices_change_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(50):
        case.add("sysmon_process_create", SYSMON, 1, "2024-01-01", image=f"p{n % 5}")
        case.add("event_other", "System", n % 3, "2024-01-01", data='{"A":"b"}')
    rules = (
        rule("p", PROCESS, "s: {Image: p3}")
        + "---\n"
        + rule("e", "product: windows, service: system", "s: {EventID: 2, A: B}")
        + "---\n"
        + rule("all", "product: windows", "s: {EventID: [0, 1]}")
    )
    whole = [(r.heading.title, r.rows, r.hits) for r in case.run(rules)]
    hits = case.hits()

    monkeypatch.setattr(scan, "SLICE", 7)
    cut = [(r.heading.title, r.rows, r.hits) for r in case.run(rules)]

    assert whole == cut == [("p", 50, 10), ("e", 16, 16), ("all", 84, 84)]
    assert case.hits() == hits


def test_hits_hold_the_rule_and_the_place_of_the_row(case: Case) -> None:
    address = case.add("sysmon_process_create", SYSMON, 1, "2024-01-01 10:00:00.1234567", image="x")
    case.run(rule("r", PROCESS, "s: {Image: x}"))

    cursor = case.con.execute("SELECT * FROM sigma_hit")
    names = [d[0] for d in cursor.description]
    row = dict(zip(names, cursor.fetchone() or (), strict=True))

    assert len(row["hit_id"]) == 16 and len(row["rule_sha256"]) == 64
    assert (row["level"], row["tags"], row["attack_ids"]) == (
        "medium",
        "attack.t1553.005",
        "T1553.005",
    )
    assert (row["rule_file"], row["rule_set"], row["host"]) == ("set.yml", "set", "WS-1")
    assert (row["table_name"], row["source_id"], row["row_address"]) == (
        *("sysmon_process_create", "s1"),
        address,
    )


def test_the_view_of_events_is_readable_in_a_sealed_case(case: Case, tmp_path: Path) -> None:
    case.add("sysmon_process_create", SYSMON, 1, "2024-01-01", image="D:\\x.exe", process_id=7)
    case.add("security_process_create", "Security", 4688, "2024-01-02", new_process_name="y.exe")
    case.add("event_other", "System", 7040, "2024-01-03", data='{"param1":"v"}')
    case.con.close()

    with open_reader(tmp_path / "case") as con:
        query = 'SELECT "EventID", "Image", "ProcessId", "param1", event_text FROM sigma_event ORDER BY time_utc'
        rows = con.execute(query).fetchall()

    assert rows == [
        ("1", "D:\\x.exe", "7", None, "p\n7\nD:\\x.exe"),
        ("4688", "y.exe", None, None, "p\ny.exe"),
        ("7040", None, None, "v", "p\nv"),
    ]


def test_no_field_of_a_typed_table_is_missing_from_the_faces() -> None:
    from forensic_iso.sigma.fields import event_faces, field_sql
    from parsers.evtx.events import EVENT_TABLES

    faces = event_faces()

    assert [
        (t.name, f.name)
        for t in EVENT_TABLES
        for f in t.fields
        if field_sql(faces[t.name, "event"], f.name.replace(" ", "")) is None
    ] == []
