"""Sigma's field names over the tables of a case: for each table and face, SQL that gives a field as text.

Texts are those that the log shows (parsers.evtx.compose): hexadecimal as 0x..., booleans true and false. Names are found
without regard to case and to blanks ("Threat Name" is ThreatName). What a table has no column for is looked up in
its JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from forensic_iso.sigma.logsource import ANTIVIRUS, EVENT, MDE, PROCESS_AUDIT, REGISTRY_AUDIT
from forensic_iso.sigma.mde import MDE_FIELDS
from forensic_iso.sigma.names import TEXT, identifier, literal
from parsers.contract import Table
from parsers.evtx.events import EVENT_TABLES
from parsers.evtx.events.spec import EventTable, Field, Form
from parsers.evtx.schema import EVENT_OTHER, EXTRA

SYSTEM_FIELDS: dict[str, str] = {
    "EventID": "event_id::VARCHAR",
    "Channel": "channel",
    "Provider_Name": "provider",
    "Computer": "computer",
    "ComputerName": "computer",
    "Hostname": "computer",
    "EventRecordID": "record_id::VARCHAR",
    "Level": "level::VARCHAR",
    "Task": "task::VARCHAR",
    "Opcode": "opcode::VARCHAR",
    "Version": "version::VARCHAR",
    "Keywords": "'0x' || lower(to_hex(keywords))",
    "UserID": "user_sid",
    "Security_UserID": "user_sid",
    "Execution_ProcessID": "execution_process_id::VARCHAR",
    "Execution_ThreadID": "execution_thread_id::VARCHAR",
    "TimeCreated": "time_utc::VARCHAR",
}
"""Fields of the System block, where the event has none of that name itself."""

OWN = "own"
"""Face of a table of the case by its own columns."""
DATA = "Data"
"""Sigma's name of the values without a name: all of them, one a line."""

_LINE = "chr(10)"
_HASHES = ("MD5", "SHA1", "SHA256", "IMPHASH")

_MACHINE = r"(?i)^\\REGISTRY\\MACHINE"
_USERS = r"(?i)^\\REGISTRY\\USER"
_LEVELS = {
    "S-1-16-0": "Untrusted",
    "S-1-16-4096": "Low",
    "S-1-16-8192": "Medium",
    "S-1-16-8448": "Medium",
    "S-1-16-12288": "High",
    "S-1-16-16384": "System",
}
"""MandatoryLabel of Security 4688 in Sysmon's words (MS-DTYP 2.4.2.4)."""


@dataclass(frozen=True, slots=True)
class Face:
    """A table as the rules see it.

    `columns` maps the compact name of a field to its spelling and its SQL text; `json` is the column that holds the
    fields without a column of their own; `text` is all text of a row; `guid` the process it speaks of; `events` whether it has a channel and event ids.
    """

    table: str
    name: str
    columns: Mapping[str, tuple[str, str]]
    text: str
    json: str = ""
    address: str = "record_offset"
    time: str | None = "time_utc"
    source: str = "source_id"
    host: str = "host"
    guid: str = ""
    events: bool = True


def compact(name: str) -> str:
    """A field's name without case and blanks."""
    return name.replace(" ", "").lower()


def _value(f: Field) -> str:
    column = identifier(f.column.name)
    match f.form:
        case Form.TEXT:
            return column
        case Form.HEX:
            # two's complement: adding 2^64 to a negative number gives the number that was logged
            whole = f"CASE WHEN {column} < 0 THEN {column}::HUGEINT + 18446744073709551616 ELSE {column}::HUGEINT END"
            return f"'0x' || lower(to_hex(({whole})::UBIGINT))"
        case Form.TIME:
            return f"left(strftime({column}, '%Y-%m-%dT%H:%M:%S.%n'), 27) || 'Z'"
        case Form.SYSMON_TIME:
            return f"strftime({column}, '%Y-%m-%d %H:%M:%S.%g')"
        case _:
            return f"{column}::VARCHAR"


def _own_fields(table: EventTable) -> dict[str, str]:
    found: dict[str, str] = {}
    for f in table.fields:
        for name in (f.name, *f.aliases):
            found.setdefault(name, _value(f))
    hashes = next((f for f in table.fields if f.name in ("Hashes", "Hash")), None)
    if hashes is not None:
        column = identifier(hashes.column.name)
        found.setdefault("Hashes", column)
        for kind in _HASHES:
            pattern = literal(f"(?i)(?:^|,){kind}=([0-9a-f]+)")
            found.setdefault(kind, f"nullif(regexp_extract({column}, {pattern}, 1), '')")
    return found


def _process_audit(raw: Mapping[str, str]) -> dict[str, str]:
    levels = " ".join(f"WHEN '{sid}' THEN '{word}'" for sid, word in _LEVELS.items())
    # 4688 names the account of the new process as '-' where it is the creator's
    target = "target_user_sid IS NOT NULL AND target_user_name NOT IN ('-', '')"
    user = (
        f"CASE WHEN {target} THEN concat_ws('\\', target_domain_name, target_user_name)"
        " ELSE concat_ws('\\', subject_domain_name, subject_user_name) END"
    )
    logon = f"CASE WHEN {target} THEN {raw['TargetLogonId']} ELSE {raw['SubjectLogonId']} END"
    return {
        "Image": raw["NewProcessName"],
        "ParentImage": raw["ParentProcessName"],
        "ProcessId": "new_process_id::VARCHAR",
        "ParentProcessId": "process_id::VARCHAR",
        "User": user,
        "LogonId": logon,
        "IntegrityLevel": f"CASE mandatory_label {levels} ELSE mandatory_label END",
    }


