"""Writes the report's folder: each form, the raw indicators, and a manifest with hashes."""

from dataclasses import replace
from pathlib import Path

import duckdb

from forensic_iso.folder import put, safe_name, strangers, write_manifest
from forensic_iso.report import jsonform, markdown
from forensic_iso.report.build import build, hosts_of
from forensic_iso.report.html import render as html
from forensic_iso.report.notes import Note, read_notes
from forensic_iso.report.options import Options
from forensic_iso.report.present import presenter
from forensic_iso.report.redact import Redactor

REPORT = "report"
HOSTS = "hosts"


def write_report(
    con: duckdb.DuckDBPyConnection,
    out: Path,
    options: Options,
    notes: tuple[Note, ...] = (),
    template: Path | None = None,
    stem: str = REPORT,
    pdf: bool = False,
    redactor: Redactor | None = None,
) -> list[str]:
    """Write one report as HTML, Markdown and JSON (and PDF), with its indicators; remarks for the user are returned."""
    report = build(con, options, notes)
    if redactor:
        report = redactor.report(report)
    show = presenter(report, options.zone)
    page, text, data, raw, *printed = file_names(stem, pdf)
    put(out / page, html(report, show, template).encode())
    put(out / text, markdown.render(report, show).encode())
    put(out / data, jsonform.render(report).encode())
    put(out / raw, jsonform.indicator_lines(report.indicators).encode())
    if not printed:
        return []
    from forensic_iso.report import pdf as form

    content, remarks = form.render(report, show, options.issued)
    put(out / printed[0], content)
    return remarks


def file_names(stem: str, pdf: bool) -> list[str]:
    """Files of one report: the page, Markdown, JSON, the raw indicators and, if asked, the PDF."""
    raw = "indicators.jsonl" if stem == REPORT else f"{stem}.indicators.jsonl"
    return [f"{stem}.html", f"{stem}.md", f"{stem}.json", raw, *([f"{stem}.pdf"] if pdf else [])]


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
    written = file_names(REPORT, pdf)
    if per_host:
        for host in hosts_of(con, options):
            name = safe_name(redactor.host(host) if redactor else host)
            one = replace(options, host=host)
            remarks += write_report(con, out / HOSTS, one, notes, template, name, pdf, redactor)
            written += [f"{HOSTS}/{n}" for n in file_names(name, pdf)]
    about: dict[str, object] = {"what": REPORT, "issued": options.issued, "redacted": options.redact}  # fmt: skip
    write_manifest(out, about, written)
    return [*remarks, *filter(None, [strangers(out)])]
