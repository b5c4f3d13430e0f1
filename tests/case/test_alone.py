"""When an ingest starts no processes of its own accord."""

from pathlib import Path

from forensic_iso.case import alone


def test_a_few_logs_need_no_other_process(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/Security.EVTX").write_bytes(b"ElfFile\0")

    assert alone.workers_for([tmp_path, tmp_path / "logs/Security.EVTX"]) == 0


def test_large_logs_and_other_artifacts_get_every_core(tmp_path: Path) -> None:
    large, mixed = tmp_path / "large", tmp_path / "mixed"
    for folder in (large, mixed):
        folder.mkdir()
        (folder / "Security.evtx").write_bytes(b"ElfFile\0")
    with (large / "System.evtx").open("wb") as f:
        f.truncate(alone.ALONE_BYTES)
    (mixed / "SYSTEM").write_bytes(b"regf")

    assert alone.workers_for([large]) == alone.workers_for([mixed]) == alone.cores()
    assert alone.workers_for([tmp_path / "missing.evtx"]) == alone.cores()
