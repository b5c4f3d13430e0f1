"""The view `sigma_event`: all events with Sigma's field names, for queries by hand."""

from forensic_iso.sigma.fields import Face, compact, event_faces, field_sql
from forensic_iso.sigma.logsource import ANTIVIRUS, EVENT, PROCESS_AUDIT
from forensic_iso.sigma.names import identifier, literal
from parsers.evtx.schema import EVENT_OTHER

VIEW = "sigma_event"

PLACE = ("host", "time_utc", "source_id", "record_offset")

OTHER_FIELDS = (
    *("Image", "ProcessGuid", "ProcessId", "User", "RuleName", "UtcTime", "EventType", "PipeName"),
    *(
        "ImageLoaded",
        "Hashes",
        "Signed",
        "Signature",
        "SignatureStatus",
        "TargetFilename",
        "Device",
    ),
    *("Operation", "Name", "Query", "Consumer", "Filter", "Destination", "State", "Configuration"),
    *("SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId"),
    *("TargetUserSid", "TargetUserName", "TargetDomainName", "TargetLogonId", "TargetServerName"),
    *("TargetSid", "MemberName", "MemberSid", "PrivilegeList", "LogonType", "LogonProcessName"),
    *("AuthenticationPackageName", "WorkstationName", "Workstation", "IpAddress", "IpPort"),
    *("Status", "SubStatus", "FailureReason", "ServiceName", "ServiceFileName", "TicketOptions"),
    *("TicketEncryptionType", "PreAuthType", "ObjectServer", "ObjectType", "ObjectName"),
    *("ObjectValueName", "OperationType", "OldValueType", "OldValue", "NewValueType", "NewValue"),
    *(
        "HandleId",
        "AccessMask",
        "AccessList",
        "ProcessName",
        "Properties",
        "AttributeLDAPDisplayName",
    ),
    *("AttributeValue", "ObjectClass", "ObjectDN", "OldTargetUserName", "NewTargetUserName"),
    *("SamAccountName", "UserAccountControl", "AllowedToDelegateTo", "SidHistory", "ShareName"),
    *("RelativeTargetName", "TaskName", "TaskContent", "TaskContentNew", "UserName", "ActionName"),
    *("Path", "Application", "Direction", "Protocol", "SourceAddress", "SourcePort", "DestAddress"),
    *("DestPort", "LayerRTID", "FilterOrigin", "param1", "param2", "param3", "ImagePath"),
    *("AccountName", "StartType", "Payload", "ContextInfo", "ScriptBlockText", "HostApplication"),
    *("EngineVersion", "HostName", "Value", "ThreatName", "SourceName", "url", "fileList"),
    *("jobTitle", "LocalName", "RemoteName", "processPath", "QueryName", "QNAME", "Contents"),
)
"""Names that are looked up in the JSON of events without a typed table; the rest stands in `data` of the view `event`."""

_MAPPED = {"security_process_create": PROCESS_AUDIT, "defender_detection": ANTIVIRUS}


def _branch(face: Face, mapped: Face | None) -> str:
    names = dict(face.columns)
    for key, column in mapped.columns.items() if mapped else ():
        names.setdefault(key, column)
    if face.table == EVENT_OTHER.name:
        for name in OTHER_FIELDS:
            sql = field_sql(face, name)
            if sql is not None:
                names.setdefault(compact(name), (name, sql))
    fields = [f"{sql} AS {identifier(name.replace(' ', ''))}" for name, sql in names.values()]
    place = [f"{literal(face.table)} AS table_name", *PLACE]
    return (
        f'SELECT {", ".join([*place, *fields, f"{face.text} AS event_text"])} FROM "{face.table}"'
    )


def sigma_event_sql() -> str:
    """CREATE OR REPLACE VIEW sigma_event: place, System fields, fields by Sigma's names (text), event_text."""
    faces = event_faces()
    parts = [
        _branch(f, faces.get((f.table, _MAPPED.get(f.table, ""))))
        for (_, name), f in faces.items()
        if name == EVENT
    ]
    return f"CREATE OR REPLACE VIEW {VIEW} AS\n" + "\nUNION ALL BY NAME\n".join(parts)
