"""Speed of `sigma run`: python benchmarks/sigma_rules.py [RULES [EVENTS]], by default 300 rules over 1,000,000 events.

Rules and events are synthetic. The events: process creation by Sysmon and Security, registry, file, network, module
loads, logons, PowerShell and others, in shares as on a workstation with Sysmon. The rules: log sources in the shares of
the public rules for Windows, with lists, wildcards, |all, |re, filters, keywords. Printed: CPU seconds in all, of
reading and converting the rules, of running them; milliseconds per rule and million events; the seconds that 3,000
rules over the same events would take.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

RULES, EVENTS = 300, 1_000_000
BOUND_SECONDS = 600
"""CPU time that 3,000 rules over 1,000,000 events may take."""

SHARES = (
    ("category: process_creation", 45),
    ("category: registry_set", 9),
    ("category: file_event", 8),
    ("category: ps_script", 7),
    ("service: security", 8),
    ("category: image_load", 5),
    ("service: system", 4),
    ("category: network_connection", 3),
    ("category: process_access", 2),
    ("category: dns_query", 2),
    ("service: windefend", 2),
    ("category: create_remote_thread", 2),
    ("category: pipe_created", 2),
    ("category: registry_event", 1),
)
"""Log sources of a hundred rules."""

FIELDS = {
    "category: process_creation": ("Image", "CommandLine", "ParentImage", "OriginalFileName"),
    "category: registry_set": ("TargetObject", "Details", "Image"),
    "category: registry_event": ("TargetObject", "Details", "Image"),
    "category: file_event": ("TargetFilename", "Image"),
    "category: ps_script": ("ScriptBlockText",),
    "category: image_load": ("ImageLoaded", "Image", "Signed"),
    "category: network_connection": ("DestinationHostname", "Image"),
    "category: process_access": ("TargetImage", "SourceImage", "CallTrace"),
    "category: dns_query": ("QueryName", "Image"),
    "category: create_remote_thread": ("SourceImage", "TargetImage"),
    "category: pipe_created": ("PipeName", "Image"),
    "service: security": ("TargetUserName", "SubjectUserName", "ProcessName"),
    "service: system": ("ServiceName", "ImagePath", "param1"),
    "service: windefend": ("ThreatName", "Path"),
}
IDS = {"service: security": (4624, 4663, 4672, 4697, 4698, 5145), "service: system": (7045, 7040)}

WORDS = [f"{a}{b}" for a in ("inv", "run", "cert", "mim", "pow", "net", "reg", "wmi", "sch", "bit") for b in ("oke", "dll32", "util", "ikatz", "ershell", "scan", "svr", "ic", "tasks", "sadmin", "cat", "dump", "load")]  # fmt: skip

EVENTS_SQL = {
    "sysmon_process_create": (0.20, "Microsoft-Windows-Sysmon/Operational", "1", """
        {path} AS image, {guid} AS process_guid, {line} AS command_line, {path2} AS parent_image,
        'Microsoft Windows' AS product, {word} || '.exe' AS original_file_name, 'CORP\\user' || i % 200 AS user,
        'MD5=' || md5(i::VARCHAR) || ',SHA256=' || sha256((i % 5000)::VARCHAR) AS hashes, 'Medium' AS integrity_level,
        {line} AS parent_command_line, 'C:\\Windows\\System32\\' AS current_directory"""),
    "security_process_create": (0.10, "Security", "4688", """
        {path} AS new_process_name, {line} AS command_line, {path2} AS parent_process_name, i % 65536 AS new_process_id,
        'user' || i % 200 AS subject_user_name, 'CORP' AS subject_domain_name, 'S-1-16-8192' AS mandatory_label"""),
    "sysmon_registry": (0.20, "Microsoft-Windows-Sysmon/Operational", "12 + i % 3", """
        {path} AS image, 'HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\' || {word} || '\\' || i % 9000 AS target_object,
        'DWORD (0x' || to_hex(i % 4096) || ')' AS details"""),
    "sysmon_file_create": (0.10, "Microsoft-Windows-Sysmon/Operational", "11", """
        {path} AS image, {path2} || '.' || i % 3000 AS target_filename"""),
    "sysmon_network": (0.05, "Microsoft-Windows-Sysmon/Operational", "3", """
        {path} AS image, '10.1.' || i % 250 || '.' || i % 199 AS destination_ip, i % 65536 AS destination_port,
        {word} || '.example.com' AS destination_hostname, true AS initiated"""),
    "sysmon_image_load": (0.10, "Microsoft-Windows-Sysmon/Operational", "7", """
        {path} AS image, {path2} || '.dll' AS image_loaded, true AS signed, 'Valid' AS signature_status"""),
    "security_logon": (0.10, "Security", "4624", """
        'user' || i % 300 AS target_user_name, 'SYSTEM' AS subject_user_name, 3 AS logon_type, {path} AS process_name"""),
    "powershell_script_block": (0.02, "Microsoft-Windows-PowerShell/Operational", "4104", """
        repeat({line} || chr(10), 20) AS script_block_text"""),
    "event_other": (0.13, "Security", "CASE WHEN i % 3 = 0 THEN 4672 ELSE 5156 END", """
        '{{"SubjectUserName":"user' || i % 300 || '","ProcessName":' || to_json({path}) || ',"DestPort":' || i % 65536 || '}}' AS data"""),
}  # fmt: skip
"""Table: share of the events, channel, event id, fields."""

PARTS = {
    "word": "w[1 + (hash(i * 7) % len(w))::INTEGER]",
    "path": "'C:\\Program Files\\' || w[1 + (hash(i % 3000) % len(w))::INTEGER] || '\\' || w[1 + (hash(i % 700) % len(w))::INTEGER] || '.exe'",
    "path2": "'C:\\Windows\\System32\\' || w[1 + (hash(i % 900 + 5) % len(w))::INTEGER] || '.exe'",
    "line": "'\"C:\\Windows\\System32\\' || w[1 + (hash(i * 3) % len(w))::INTEGER] || '.exe\" /' || i % 977 || ' --option ' || md5(i::VARCHAR) || ' C:\\Users\\user' || i % 200",
    "guid": "'{' || md5(i::VARCHAR) || '}'",
}


def make_case(case: Path, events: int) -> int:
    """A case of synthetic events; returns how many."""
    from forensic_iso.case.store import open_writer

    total = 0
    with open_writer(case) as con:
        con.execute("CREATE TEMP TABLE words AS SELECT $w AS w", {"w": WORDS})
        for table, (share, channel, event_id, fields) in EVENTS_SQL.items():
            rows = int(events * share)
            con.execute(
                f"INSERT INTO {table} BY NAME SELECT make_timestamp_ns(1704067200000000000 + i * 1000000) AS time_utc,"
                f" 'WS-' || i % 20 AS host, '{channel}' AS channel, ({event_id})::USMALLINT AS event_id,"
                f" i::UBIGINT AS record_id, 'synthetic' AS source_id, i * 512 AS record_offset, {fields.format(**PARTS)}"
                f" FROM range({rows}) t(i), words"
            )
            total += rows
        con.execute("CHECKPOINT")
    return total


def _item(rng: random.Random, field: str, rare: bool) -> str:
    """One line of a detection; rare: words that few rows hold."""
    tail = f"{rng.randrange(10_000)}" if rare else ""
    words = [rng.choice(WORDS) + tail for _ in range(rng.choice((1, 1, 2, 3, 5, 9)))]
    match rng.randrange(10):
        case 0:
            return f"    {field}|re: '{words[0]}[0-9]{{2,}}\\s'\n"
        case 1:
            return f"    {field}|contains|all: ['{words[0]}', '{rng.choice(WORDS)}', ' -{tail}']\n"
        case 2 | 3:
            names = ", ".join(f"'\\{w}.exe'" for w in words)
            return f"    {field}|endswith: [{names}]\n"
        case 4:
            return f"    {field}: ['*\\{words[0]}?_*.exe', '{words[-1]}']\n"
        case _:
            return f"    {field}|contains: [{', '.join(repr(w) for w in words)}]\n"


def make_rules(folder: Path, rules: int) -> None:
    """Synthetic rules, one file each."""
    rng = random.Random(7)
    sources = [s for s, share in SHARES for _ in range(share)]
    for n in range(rules):
        source = sources[n * 61 % len(sources)]
        fields = FIELDS[source]
        text = f"title: synthetic {n}\nlevel: low\nlogsource:\n  product: windows\n  {source}\ndetection:\n  selection:\n"
        if source in IDS:
            text += f"    EventID: {rng.choice(IDS[source])}\n"
        text += _item(rng, rng.choice(fields), n % 20 > 0)
        if rng.random() < 0.6:
            text += "  selection_more:\n" + _item(rng, rng.choice(fields), False)
            text += "  filter:\n" + _item(rng, rng.choice(fields), False)
            text += "  condition: all of selection* and not filter\n"
        elif rng.random() < 0.1:
            text += f"  keywords: ['{rng.choice(WORDS)}{n}']\n  condition: selection or keywords\n"
        else:
            text += "  condition: selection\n"
        (folder / f"rule_{n:05d}.yml").write_text(text, encoding="utf-8")


def main() -> None:
    """Print the figures."""
    from forensic_iso.case.store import open_writer
    from forensic_iso.sigma.rules import read_rules
    from forensic_iso.sigma.run import run

    rules = int(sys.argv[1]) if len(sys.argv) > 1 else RULES
    events = int(sys.argv[2]) if len(sys.argv) > 2 else EVENTS
    with tempfile.TemporaryDirectory() as scratch:
        case, folder = Path(scratch) / "case", Path(scratch) / "rules"
        folder.mkdir()
        make_rules(folder, rules)
        total = make_case(case, events)
        begun = time.process_time()
        list(read_rules(folder, frozenset()))
        reading = time.process_time() - begun
        with open_writer(case) as con:
            begun = time.process_time()
            results = run(con, folder, "synthetic")
            whole = time.process_time() - begun
    ran = sum(r.state == "run" for r in results)
    hits = sum(r.hits for r in results)
    held = sum(r.rows for r in results)
    million = total / 1e6
    print(
        f"{ran} of {rules} rules over {total:,} events, {hits:,} hits; {held:,} rows held against a rule"
    )
    print(
        f"{whole:.1f} s of CPU: {reading:.1f} s reading and converting, {whole - reading:.1f} s running"
    )
    print(f"{1e3 * (whole - reading) / ran / million:.1f} ms per rule and million events")
    estimate = whole * 3_000 / ran / million
    print(
        f"3,000 rules over 1,000,000 events: {estimate:.0f} s, {estimate / BOUND_SECONDS:.2f} of the bound"
    )


if __name__ == "__main__":
    main()
