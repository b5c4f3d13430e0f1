"""What a case holds, for the first screen: small tables only, whatever the number of rows."""

from dataclasses import dataclass

from forensic_iso.browse.case import Case, Record

MOST = 200
"""Rows of each list; the screen says where there are more."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Lists of the first screen. `severities` counts findings; `truncated` names lists that are cut."""

    hosts: list[Record]
    aliases: list[Record]
    severities: list[tuple[str, int]]
    findings: list[Record]
    sources: list[Record]
    coverage: list[Record]
    problems: list[Record]
    skipped: int
    truncated: list[str]
    unfinished: list[str]


def unfinished(case: Case) -> list[str]:
    """What a case lacks whose making was interrupted: its answers are no answers yet."""
    found = case.rows(
        "SELECT count(*) FILTER (state = 'pending'), count(*) FILTER (state = 'done' AND rows > 0) FROM source"
    )
    pending, read = (int(str(n)) for n in found[0])
    out = []
    if pending:
        out.append(
            f"{pending:,} artifacts are not read to the end: the reading was interrupted; analyze the evidence again"
        )
    if read and not case.total:
        out.append(
            "what was read is not correlated: no finding can be told yet; run forensic-iso correlate with this case"
        )
    return out


def findings(case: Case) -> list[Record]:
    """Findings, worst first."""
    return case.records(
        "SELECT * FROM finding ORDER BY score DESC, host, image_path, finding_id LIMIT 10000"
    )


def overview(case: Case) -> Overview:
    """The first screen's lists."""
    found = findings(case)
    counts: dict[str, int] = {}
    for f in found:
        counts[str(f["severity"])] = counts.get(str(f["severity"]), 0) + 1
    sources = case.records(
        "SELECT state, kind, count(*) AS files, sum(rows)::BIGINT AS rows, sum(problems)::BIGINT AS problems"
        f" FROM source GROUP BY ALL ORDER BY state, files DESC, kind LIMIT {MOST + 1}"
    )
    # What is absent stands last, so that it pushes out nothing that is there.
    coverage = case.records(
        "SELECT * FROM coverage ORDER BY coalesce(records, 0) = 0 AND first_utc IS NULL, host, channel"
        f" LIMIT {MOST + 1}"
    )
    problems = case.records(
        "SELECT severity, code, count(*) AS number, min(path) AS path, min(place) AS place, min(expected)"
        " AS expected, min(found) AS found, min(message) AS message FROM problem GROUP BY severity, code"
        " ORDER BY list_position(['error', 'warning', 'info'], severity), number DESC, code"
        f" LIMIT {MOST + 1}"
    )
    hosts = case.records(
        "SELECT s.host, count(*) AS files, sum(s.rows)::BIGINT AS rows,"
        " (SELECT count(*) FROM finding f WHERE f.host = s.host) AS findings,"
        " string_agg(DISTINCT s.host_basis, '; ') AS basis"
        f" FROM source s WHERE s.host IS NOT NULL GROUP BY s.host ORDER BY s.host LIMIT {MOST + 1}"
    )
    aliases = case.records(f"SELECT * FROM host_alias ORDER BY host, last_utc LIMIT {MOST + 1}")
    lists = {
        "hosts": hosts,
        "former names": aliases,
        "evidence": sources,
        "coverage": coverage,
        "problems": problems,
    }
    skipped = case.rows("SELECT count(*) FROM source WHERE state IN ('skipped', 'failed')")
    return Overview(
        hosts[:MOST],
        aliases[:MOST],
        [(s, counts[s]) for s in ("critical", "high", "medium", "low", "info") if s in counts],
        found,
        sources[:MOST],
        coverage[:MOST],
        problems[:MOST],
        int(str(skipped[0][0])),
        [name for name, rows in lists.items() if len(rows) > MOST],
        unfinished(case),
    )


def problem_rows(case: Case) -> list[Record]:
    """Problems one by one, worst first, the first 5,000."""
    return case.records(
        "SELECT severity, code, path, place, expected, found, message FROM problem ORDER BY"
        " list_position(['error', 'warning', 'info'], severity), path, code, place LIMIT 5000"
    )


def not_read(case: Case) -> list[Record]:
    """Files that were not read, and why, the first 5,000."""
    return case.records(
        "SELECT state, path, bytes, remark FROM source WHERE state <> 'done' ORDER BY state, path LIMIT 5000"
    )


