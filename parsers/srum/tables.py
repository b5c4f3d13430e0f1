"""Tables of the SRUM parser."""

from parsers.contract import Column, Moment, Sql, Table

_WHO = (
    Column("time_utc", Sql.TIME, "TimeStamp, UTC: when the interval of about an hour was written, not when it happened"),
    Column(
        "app",
        Sql.TEXT,
        "Program as written: a device path, !!name!link time!size!service!, a service or a package",
    ),
    Column("app_kind", Sql.TEXT, "program, service or package"),
    Column("user_sid", Sql.TEXT, "SID of the user"),
)  # fmt: skip
_PLACE = (
    Column("database_table", Sql.TEXT, "Table of SRUDB.dat that holds the row"),
    Column("auto_inc_id", Sql.I64, "AutoIncId: number of the row in that table"),
    Column("origin", Sql.TEXT, "database; log: a log of the database that was in use adds the row; log_open: so, by a transaction that the logs do not end"),
    Column("log_place", Sql.TEXT, "Log and offset in it, of rows from a log"),
    Column("record_number", Sql.I64, "Position of the record in that table, from 0; rows from logs are counted behind them"),
)  # fmt: skip


def _counts(*names: tuple[str, str]) -> tuple[Column, ...]:
    return tuple(Column(name, Sql.I64, comment) for name, comment in names)


SRUM_APP_USAGE = Table(
    "srum_app_usage",
    "Resources that programs used, by the hour (SRUM, application resource usage)",
    (
        *_WHO,
        *_counts(
            ("foreground_bytes_read", "Bytes read in the foreground"),
            ("foreground_bytes_written", "Bytes written in the foreground"),
            ("background_bytes_read", "Bytes read in the background"),
            ("background_bytes_written", "Bytes written in the background"),
            ("foreground_cycles", "CPU cycles in the foreground"),
            ("background_cycles", "CPU cycles in the background"),
            ("face_time", "FaceTime as written"),
        ),
        *_PLACE,
    ),
    address="record_number",
    time="time_utc",
    moments=(
        Moment(
            "time_utc",
            "srum_app_usage",
            "concat(app, ': read ', foreground_bytes_read + background_bytes_read, ' wrote ',"
            " foreground_bytes_written + background_bytes_written, ' bytes in the hour before')",
        ),
    ),
)
SRUM_NETWORK_USAGE = Table(
    "srum_network_usage",
    "Bytes that programs sent and received, by the hour (SRUM, network data usage)",
    (
        *_WHO,
        *_counts(
            ("bytes_sent", "Bytes sent"),
            ("bytes_received", "Bytes received"),
            ("profile_id", "L2ProfileId: number of the network's profile"),
        ),
        Column("interface_luid", Sql.I64, "LUID of the network interface; its upper 16 bits: type"),
        *_PLACE,
    ),
    address="record_number",
    time="time_utc",
    moments=(
        Moment(
            "time_utc",
            "srum_network_usage",
            "concat(app, ': sent ', bytes_sent, ' received ', bytes_received, ' bytes in the hour before')",
        ),
    ),
)
SRUM_APP_TIMELINE = Table(
    "srum_app_timeline",
    "Intervals in which programs ran (SRUM, application timeline)",
    (
        *_WHO,
        Column("end_utc", Sql.TIME, "EndTime of the interval, UTC"),
        *_counts(
            ("duration_ms", "DurationMS: how long it ran in the interval"),
            ("span_ms", "SpanMS: length of the interval it was measured in, as written"),
            ("in_focus_s", "Seconds in focus; NULL: not set"),
            ("user_input_s", "Seconds with input of the user; NULL: not set"),
        ),
        *_PLACE,
    ),
    address="record_number",
    time="end_utc",
    moments=(
        Moment(
            "end_utc",
            "srum_app_timeline",
            "concat(app, ': ran ', duration_ms // 1000, ' s until then')",
        ),
    ),
)
TABLES = (SRUM_APP_USAGE, SRUM_NETWORK_USAGE, SRUM_APP_TIMELINE)

SOURCES: dict[str, tuple[Table, dict[str, str]]] = {
    "{D10CA2FE-6FCF-4F6D-848E-B2E99266FA89}": (
        SRUM_APP_USAGE,
        {
            "foreground_bytes_read": "ForegroundBytesRead",
            "foreground_bytes_written": "ForegroundBytesWritten",
            "background_bytes_read": "BackgroundBytesRead",
            "background_bytes_written": "BackgroundBytesWritten",
            "foreground_cycles": "ForegroundCycleTime",
            "background_cycles": "BackgroundCycleTime",
            "face_time": "FaceTime",
        },
    ),
    "{973F5D5C-1D90-4944-BE8E-24B94231A174}": (
        SRUM_NETWORK_USAGE,
        {
            "bytes_sent": "BytesSent",
            "bytes_received": "BytesRecvd",
            "profile_id": "L2ProfileId",
            "interface_luid": "InterfaceLuid",
        },
    ),
    "{5C8CF1C7-7257-4F13-B223-970EF5939312}": (
        SRUM_APP_TIMELINE,
        {
            "end_utc": "EndTime",
            "duration_ms": "DurationMS",
            "span_ms": "SpanMS",
            "in_focus_s": "InFocusS",
            "user_input_s": "UserInputS",
        },
    ),
}
"""By table of the database: our table, and the database's column of each of ours."""
