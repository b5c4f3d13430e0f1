"""The view `event`: all events with their fields as JSON, stored or composed from the typed columns."""

from parsers.evtx.events import EVENT_TABLES
from parsers.evtx.events.spec import EventTable, Field, Form
from parsers.evtx.schema import EVENT_OTHER, SYSTEM


def _hex(column: str) -> str:
    """0x and lower-case digits; what is negative as BIGINT is its two's complement."""
    return f"""'"0x' || lower(format('{{:x}}', CASE WHEN {column} < 0 THEN {column}::HUGEINT + 18446744073709551616
 ELSE {column}::HUGEINT END)) || '"'"""


def _time(column: str) -> str:
    """2022-03-10T19:57:22.3007007Z, the seven digits that Windows keeps."""
    seconds = f"strftime({column}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S')"
    fraction = f"printf('%07d', (epoch_ns({column}) % 1000000000 + 1000000000) % 1000000000 // 100)"
    return f"""'"' || {seconds} || '.' || {fraction} || 'Z"'"""


def _token(field: Field) -> str:
    """SQL of the JSON token of a field; NULL where the field is absent."""
    column = f'"{field.column.name}"'
    if field.form is Form.TEXT:
        return f"to_json({column})::VARCHAR"
    if field.form is Form.HEX:
        return _hex(column)
    if field.form is Form.TIME:
        return _time(column)
    if field.form is Form.SYSMON_TIME:
        return f"""'"' || strftime({column}::TIMESTAMP, '%Y-%m-%d %H:%M:%S.%g') || '"'"""
    return f"{column}::VARCHAR"


def compose_sql(table: EventTable) -> str:
    """SQL expression of `data` for a typed table: fields in the log's order, absent ones left out, then `extra`."""
    parts = [f"'\"{field.name}\":' || {_token(field)}" for field in table.fields]
    parts.append("substr(extra, 2, length(extra) - 2)")
    return "'{' || concat_ws(',', " + ", ".join(parts) + ") || '}'"


def event_view_sql() -> str:
    """CREATE VIEW event: System's columns, data, source_id, record_offset, table_name."""
    system = ", ".join(f'"{c.name}"' for c in SYSTEM)
    selects = [
        f"SELECT {system}, {compose_sql(t)} AS data, source_id, record_offset, '{t.name}' AS table_name"
        f' FROM "{t.name}"'
        for t in EVENT_TABLES
    ]
    selects.append(
        f"SELECT {system}, data, source_id, record_offset, '{EVENT_OTHER.name}' AS table_name FROM {EVENT_OTHER.name}"
    )
    return "CREATE OR REPLACE VIEW event AS\n" + "\nUNION ALL\n".join(selects)