def artifacts(case: Case, kind: object, state: object) -> list[Record]:
    """Artifacts of one kind and state, by path, the first 5,000; kind None: those not recognised."""
    return case.records(
        "SELECT source_id, host, path, bytes, sha256, rows, problems, remark FROM source"
        " WHERE kind IS NOT DISTINCT FROM ? AND state IS NOT DISTINCT FROM ?"
        " ORDER BY path, source_id LIMIT 5000",
        [kind, state],
    )


NO_EVIDENCE = ("source", "problem", "event_copy", "evidence_ref", "host_alias", "sigma_hit")
"""Tables that name artifacts and hold no rows of them."""


def tables_of(case: Case, source_id: str) -> list[str]:
    """Tables that hold rows of an artifact, `timeline` first where some of them have a time."""
    names = case.rows(
        "SELECT table_name FROM duckdb_columns() WHERE column_name = 'source_id'"
        " AND table_name IN (SELECT table_name FROM duckdb_tables())"
        " AND NOT list_contains(?, table_name) ORDER BY table_name <> 'timeline', table_name",
        [list(NO_EVIDENCE)],
    )
    return [
        str(name)
        for (name,) in names
        if case.rows(f'SELECT 1 FROM "{name}" WHERE source_id = ? LIMIT 1', [source_id])
    ]


def sessions(case: Case) -> list[Record]:
    """Mount sessions in order of their opening, with their times in ns."""
    return case.records(
        "SELECT *, epoch_ns(opened_utc) AS opened_at, epoch_ns(closed_utc) AS closed_at,"
        " (SELECT count(*) FROM execution e WHERE e.session_id = s.session_id) AS executions,"
        " (SELECT list(epoch_ns(e.time_utc) ORDER BY e.time_utc) FROM execution e WHERE e.session_id = s.session_id)"
        " AS executed_at FROM mount_session s ORDER BY host, coalesce(opened_utc, closed_utc), session_id LIMIT 5000"
    )


def volume_claims(case: Case, session_id: str) -> list[Record]:
    """Grounds for giving a volume to a session, also those that lost, the strongest first."""
    return case.records(
        "SELECT * FROM volume_claim WHERE session_id = ?"
        " ORDER BY verdict <> 'taken', confidence DESC, volume, form LIMIT 50",
        [session_id],
    )


def images(case: Case) -> list[Record]:
    """Disk images whose contents were read."""
    return case.records(
        "SELECT c.source_id, any_value(c.host) AS host, any_value(c.volume_label) AS volume_label,"
        " any_value(c.volume_serial) AS volume_serial, count(*) AS files, any_value(s.path) AS path,"
        " any_value(s.windows_path) AS windows_path, any_value(s.sha256) AS sha256"
        " FROM image_content c LEFT JOIN source s USING (source_id) GROUP BY c.source_id"
        " ORDER BY path, c.source_id LIMIT 5000"
    )


def image_files(case: Case, source_id: str) -> list[Record]:
    """Files of one image, each with the runs that are its own: by hash, by path in this image, by path in another."""
    return case.records(
        "WITH item AS (SELECT c.*, s.windows_path AS lies,"
        " lower(replace(ltrim(c.path, '/\\'), '/', '\\')) AS inside"
        " FROM image_content c LEFT JOIN source s USING (source_id) WHERE c.source_id = $1),"
        " run AS (SELECT e.*, lower(replace(e.target, '/', '\\')) AS file, lower(p.hashes) AS hashes"
        " FROM execution e LEFT JOIN process p USING (process_key)),"
        " tie AS (SELECT i.record_offset, i.path, concat_ws(' ', r.time_utc::VARCHAR, r.host, r.user_name, r.kind,"
        " CASE WHEN i.sha256 IS NOT NULL AND contains(r.hashes, lower(i.sha256)) THEN '(same hash)'"
        " WHEN lower(r.image_path) = lower(i.lies) THEN '(path on the volume of this image)'"
        " ELSE '(same path on the volume of another image)' END) AS what"
        " FROM item i JOIN run r ON NOT i.is_directory AND ("
        " (i.sha256 IS NOT NULL AND contains(r.hashes, lower(i.sha256)))"
        " OR (r.file IS NOT NULL AND (r.file = i.inside OR ends_with(r.file, '\\' || i.inside)))))"
        " SELECT i.* EXCLUDE (lies, inside), t.runs FROM item i LEFT JOIN"
        " (SELECT record_offset, path, string_agg(DISTINCT what, '; ' ORDER BY what) AS runs FROM tie GROUP BY ALL) t"
        " USING (record_offset, path) ORDER BY i.path, i.record_offset LIMIT 20000",
        [source_id],
    )
