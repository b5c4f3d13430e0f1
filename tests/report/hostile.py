"""A case whose every text that reaches a page is hostile."""

import shutil
from pathlib import Path

import duckdb

from forensic_iso.sigma.support import support_view_sql

STRINGS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)//",
    "</style><script>alert(1)</script>",
    "</title></desc><a href=http://evil.example/>x</a>",
    "{{ 7*7 }}{% for x in report %}{{ x }}{% endfor %}",
    "a\x1b[31mred\x1b[0m\x07",
    "cod\u202eexe.iso",
    "null\x00byte\r\nline",
    "z\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301algo",
    '=HYPERLINK("http://evil.example/","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '#let x = 1; #read("/etc/passwd") $x$ <b>',
    "[link](http://evil.example/) `code` | pipe\n# heading",
    "]]>--><!-- &amp; &#x3c;",
)
KEYS = frozenset({"verdict", "severity"})
LINKS = frozenset(
    {"finding_id", "delivery_id", "session_id", "execution_id", "follow_on_id", "process_key", "parent_key", "subject_id",
     "source_id", "host", "image_path", "windows_path", "table_name", "row_address", "state", "kind"}
)  # fmt: skip
TABLES = (
    "finding", "image_delivery", "mount_session", "execution", "follow_on", "process", "coverage", "image_content",
    "source", "problem", "timeline",
)  # fmt: skip
HOST = "<b onclick=alert(1)>HOST\u202e</b>"
IMAGE = 'C:\\Users\\x\\"><script>alert(2)</script>\u202e.iso'


def hostile_case(bundled: Path, into: Path) -> Path:
    """A copy of a case in which all free texts are hostile, and host and image have hostile names."""
    shutil.copytree(bundled, into)
    with duckdb.connect(str(into / "case.duckdb")) as con:
        for table in TABLES:
            columns = con.execute(
                "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND data_type = 'VARCHAR'",
                [table],
            ).fetchall()
            free = [c for (c,) in columns if c not in LINKS | KEYS]
            con.execute(f"CREATE TEMP TABLE numbered AS SELECT rowid AS r FROM {table}")
            for place, column in enumerate(free):
                con.execute(
                    f'UPDATE {table} SET "{column}" = list_extract(?, 1 + (rowid + ?) % ?)',
                    [list(STRINGS), place, len(STRINGS)],
                )
            names = {c for (c,) in columns}
            if "host" in names:
                con.execute(f"UPDATE {table} SET host = ? WHERE host IS NOT NULL", [HOST])
            for column in {"image_path", "windows_path"} & names:
                con.execute(
                    f"UPDATE {table} SET {column} = ? WHERE {column} LIKE '%40771.iso'", [IMAGE]
                )
            con.execute("DROP TABLE numbered")
        con.execute(
            "INSERT INTO problem SELECT NULL, s, s, 'error', s, s, s, s FROM (SELECT unnest(?) AS s)",
            [list(STRINGS)],
        )
        _rules(con)
    return into


def _rules(con: duckdb.DuckDBPyConnection) -> None:
    """Hits of Sigma rules with hostile words on rows that findings cite, and rules that were not run."""
    con.execute(support_view_sql())
    con.execute(
        "INSERT INTO sigma_hit BY NAME SELECT 'h' || n AS hit_id, s AS title, s AS rule_id, s AS level, s AS rule_file,"
        " s AS attack_ids, s AS rule_set, $2 AS host, TIMESTAMP_NS '2024-05-14 08:17:00' AS time_utc, e.* FROM"
        " (SELECT unnest($1) AS s, unnest(range(len($1))) AS n), (SELECT r.table_name, r.source_id, r.row_address"
        "  FROM evidence_ref r JOIN finding f ON f.finding_id = r.subject_id ORDER BY ALL LIMIT 1) e",
        [list(STRINGS), HOST],
    )
    con.execute(
        "INSERT INTO sigma_rule BY NAME SELECT s AS title, s AS rule_file, s AS reason, s AS rule_set, 'refused' AS state"
        " FROM (SELECT unnest(?) AS s)",
        [list(STRINGS)],
    )
