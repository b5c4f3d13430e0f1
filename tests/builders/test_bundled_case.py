"""The bundled cases are what the generator makes, and their truth agrees with their logs."""

import hashlib
import json
from pathlib import Path

from evtx import PyEvtxParser

from tests.builders.bundled_case import STORIES, TESTDATA, write_all

LOGS = "C/Windows/System32/winevt/Logs"


def digests(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def texts(log: Path) -> list[str]:
    return [record["data"] for record in PyEvtxParser(str(log)).records_json() if record]


def test_generator_makes_the_files_that_are_bundled(tmp_path: Path) -> None:
    write_all(tmp_path)

    made = digests(tmp_path)

    bundled = {k: d for k, d in digests(TESTDATA).items() if k.split("/")[0] in STORIES}
    assert made == bundled


def test_bundled_cases_stay_small() -> None:
    assert sum(p.stat().st_size for p in TESTDATA.rglob("*") if p.is_file()) < 3_000_000


def test_every_log_is_read_to_its_end_in_order_of_time() -> None:
    for log in TESTDATA.rglob("*.evtx"):
        records = texts(log)

        times = [json.loads(r)["Event"]["System"]["TimeCreated"] for r in records]
        stamps = [t["#attributes"]["SystemTime"] for t in times]
        assert records
        assert stamps == sorted(stamps), log.name


def test_truth_names_what_the_logs_hold() -> None:
    for name in STORIES:
        truth = json.loads((TESTDATA / name / "truth.json").read_text(encoding="utf-8"))
        host = truth["hosts"][0]["name"]
        logs = TESTDATA / name / "evidence" / host / LOGS
        sysmon = "\n".join(texts(logs / "Microsoft-Windows-Sysmon%4Operational.evtx"))
        vhdmp = "\n".join(texts(logs / "Microsoft-Windows-VHDMP-Operational.evtx"))

        assert all(json.dumps(m["image_path"])[1:-1] in vhdmp for m in truth["mounts"])
        assert all(f'"ProcessId":{e["pid"]},' in sysmon for e in truth["executions"])
        assert all(json.dumps(f["value"])[1:-1] in sysmon for f in truth["follow_on"])
        assert {f["verdict"] for f in truth["findings"]} <= {
            "delivered",
            "mounted",
            "executed",
            "active",
        }
