"""SQL that puts the typed tables back together as one view `event`.

`data` of a typed event is composed from its columns: {"Name":value,...} in the order of declaration, then what `extra`
holds. A NULL column has no name in the object.
"""

from parsers.evtx.events import EVENT_TABLES
from parsers.evtx.events.spec import EventTable, Field, Form
from parsers.evtx.schema import EVENT_OTHER, EXTRA, SYSTEM, TAIL, typed


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _json_name(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '":'


def _value_sql(field: Field) -> str:
    """A column as a JSON token; NULL stays NULL."""
    column = _quoted(field.column.name)
    if field.form is Form.TEXT:
        return f"to_json({column})::VARCHAR"
    if field.form is Form.HEX:
        # two's complement: adding 2^64 to a negative number gives the number that was logged
        unsigned = f"(CASE WHEN {column} < 0 THEN {column}::HUGEINT + 18446744073709551616 ELSE {column}::HUGEINT END)"
        return f"'\"0x' || lower(to_hex({unsigned}::UBIGINT)) || '\"'"
    if field.form is Form.TIME:
        # strftime's %n are nine digits of the second; Windows writes seven
        return f"'\"' || left(strftime({column}, '%Y-%m-%dT%H:%M:%S.%n'), 27) || 'Z\"'"
    if field.form is Form.SYSMON_TIME:
        return f"'\"' || strftime({column}, '%Y-%m-%d %H:%M:%S.%g') || '\"'"
    return f"{column}::VARCHAR"


def _name_sql(field: Field) -> str:
    """The field's name as a JSON key, as the event's own id spells it."""
    name = _literal(_json_name(field.name))
    if not field.alias_events:
        return name
    ids = ", ".join(map(str, field.alias_events))
    return f"CASE WHEN event_id IN ({ids}) THEN {_literal(_json_name(field.aliases[0]))} ELSE {name} END"


def compose_sql(table: EventTable) -> str:
    """SQL expression of type VARCHAR: `data` of a row of a typed table; NULL if it has no field at all."""
    items = [f"{_name_sql(f)} || {_value_sql(f)}" for f in table.fields]
    items.append(f"nullif(substr({EXTRA.name}, 2, length({EXTRA.name}) - 2), '')")
    inner = "concat_ws(',', " + ", ".join(items) + ")"
    return f"nullif('{{' || {inner} || '}}', '{{}}')"


def event_view_sql() -> str:
    """CREATE OR REPLACE VIEW event: System columns, data, source_id, record_offset, table_name."""
    system = [c.name for c in SYSTEM]
    tail = ["source_id", *(c.name for c in TAIL)]

    def select(name: str, data: str) -> str:
        columns = [
            *map(_quoted, system),
            f"{data} AS data",
            *map(_quoted, tail),
            f"{_literal(name)} AS table_name",
        ]
        return f"SELECT {', '.join(columns)} FROM {_quoted(name)}"

    parts = [select(typed(t).name, compose_sql(t)) for t in EVENT_TABLES]
    parts.append(select(EVENT_OTHER.name, "data"))
    return "CREATE OR REPLACE VIEW event AS\n" + "\nUNION ALL\n".join(parts)