def _antivirus(raw: Mapping[str, str]) -> dict[str, str]:
    return {
        "Signature": raw["Threat Name"],
        "Filename": raw["Path"],
        "Action": raw["Action Name"],
        "User": raw["Detection User"],
    }


def _replace(text: str, pattern: str, by: str) -> str:
    return f"regexp_replace({text}, {literal(pattern)}, {literal(by)})"


def _registry_audit() -> dict[str, str]:
    key = json_text("data", "ObjectName")
    whole = f"concat_ws('\\', {key}, nullif({json_text('data', 'ObjectValueName')}, '-'))"
    system = _replace(
        whole, rf"{_MACHINE}\\SYSTEM\\ControlSet\d{{3}}", r"HKLM\\System\\CurrentControlSet"
    )
    machine = _replace(system, _MACHINE, "HKLM")
    operation = json_text("data", "OperationType")
    return {
        "TargetObject": _replace(machine, _USERS, "HKU"),
        "Details": json_text("data", "NewValue"),
        "Image": json_text("data", "ProcessName"),
        "EventType": f"CASE {operation} WHEN '%%1906' THEN 'DeleteValue' ELSE 'SetValue' END",
    }


def json_path(name: str) -> str:
    """JSON path of a name, whatever it holds."""
    return '$."' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def json_text(column: str, name: str) -> str:
    """SQL: the text of a name in a JSON column."""
    return f"json_extract_string({column}, {literal(json_path(name))})"


def _all_json(column: str) -> str:
    return f"array_to_string(json_extract_string({column}, '$.*'), {_LINE})"


def _nameless(column: str) -> str:
    """All values of the log that have no name: Data, Data[1], Data[2], ..."""
    pairs = f"list_zip(json_keys({column}), json_extract_string({column}, '$.*'))"
    named = f"list_filter({pairs}, lambda p: p[1] = 'Data' OR starts_with(p[1], 'Data['))"
    return f"nullif(array_to_string(list_transform({named}, lambda p: p[2]), {_LINE}), '')"


def _columns(*layers: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Names of the layers; the first that has a name keeps it."""
    found: dict[str, tuple[str, str]] = {}
    for layer in layers:
        for name, sql in layer.items():
            found.setdefault(compact(name), (name, sql))
    return found


def _typed_faces(table: EventTable) -> list[Face]:
    raw = _own_fields(table)
    names = {f.column.name for f in table.fields}
    guid = next((g for g in ("process_guid", "source_process_guid") if g in names), "")
    text = f"concat_ws({_LINE}, provider, {''.join(v + ', ' for v in dict.fromkeys(map(_value, table.fields)))}{_all_json(EXTRA.name)})"

    def face(name: str, extra: Mapping[str, str]) -> Face:
        return Face(
            table.name,
            name,
            _columns(extra, raw, SYSTEM_FIELDS),
            text,
            EXTRA.name,
            guid=guid,
        )

    found = [face(EVENT, {})]
    if table.name == "security_process_create":
        found.append(face(PROCESS_AUDIT, _process_audit(raw)))
    if table.name == "defender_detection":
        found.append(face(ANTIVIRUS, _antivirus(raw)))
    return found


def _other_faces() -> list[Face]:
    text = f"concat_ws({_LINE}, provider, {_all_json('data')})"
    layers = {EVENT: {DATA: _nameless("data")}, REGISTRY_AUDIT: _registry_audit()}
    return [
        Face(
            EVENT_OTHER.name,
            name,
            _columns(extra, SYSTEM_FIELDS),
            text,
            "data",
            guid=json_text("data", "ProcessGuid"),
        )
        for name, extra in layers.items()
    ]


def _mde_faces() -> list[Face]:
    return [
        Face(
            table,
            MDE,
            _columns(fields),
            f"concat_ws({_LINE}, {', '.join(dict.fromkeys(fields.values()))})",
            address="row_address",
            time="timestamp_utc",
            events=False,
        )
        for table, fields in MDE_FIELDS.items()
    ]


def event_faces() -> dict[tuple[str, str], Face]:
    """All faces of events, by table and name of the face."""
    faces = [f for t in EVENT_TABLES for f in _typed_faces(t)] + _other_faces() + _mde_faces()
    return {(f.table, f.name): f for f in faces}


def own_face(table: Table) -> Face:
    """A table of the case by its own columns."""
    names = table.column_names()
    columns = {n: f"{identifier(n)}::VARCHAR" for n in names}
    return Face(
        table.name,
        OWN,
        _columns(columns),
        f"concat_ws({_LINE}, {', '.join(columns.values())})",
        address=table.address,
        time=table.time,
        source="source_id" if "source_id" in names else "NULL",
        host="host" if "host" in names else "NULL",
        guid="process_guid" if "process_guid" in names else "",
        events=False,
    )


def field_sql(face: Face, name: str) -> str | None:
    """SQL that gives a field as text; None: the table can have no such field."""
    if name == TEXT:
        return face.text
    known = face.columns.get(compact(name))
    if known is not None:
        return known[1]
    if not face.json:
        return None
    spaced = _spaced(name)
    exact = json_text(face.json, name)
    return exact if spaced == name else f"coalesce({exact}, {json_text(face.json, spaced)})"


def _spaced(name: str) -> str:
    """`NewValue` -> `New Value`: Defender names its fields with blanks, Sigma's rules do not."""
    out = ""
    for before, c in zip(" " + name, name, strict=False):
        out += f" {c}" if c.isupper() and before.islower() else c
    return out
