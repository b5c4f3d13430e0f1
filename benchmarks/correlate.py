"""Derived tables of a synthetic fleet of 1,000 hosts: CPU, memory, and the cost per event as the events grow tenfold.

    python -m benchmarks.correlate [MILLIONS ...]

For each size (1 and 10) a case is filled by DuckDB alone and correlated in a fresh process. Of ten events one is a
process start (Sysmon 1), one its end (5), four are loaded modules (7), two connections (3), one is a created file (11), one
the same start in Security (4688); in every thousand of a host the system starts once and an image is mounted once, and
each tenth host runs a program from it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from forensic_iso.case.store import open_writer

HOSTS = 1_000
STEP = 1_000_000
"""Events made at once."""

BASE = f"""
CREATE OR REPLACE TEMP TABLE base AS
SELECT
    'WS-' || lpad((i % {HOSTS})::VARCHAR, 4, '0') AS host, i % {HOSTS} AS host_number, k, k % 10 AS kind, k % 1000 AS turn,
    make_timestamp_ns(1704067200000000000 + (i % {HOSTS}) * 1000000 + CASE
        WHEN kind = 9 AND turn NOT IN (9, 59, 989, 999) THEN (k - 9) * 260000000000 + 300000000 ELSE k * 260000000000 END) AS time_utc,
    k - kind AS started,
    'A10BC000-' || lpad((i % {HOSTS})::VARCHAR, 4, '0') || '-65F0-' || lpad(to_hex(1 + started // 10 % 65535), 4, '0') || '-'
        || lpad(to_hex(started // 655350), 4, '0') || '0000' || lpad(to_hex(1 + k // 1000), 2, '0') || '00' AS guid,
    'C:\\Users\\user' || (i % {HOSTS} % 7) || '\\Downloads\\invoice ' || (k // 1000) || '.iso' AS image_path,
    1024 * k AS record_offset, k AS log_number, FALSE AS damaged, 'chain' AS origin
FROM (SELECT i, i // {HOSTS} AS k FROM range($first, $last) t(i))
"""
SYSMON = """
    host, time_utc, time_utc AS utc_time, 'Microsoft-Windows-Sysmon/Operational' AS channel, 'Microsoft-Windows-Sysmon' AS provider,
    k - k // 10 + 1 AS record_id, 'sysmon ' || host AS source_id, record_offset, damaged, origin,
    '{' || guid || '}' AS process_guid, 1000 + (started * 4) % 60000 AS process_id,
    'NT-DOMAIN\\user' || host_number % 7 AS "user"
"""
PROGRAM = """
    CASE WHEN started % 1000 = 20 AND host_number % 10 = 0 THEN 'E:\\setup.exe'
        WHEN hash(started) % 5 = 0 THEN 'C:\\Program Files\\Vendor ' || hash(started) % 40 || '\\app.exe'
        ELSE 'C:\\Windows\\System32\\tool' || hash(started) % 60 || '.exe' END
"""
HASHES = "'MD5=' || upper(md5(name)) || ',SHA256=' || upper(sha256(name))"
FILL = {
    "sysmon_process_create": f"""
        SELECT * EXCLUDE (name), {HASHES} AS hashes FROM (
            SELECT {SYSMON}, 1 AS event_id, {PROGRAM} AS image, image AS name, '"' || image || '" /run ' || k % 50 AS command_line,
                'C:\\Windows\\System32\\' AS current_directory, 'Medium' AS integrity_level,
                    1000 + ((started - 10) * 4) % 60000 AS parent_process_id, 'C:\\Windows\\explorer.exe' AS parent_image
            FROM base WHERE kind = 0)""",
    "sysmon_process_terminate": f"""
        SELECT {SYSMON}, 5 AS event_id, {PROGRAM} AS image FROM base WHERE kind = 1""",
    "system_boot": """
        SELECT host, time_utc, 'System' AS channel, 'Microsoft-Windows-Kernel-General' AS provider,
            CASE turn WHEN 999 THEN 12 ELSE 13 END AS event_id, 2 * (k // 1000) + (turn = 999)::INTEGER + 1 AS record_id,
            'system ' || host AS source_id, record_offset, damaged, origin
        FROM base WHERE turn IN (989, 999)""",
    "sysmon_image_load": f"""
        SELECT * EXCLUDE (name), {HASHES} AS hashes FROM (
            SELECT {SYSMON}, 7 AS event_id, {PROGRAM} AS image, 'C:\\Windows\\System32\\lib' || hash(k) % 400 || '.dll' AS image_loaded,
                image_loaded AS name, TRUE AS signed, 'Microsoft Windows' AS signature, 'Valid' AS signature_status
            FROM base WHERE kind BETWEEN 2 AND 5)""",
    "sysmon_network": f"""
        SELECT {SYSMON}, 3 AS event_id, {PROGRAM} AS image, 'tcp' AS protocol, TRUE AS initiated, '10.0.0.' || host_number % 250 AS source_ip,
            49152 + k % 16000 AS source_port, '203.0.113.' || hash(k) % 250 AS destination_ip, 443 AS destination_port
        FROM base WHERE kind BETWEEN 6 AND 7""",
    "sysmon_file_create": f"""
        SELECT {SYSMON}, 11 AS event_id, {PROGRAM} AS image, time_utc AS creation_utc_time,
            CASE WHEN turn = 8 THEN image_path ELSE 'C:\\Users\\user' || host_number % 7 || '\\AppData\\Local\\Temp\\t' || k || '.tmp' END AS target_filename
        FROM base WHERE kind = 8""",
    "security_process_create": f"""
        SELECT host, time_utc, 'Security' AS channel, 'Microsoft-Windows-Security-Auditing' AS provider, 4688 AS event_id,
            k // 10 - 4 * (k // 1000) - (turn > 9)::INTEGER - (turn > 59)::INTEGER - (turn > 989)::INTEGER + 1 AS record_id, 'security ' || host AS source_id,
            record_offset, damaged, origin, 'user' || host_number % 7 AS subject_user_name, 1000 + (started * 4) % 60000 AS new_process_id,
            {PROGRAM} AS new_process_name, 1000 + ((started - 10) * 4) % 60000 AS process_id, 'S-1-16-8192' AS mandatory_label
        FROM base WHERE kind = 9 AND turn NOT IN (9, 59, 989, 999)""",
    "vhdmp": """
        SELECT host, time_utc, 'Microsoft-Windows-VHDMP-Operational' AS channel, 'Microsoft-Windows-VHDMP' AS provider,
            CASE turn WHEN 9 THEN 1 ELSE 2 END AS event_id, 2 * (k // 1000) + (turn = 59)::INTEGER + 1 AS record_id,
            'vhdmp ' || host AS source_id, record_offset, damaged, origin, image_path AS vhd_file, 0 AS vhd_disk_number
        FROM base WHERE turn IN (9, 59)""",
}  # fmt: skip
SOURCES = """
INSERT INTO source BY NAME
SELECT log || ' ' || host AS source_id, host, 'record' AS host_basis, 'evtx' AS kind, 'done' AS state,
    host || '/C/Windows/System32/winevt/Logs/' || file || '.evtx' AS path, 'C:\\Windows\\System32\\winevt\\Logs\\' || file || '.evtx' AS windows_path
FROM (SELECT DISTINCT host FROM sysmon_process_create),
    (VALUES ('sysmon', 'Microsoft-Windows-Sysmon%4Operational'), ('security', 'Security'), ('system', 'System'), ('vhdmp', 'Microsoft-Windows-VHDMP-Operational')) l(log, file)
"""
CHILD = """
import json, resource, sys
from pathlib import Path
from forensic_iso.case.store import open_writer
from forensic_iso.correlate.run import run
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
with open_writer(Path(sys.argv[1])) as con:
    started = cpu()
    steps = run(con)
    used = cpu() - started
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    counts = {t: con.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("mount_session", "execution", "finding")}
print(json.dumps([used, peak, counts, [[s.name, s.rows, s.seconds] for s in steps]]))
"""


def fill(con: duckdb.DuckDBPyConnection, events: int) -> None:
    """Put so many events of the fleet into the tables of an empty case."""
    for first in range(0, events, STEP):
        con.execute(BASE, {"first": first, "last": min(first + STEP, events)})
        for table, query in FILL.items():
            con.execute(f"INSERT INTO {table} BY NAME {query}")
    con.execute(SOURCES)


def main(*millions: str) -> None:
    """Print the figures of each size."""
    costs = []
    for size in millions or ("1", "10"):
        events = int(float(size) * 1_000_000)
        with tempfile.TemporaryDirectory() as tmp:
            case = Path(tmp) / "case"
            with open_writer(case) as con:
                fill(con, events)
            command = [sys.executable, "-c", CHILD, str(case)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        cpu, peak, counts, steps = json.loads(done.stdout.splitlines()[-1])
        costs.append(cpu / events * 1e6)
        sys.stdout.write(
            f"{events:,} events: {cpu:.1f} s CPU (under 60 at 10 million), {peak:.0f} MB (under 4,000),"
            f" {costs[-1]:.2f} us an event; rows: {counts}\n"
        )
        for name, _, seconds in sorted(steps, key=lambda s: -float(s[2]))[:8]:
            sys.stdout.write(f"    {name}: {seconds:.1f} s\n")
        sys.stdout.flush()
    sys.stdout.write(f"cost of an event, last size / first: {costs[-1] / costs[0]:.2f}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
