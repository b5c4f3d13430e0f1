"""Tables that all browsers fill."""

from parsers.contract import Column, Moment, Sql, Table

_BROWSER = Column(
    "browser",
    Sql.TEXT,
    "Family of the database: chromium (Chrome, Edge and kin), firefox or webcache (Internet Explorer, old Edge, WinINet)",
)
_PROVENANCE = (
    Column(
        "origin",
        Sql.TEXT,
        "database; wal: the row is from the write-ahead log; database_before_wal: the log replaced or removed it; "
        "log: a log of a WebCache that was in use adds it; log_open: so, by a transaction that the logs do not end",
    ),
    Column("database_table", Sql.TEXT, "Table of the browser's database that holds the row"),
    Column("row_id", Sql.I64, "Row number in that table (webcache: EntryId)"),
)

BROWSER_DOWNLOAD = Table(
    "browser_download",
    "Downloads that a browser remembers",
    (
        _BROWSER,
        Column(
            "start_utc",
            Sql.TIME,
            "Start, UTC; Firefox: when the target was noted; webcache: last access of the entry (AccessedTime)",
        ),
        Column("end_utc", Sql.TIME, "End of the download, UTC"),
        Column("target_path", Sql.TEXT, "Path the file was to get"),
        Column(
            "current_path",
            Sql.TEXT,
            "Path it had when the row was written (temporary name, if not done)",
        ),
        Column("url", Sql.TEXT, "Last URL of the chain: what HostUrl of the Zone.Identifier says"),
        Column("url_chain", Sql.TEXT, "All URLs from the first to the last redirect, one a line"),
        Column("referrer_url", Sql.TEXT, "Referrer; Firefox: page of the visit before"),
        Column("tab_url", Sql.TEXT, "URL of the tab"),
        Column("tab_referrer_url", Sql.TEXT, "Referrer of the tab"),
        Column("mime_type", Sql.TEXT, "MIME type the server gave"),
        Column("received_bytes", Sql.I64, "Bytes received"),
        Column("total_bytes", Sql.I64, "Bytes expected"),
        Column(
            "state", Sql.TEXT, "in_progress, complete, cancelled, interrupted, ...; else the number"
        ),
        Column(
            "danger", Sql.TEXT, "Chromium's verdict in its own words, lower case; else the number"
        ),
        Column("interrupt_reason", Sql.I64, "Chromium's number of why it stopped; 0: it did not"),
        Column("opened", Sql.BOOL, "Opened from the browser's own list"),
        Column("last_access_utc", Sql.TIME, "Last opened from the browser, UTC"),
        Column("extension", Sql.TEXT, "Name or ID of the extension that started it"),
        Column(
            "sha256", Sql.TEXT, "SHA-256 of the content, upper-case hex, where the browser kept one"
        ),
        *_PROVENANCE,
    ),
    address="row_id",
    time="start_utc",
    moments=(
        Moment(
            "start_utc",
            "download",
            "concat(coalesce(target_path, current_path, '?'), ' from ' || url, ' referrer ' || referrer_url, ' [' || state || ']')",
            "origin <> 'database_before_wal'",
        ),
        Moment(
            "last_access_utc",
            "download_opened",
            "concat(coalesce(target_path, current_path, '?'), ' opened from the browser')",
            "origin <> 'database_before_wal'",
        ),
    ),
)

BROWSER_VISIT = Table(
    "browser_visit",
    "Visits of pages, and local files opened in a browser (file: URLs)",
    (
        _BROWSER,
        Column("visited_utc", Sql.TIME, "Time of the visit, UTC"),
        Column("url", Sql.TEXT, "URL of the page; file: a local file opened in the browser"),
        Column(
            "title",
            Sql.TEXT,
            "Title of the page; of webcache's cached files their name on the disk",
        ),
        Column(
            "transition",
            Sql.TEXT,
            "How it came about: link, typed, download, ...; else the number; cached: webcache's list of cached files",
        ),
        Column("from_url", Sql.TEXT, "URL of the visit it came from"),
        Column("visit_count", Sql.I64, "Visits of this URL in all"),
        Column("user_name", Sql.TEXT, "User that the entry names (webcache only)"),
        *_PROVENANCE,
    ),
    address="row_id",
    time="visited_utc",
    moments=(
        Moment(
            "visited_utc",
            "visit",
            "concat(url, ' (' || title || ')')",
            "origin <> 'database_before_wal'",
        ),
    ),
)

TABLES = (BROWSER_DOWNLOAD, BROWSER_VISIT)
