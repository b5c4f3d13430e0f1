"""Writes the report's folder: each form, the raw indicators, and a manifest with hashes."""

from dataclasses import replace
from pathlib import Path

import duckdb

from forensic_iso.folder import put, safe_name, write_manifest
from forensic_iso.report import jsonform, markdown
from forensic_iso.report.build import build, case_hosts
from forensic_iso.report.html import render as html
from forensic_iso.report.notes import Note, read_notes
from forensic_iso.report.options import Options
from forensic_iso.report.present import presenter
from forensic_iso.report.redact import Redactor


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
