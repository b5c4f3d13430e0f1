"""Columns of the report's listings, and the queries that give them."""

from forensic_iso.attack import NAMES
from forensic_iso.report.model import Field, Kind
from forensic_iso.story import PARTS, part_query

TIME = Field("time_utc", "Time", Kind.TIME)
SURE = Field("confidence", "Confidence", Kind.NUMBER)
BASIS = Field("basis", "Basis")
ROWS = Field("rows", "Rows of evidence", Kind.CODE)

DELIVERY = (
    TIME,
    Field("zone_id", "Zone", Kind.NUMBER),
    Field("host_url", "From", Kind.INDICATOR),
    Field("referrer_url", "Referrer", Kind.INDICATOR),
    Field("trace", "Kind"),
    Field("writer_path", "Written by", Kind.CODE),
    Field("source", "Told by"),
    SURE,
    ROWS,
    Field("delivery_id", "Id", Kind.CODE),
)
SESSION = (
    Field("opened_utc", "Mounted", Kind.TIME),
    Field("closed_utc", "Unmounted", Kind.TIME),
    Field("image_path", "Image", Kind.CODE),
    Field("volume", "Volume", Kind.CODE),
    Field("volume_label", "Label"),
    Field("volume_serial", "Serial", Kind.CODE),
    Field("user_sid", "Account", Kind.CODE),
    BASIS,
    Field("close_basis", "End"),
    Field("noise_reason", "Not a delivered image, because"),
    SURE,
    ROWS,
    Field("session_id", "Id", Kind.CODE),
)
EXECUTION = (
    TIME,
    Field("kind", "Kind"),
    Field("process_path", "Program", Kind.CODE),
    Field("command_line", "Command line", Kind.CODE),
    Field("pid", "PID", Kind.NUMBER),
    Field("user_name", "Account"),
    BASIS,
    SURE,
    ROWS,
    Field("execution_id", "Id", Kind.CODE),
)
FOLLOW_ON = (
    TIME,
    Field("kind", "Act"),
    Field("value", "Value", Kind.INDICATOR),
    Field("detail", "Detail", Kind.CODE),
    Field("process_path", "Program", Kind.CODE),
    BASIS,
    SURE,
    ROWS,
    Field("follow_on_id", "Id", Kind.CODE),
)
EVIDENCE = (
    Field("step", "Link"),
    Field("role", "What the row says"),
    Field("table_name", "Table", Kind.CODE),
    Field("row_address", "Address", Kind.CODE),
    Field("record_id", "Record id", Kind.NUMBER),
    Field("path", "File", Kind.CODE),
    Field("source_id", "Item", Kind.CODE),
)
CONTENT = (
    Field("path", "Path in the image", Kind.CODE),
    Field("size_bytes", "Bytes", Kind.NUMBER),
    Field("recorded_utc", "Recorded", Kind.TIME),
    Field("hidden", "Hidden"),
    Field("sha256", "SHA-256", Kind.CODE),
    Field("md5", "MD5", Kind.CODE),
    Field("run", "Run"),
    Field("record_offset", "Address", Kind.CODE),
)
SIGMA = (
    TIME,
    Field("level", "Level"),
    Field("title", "Rule"),
    Field("basis", "Supports the finding as"),
    Field("table_name", "Table", Kind.CODE),
    Field("row_address", "Address", Kind.CODE),
    Field("path", "File", Kind.CODE),
    Field("rule_id", "Rule id", Kind.CODE),
)
SIGMA_RULES = (
    Field("level", "Level"),
    Field("title", "Rule"),
    Field("hits", "Hits", Kind.NUMBER),
    Field("in_findings", "Of them supporting a finding", Kind.NUMBER),
    Field("hosts", "Hosts", Kind.NUMBER),
    Field("first_utc", "First", Kind.TIME),
    Field("last_utc", "Last", Kind.TIME),
    Field("attack_ids", "Techniques", Kind.CODE),
    Field("rule_id", "Rule id", Kind.CODE),
    Field("rule_file", "File of the rule", Kind.CODE),
)
SIGMA_NOT_RUN = (
    Field("rule_file", "File of the rule", Kind.CODE),
    Field("title", "Rule"),
    Field("state", "State"),
    Field("reason", "Why"),
)
OVERVIEW = (
    Field("severity", "Severity"),
    Field("verdict", "Verdict"),
    Field("host", "Host"),
    Field("image_path", "Image", Kind.CODE),
    Field("first_utc", "First", Kind.TIME),
    Field("last_utc", "Last", Kind.TIME),
    Field("score", "Score", Kind.NUMBER),
    SURE,
    Field("finding_id", "Finding", Kind.CODE),
)
TIMELINE = (
    TIME,
    Field("host", "Host"),
    Field("source", "Source"),
    Field("kind", "Kind"),
    Field("summary", "What"),
    Field("table_name", "Table", Kind.CODE),
    Field("row_address", "Address", Kind.CODE),
)
COVERAGE = (
    Field("host", "Host"),
    Field("channel", "Log or artifact"),
    Field("first_utc", "First", Kind.TIME),
    Field("last_utc", "Last", Kind.TIME),
    Field("records", "Records", Kind.NUMBER),
    Field("gaps", "Missing", Kind.NUMBER),
    Field("cleared", "Cleared", Kind.NUMBER),
    Field("remark", "Limits"),
)
READ = COVERAGE[1:]
"""Coverage of one host."""
MANIFEST = (
    Field("source_id", "Item", Kind.CODE),
    Field("host", "Host"),
    Field("path", "Path", Kind.CODE),
    Field("kind", "Kind"),
    Field("state", "State"),
    Field("bytes", "Bytes", Kind.NUMBER),
    Field("sha256", "SHA-256", Kind.CODE),
    Field("rows", "Rows", Kind.NUMBER),
    Field("problems", "Problems", Kind.NUMBER),
    Field("remark", "Remark"),
)
PROBLEMS = (
    Field("severity", "Severity"),
    Field("code", "Problem", Kind.CODE),
    Field("number", "Times", Kind.NUMBER),
    Field("path", "First in", Kind.CODE),
    Field("place", "At", Kind.CODE),
    Field("expected", "Expected"),
    Field("found", "Found"),
    Field("message", "What was done"),
)
TECHNIQUES = (
    Field("technique", "Technique", Kind.CODE),
    Field("technique_name", "Name"),
    Field("findings", "Findings", Kind.NUMBER),
    Field("images", "Images", Kind.CODE),
)
PARSERS = (
    Field("kind", "Parser"),
    Field("parser_version", "Version", Kind.NUMBER),
    Field("artifacts", "Artifacts", Kind.NUMBER),
    Field("rows", "Rows", Kind.NUMBER),
)
RULES = (Field("name", "Rule", Kind.CODE), Field("value", "Value", Kind.NUMBER))
NOTES = (
    TIME,
    Field("author", "By"),
    Field("tags", "Tags"),
    Field("text", "Note"),
    Field("about", "On"),
    Field("subject", "Stable id", Kind.CODE),
)

