"""Writes the report's folder: each form, the raw indicators, and a manifest with hashes."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import duckdb

from forensic_iso.errors import SystemFault, UsageError
from forensic_iso.report import jsonform, markdown
from forensic_iso.report.build import build, case_hosts
from forensic_iso.report.html import render as html
from forensic_iso.report.notes import Note, read_notes
from forensic_iso.report.options import Options
from forensic_iso.report.present import presenter
from forensic_iso.report.redact import Redactor

MANIFEST = "manifest.json"


def claim(out: Path, force: bool) -> None:
    """Make the folder of a hand-over.

    Raises:
        UsageError: it holds files already and `force` is not set.
        SystemFault: it cannot be made.
    """
    try:
        if out.exists() and not out.is_dir():
            raise UsageError(
                f"writing to {out}: expected a folder, found a file; give another --out"
            )
        if out.is_dir() and any(out.iterdir()) and not force:
            raise UsageError(
                f"writing to {out}: expected an empty folder, found files; give another --out, or --force"
            )
        out.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise SystemFault(f"making the folder {out}: {e.strerror}; give another --out") from e


def put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".part")
    fresh.write_bytes(content)
    fresh.replace(path)


def write_manifest(out: Path, about: dict[str, object]) -> None:
    """Hash and length of each file of the folder, beside what is said of them."""
    files = []
    for path in sorted(p for p in out.rglob("*") if p.is_file() and p.name != MANIFEST):
        with path.open("rb") as f:
            digest = hashlib.file_digest(f, "sha256").hexdigest()
        files.append(
            {
                "path": path.relative_to(out).as_posix(),
                "bytes": path.stat().st_size,
                "sha256": digest,
            }
        )
    put(out / MANIFEST, (json.dumps({**about, "files": files}, indent=1) + "\n").encode())


def write_report(
    con: duckdb.DuckDBPyConnection,
    out: Path,
    options: Options,
    notes: tuple[Note, ...] = (),
    template: Path | None = None,
    stem: str = "report",
    pdf: bool = False,
    redactor: Redactor | None = None,
) -> list[str]:
    """Write one report as HTML, Markdown and JSON (and PDF), with its indicators; remarks for the user are returned."""
    report = build(con, options, notes)
    if redactor:
        report = redactor.report(report)
    show = presenter(report, options.zone)
    put(out / f"{stem}.html", html(report, show, template).encode())
    put(out / f"{stem}.md", markdown.render(report, show).encode())
    put(out / f"{stem}.json", jsonform.render(report).encode())
    name = "indicators.jsonl" if stem == "report" else f"{stem}.indicators.jsonl"
    put(out / name, jsonform.indicator_lines(report.indicators).encode())
    if not pdf:
        return []
    from forensic_iso.report import pdf as form

    content, remarks = form.render(report, show, options.issued)
    put(out / f"{stem}.pdf", content)
    return remarks


def write_all(
    con: duckdb.DuckDBPyConnection,
    case: Path,
    out: Path,
    options: Options,
    template: Path | None = None,
    per_host: bool = False,
    pdf: bool = False,
) -> list[str]:
    """The report of the case and, if asked, one per host; then the manifest of the folder."""
    notes = read_notes(case)
    redactor = Redactor(con, options.hidden) if options.redact else None
    remarks = write_report(con, out, options, notes, template, pdf=pdf, redactor=redactor)
    if per_host:
        for host in case_hosts(con):
            name = safe_name(redactor.host(host) if redactor else host)
            one = replace(options, host=host)
            remarks += write_report(con, out / "hosts", one, notes, template, name, pdf, redactor)
    write_manifest(out, {"what": "report", "issued": options.issued, "redacted": options.redact})
    return remarks


def safe_name(value: str) -> str:
    """A file name that any system takes: what is no letter, digit, dot or dash stands as %XX of its UTF-8."""
    out = quote(value, safe="").replace("~", "%7E").replace("*", "%2A")
    return f"%2E{out[1:]}" if out.startswith(".") else out[:150] or "%"
