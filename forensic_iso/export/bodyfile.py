"""Bodyfile of The Sleuth Kit 3: one file per `$MFT`, since paths do not tell volumes and shadow copies apart.

MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime, times in whole seconds since 1970 UTC, cut and not rounded. The format has no
rule for its own separators in a name: they are written as %7C, line breaks as %0A and %0D, a percent sign as %25.
"""

from pathlib import Path

import duckdb

from forensic_iso.export.stream import Counter, blocks
from forensic_iso.folder import safe_name

NAME = "replace(replace(replace(replace(coalesce(n.path, n.name, ''), '%', '%25'), '|', '%7C'), chr(10), '%0A'), chr(13), '%0D')"
QUERY = f"""
WITH size AS (
    SELECT source_id, record, max(size_bytes) AS bytes FROM mft_stream
    WHERE source_id = $1 AND coalesce(stream, '') = '' GROUP BY ALL
)
SELECT
    concat_ws('|', '0', {NAME} || CASE WHEN n.in_use THEN '' ELSE ' (deleted)' END, n.record || '-' || n.sequence,
        CASE WHEN n.is_directory THEN 'd/drwxrwxrwx' ELSE 'r/rrwxrwxrwx' END, '0', '0',
        coalesce(z.bytes, n.fn_size_bytes, 0), coalesce(floor(epoch(e.si_accessed_utc))::BIGINT, 0),
        coalesce(floor(epoch(e.si_modified_utc))::BIGINT, 0), coalesce(floor(epoch(e.si_mft_changed_utc))::BIGINT, 0),
        coalesce(floor(epoch(e.si_created_utc))::BIGINT, 0)) AS line,
    concat_ws('|', '0', {NAME} || ' ($FILE_NAME)' || CASE WHEN n.in_use THEN '' ELSE ' (deleted)' END,
        n.record || '-' || n.sequence, CASE WHEN n.is_directory THEN 'd/drwxrwxrwx' ELSE 'r/rrwxrwxrwx' END, '0', '0',
        coalesce(z.bytes, n.fn_size_bytes, 0), coalesce(floor(epoch(n.fn_accessed_utc))::BIGINT, 0),
        coalesce(floor(epoch(n.fn_modified_utc))::BIGINT, 0), coalesce(floor(epoch(n.fn_mft_changed_utc))::BIGINT, 0),
        coalesce(floor(epoch(n.fn_created_utc))::BIGINT, 0)) AS second
FROM mft_name n
LEFT JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record AND e.sequence = n.sequence
LEFT JOIN size z ON z.source_id = n.source_id AND z.record = n.record
WHERE n.source_id = $1 AND coalesce(n.namespace, 0) <> 2
ORDER BY n.source_id, n.record, n.sequence, line, second
"""
"""Names of the DOS namespace (2) say the same as the long ones and are left out."""


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """One file per `$MFT`; a host with several has them numbered, the manifest says which is which."""
    found = con.execute(
        "SELECT DISTINCT n.host, n.source_id, s.path FROM mft_name n LEFT JOIN source s USING (source_id)"
        " ORDER BY n.host, s.path, n.source_id"
    ).fetchall()
    if not found:
        (out / "bodyfile.txt").write_bytes(b"# no $MFT in this case\n")
        counter.files.append({"path": "bodyfile.txt", "rows": 0})
    hosts = [host for host, _, _ in found]
    for place, (host, source, path) in enumerate(found):
        number = f".{hosts[:place].count(host) + 1}" if hosts.count(host) > 1 else ""
        name = f"{safe_name(host or 'unknown')}{number}.bodyfile"
        rows = 0
        with (out / name).open("wb") as sink:
            sink.write(
                b"# MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime; UTC; %7C is |\n"
            )
            for block in blocks(con, QUERY, (source,)):
                lines = [x for pair in block.select("line", "second").iter_rows() for x in pair]
                sink.write(("\n".join(lines) + "\n").encode())
                rows += len(lines)
                counter.add(name, block.height)
        counter.files.append({"path": name, "rows": rows, "source_id": source, "source": path})