SEVERITIES = ("critical", "high", "medium", "low", "info")
"""The worst first. A marked image that was run is at least medium whatever its score."""
SHOWN_FINDINGS = (
    "(SELECT finding_id FROM finding WHERE ($host IS NULL OR host = $host)"
    " AND ($finding IS NULL OR finding_id = $finding)"
    " AND ($from_utc IS NULL OR last_utc >= $from_utc::TIMESTAMP_NS)"
    " AND ($to_utc IS NULL OR first_utc < $to_utc::TIMESTAMP_NS))"
)
WHOLE_HOST = "all evidence of this host"
"""Row of the table coverage that says of a host what its evidence rests on."""
OF_HOST = "($host IS NULL OR host = $host)"

OVERVIEW_SQL = f"""
SELECT severity, verdict, host, image_path, first_utc, last_utc, score, confidence, finding_id
FROM finding WHERE finding_id IN {SHOWN_FINDINGS}
ORDER BY list_position({list(SEVERITIES)}, severity), score DESC, host, image_path, finding_id"""

TIMELINE_SQL = f"""
WITH subject AS (
    SELECT finding_id AS id FROM finding WHERE finding_id IN {SHOWN_FINDINGS}
    UNION SELECT part_id FROM finding_part WHERE finding_id IN {SHOWN_FINDINGS}
),
cited AS (
    SELECT DISTINCT source_id, table_name, row_address FROM evidence_ref JOIN subject ON subject_id = id
    UNION SELECT NULL, NULL, id FROM subject
)
SELECT t.time_utc, t.host, t.source, t.kind, t.summary, t.table_name, t.row_address
FROM timeline t
SEMI JOIN cited c
    ON c.row_address = t.row_address
    AND c.source_id IS NOT DISTINCT FROM t.source_id
    AND (c.table_name IS NULL OR c.table_name = t.table_name)
WHERE t.severity > 0
    AND ($from_utc IS NULL OR t.time_utc >= $from_utc::TIMESTAMP_NS)
    AND ($to_utc IS NULL OR t.time_utc < $to_utc::TIMESTAMP_NS)
ORDER BY t.rid"""

COVERAGE_SQL = f"""
SELECT host, channel, first_utc, last_utc, CASE WHEN channel <> '{WHOLE_HOST}' THEN records END AS records,
    CASE WHEN records > 0 OR gaps > 0 THEN gaps END AS gaps, CASE WHEN records > 0 OR cleared > 0 THEN cleared END AS cleared, remark
FROM coverage WHERE {OF_HOST} ORDER BY host, channel <> '{WHOLE_HOST}', channel, first_utc"""

MANIFEST_SQL = f"""
SELECT source_id, host, path, kind, state, bytes, sha256, rows, problems, remark
FROM source WHERE ({OF_HOST} OR host IS NULL) ORDER BY state = 'skipped', host, path, source_id"""

PROBLEMS_SQL = """
SELECT p.severity, p.code, count(*) AS number, min(p.path) AS path,
    arg_min(p.place, (p.path, p.place)) AS place, arg_min(p.expected, (p.path, p.place)) AS expected,
    arg_min(p.found, (p.path, p.place)) AS found, arg_min(p.message, (p.path, p.place)) AS message
FROM problem p LEFT JOIN source s USING (source_id)
WHERE ($host IS NULL OR s.host IS NULL OR s.host = $host)
GROUP BY p.severity, p.code
ORDER BY list_position(['error', 'warning', 'info'], p.severity), number DESC, p.code"""

_NAMES = "\n    ".join(f"WHEN '{t}' THEN '{n}'" for t, n in NAMES.items())
TECHNIQUES_SQL = f"""
SELECT technique, CASE technique
    {_NAMES}
    END AS technique_name, count(DISTINCT finding_id) AS findings, string_agg(DISTINCT image_path, '; ' ORDER BY image_path) AS images
FROM (
    SELECT finding_id, image_path, unnest(string_split(attack_ids, ', ')) AS technique
    FROM finding WHERE finding_id IN {SHOWN_FINDINGS}
)
WHERE technique <> '' GROUP BY technique ORDER BY findings DESC, technique"""

PARSERS_SQL = """
SELECT kind, parser_version, count(*) AS artifacts, sum(rows)::BIGINT AS rows
FROM source WHERE kind IS NOT NULL GROUP BY kind, parser_version ORDER BY kind, parser_version"""

RULES_SQL = "SELECT name, value FROM rule ORDER BY name"

CONTENT_SQL = r"""
WITH named AS (
    SELECT finding_id, host, lower(image_path) AS image FROM finding
    UNION SELECT finding_id, host, lower(image_path) FROM finding_part
),
file AS (
    SELECT n.finding_id, lower(i.path) AS place, i.* EXCLUDE (host)
    FROM image_content i
    JOIN source s USING (source_id)
    JOIN named n ON n.host = s.host AND n.image = lower(s.windows_path)
    WHERE NOT i.is_directory
),
run_part AS (
    SELECT p.finding_id, e.execution_id, e.target
    FROM finding_part p
    JOIN execution e ON e.execution_id = p.part_id
),
target AS (
    SELECT DISTINCT finding_id, lower(regexp_replace(replace(target, '/', '\'),
        '^(\\\\[?.]\\|\\\?\?\\)?([A-Za-z]:|\\Device\\[^\\]+|Volume\{[^}]+\})\\', '', 'i')) AS place
    FROM run_part
    WHERE target IS NOT NULL
),
ran AS (
    SELECT f.finding_id, f.source_id, f.record_offset
    FROM file f
    JOIN target t ON t.finding_id = f.finding_id AND (t.place = f.place OR ends_with(f.place, '\' || t.place))
    QUALIFY t.place = f.place OR count(*) OVER (PARTITION BY f.finding_id, t.place) = 1
    UNION
    SELECT f.finding_id, f.source_id, f.record_offset
    FROM file f
    JOIN evidence_ref r ON r.table_name = 'image_content' AND r.source_id = f.source_id AND r.row_address = f.record_offset::VARCHAR
    JOIN run_part e ON e.execution_id = r.subject_id AND e.finding_id = f.finding_id
    WHERE NOT ends_with(f.place, '.lnk')
)
SELECT f.finding_id, f.path, f.size_bytes, f.recorded_utc, f.hidden, f.sha256, f.md5, r.finding_id IS NOT NULL AS run, f.record_offset
FROM file f
LEFT JOIN ran r ON r.finding_id = f.finding_id AND r.source_id = f.source_id AND r.record_offset = f.record_offset
ORDER BY f.finding_id, f.path, f.record_offset, f.source_id"""

STORY_QUERIES = {
    **{name: part_query(name, "p.finding_id = $id") for name in PARTS},
    "image_content": CONTENT_SQL.strip(),
    "evidence": "SELECT r.step, r.role, r.table_name, r.row_address, s.path, r.source_id FROM evidence_ref r"
    " LEFT JOIN source s USING (source_id) WHERE r.subject_id = $id ORDER BY ALL",
}
"""Queries of a finding's listings, for whoever wants to ask again; $id is the finding's, in the last that of a finding,
delivery, session, execution or act."""
