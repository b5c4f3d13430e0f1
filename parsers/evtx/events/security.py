"""Security channel (provider Microsoft-Windows-Security-Auditing; 1102 by Microsoft-Windows-Eventlog).

Source: Microsoft's documentation of the audit events. Process ids are logged as hexadecimal and stored as integers.
"""

from parsers.evtx.events.spec import EventTable, Field, Form

PROVIDER = "Microsoft-Windows-Security-Auditing"


def _account(side: str, what: str) -> tuple[Field, ...]:
    return (
        Field(f"{side}UserSid", f"SID of {what}"),
        Field(f"{side}UserName", f"Name of {what}"),
        Field(f"{side}DomainName", f"Domain of {what}"),
        Field(f"{side}LogonId", f"Logon session of {what}", Form.HEX),
    )


SUBJECT = _account("Subject", "the account that acted")


def _table(name: str, comment: str, event_ids: tuple[int, ...], *fields: Field) -> EventTable:
    return EventTable(name, comment, PROVIDER, event_ids, fields)


TABLES = (
    _table(
        "security_process_create",
        "Security 4688: a process was created",
        (4688,),
        *SUBJECT,
        Field("NewProcessId", "Process id of the new process", Form.HEX),
        Field("NewProcessName", "Program of the new process"),
        Field("TokenElevationType", "%%1936 default, %%1937 elevated, %%1938 limited"),
        Field("ProcessId", "Process id of the creator", Form.HEX),
        Field("CommandLine", "Command line; empty unless the policy is set"),
        *_account("Target", "the account the process runs as"),
        Field("ParentProcessName", "Program of the creator (event version 2)"),
        Field("MandatoryLabel", "SID of the integrity level"),
    ),
    _table(
        "security_process_exit",
        "Security 4689: a process ended",
        (4689,),
        *SUBJECT,
        Field("Status", "Exit status", Form.HEX),
        Field("ProcessId", "Process id", Form.HEX),
        Field("ProcessName", "Program"),
    ),
    _table(
        "security_object_access",
        "Security 4656, 4663: a handle was requested, an object accessed",
        (4656, 4663),
        *SUBJECT,
        Field("ObjectServer", "Subsystem"),
        Field("ObjectType", "File, Key, ..."),
        Field("ObjectName", "Object; \\Device\\CdRomN\\... on optical volumes"),
        Field("HandleId", "Handle", Form.HEX),
        Field("TransactionId", "Transaction"),
        Field("AccessList", "Rights, as %%ids"),
        Field("AccessReason", "Why access was granted"),
        Field("AccessMask", "Rights: 1 read, 0x20 execute", Form.HEX),
        Field("PrivilegeList", "Privileges used"),
        Field("RestrictedSidCount", "Restricted SIDs in the token", Form.INT),
        Field("ProcessId", "Process id", Form.HEX),
        Field("ProcessName", "Program"),
        Field("ResourceAttributes", "Resource attributes of the object"),
    ),
    _table(
        "security_logon",
        "Security 4624: an account logged on",
        (4624,),
        *SUBJECT,
        *_account("Target", "the account logged on"),
        Field(
            "LogonType",
            "2 local, 3 network, 4 batch, 5 service, 7 unlock, 10 remote, 11 cached",
            Form.INT,
        ),
        Field("LogonProcessName", "Logon process"),
        Field("AuthenticationPackageName", "Authentication package"),
        Field("WorkstationName", "Name of the client"),
        Field("LogonGuid", "Logon session over hosts"),
        Field("TransmittedServices", "Services the logon passed"),
        Field("LmPackageName", "NTLM variety"),
        Field("KeyLength", "Length of the session key in bits", Form.INT),
        Field("ProcessId", "Process that asked", Form.HEX),
        Field("ProcessName", "Program that asked"),
        Field("IpAddress", "Address of the client"),
        Field("IpPort", "Port of the client"),
        Field("ImpersonationLevel", "Impersonation level"),
        Field("RestrictedAdminMode", "Restricted admin mode"),
        Field("TargetOutboundUserName", "Outbound account"),
        Field("TargetOutboundDomainName", "Domain of the outbound account"),
        Field("VirtualAccount", "Virtual account"),
        Field("TargetLinkedLogonId", "The elevated or limited twin", Form.HEX),
        Field("ElevatedToken", "Token is elevated"),
    ),
    _table(
        "security_time_change",
        "Security 4616: the clock was changed",
        (4616,),
        *SUBJECT,
        Field("PreviousTime", "Clock before, UTC", Form.TIME),
        Field("NewTime", "Clock after, UTC", Form.TIME),
        Field("ProcessId", "Process that changed it", Form.HEX),
        Field("ProcessName", "Program that changed it"),
    ),
    _table(
        "security_service_install",
        "Security 4697: a service was installed",
        (4697,),
        *SUBJECT,
        Field("ServiceName", "Name of the service"),
        Field("ServiceFileName", "Command of the service"),
        Field("ServiceType", "Kind of service", Form.HEX),
        Field("ServiceStartType", "2 automatic, 3 on demand, 4 disabled", Form.INT),
        Field("ServiceAccount", "Account it runs as"),
        Field("ClientProcessStartKey", "Process that installed it: start key", Form.INT),
        Field("ClientProcessId", "Process that installed it", Form.INT),
        Field("ParentProcessId", "Parent of that process", Form.INT),
    ),
    _table(
        "security_task_create",
        "Security 4698: a scheduled task was created",
        (4698,),
        *SUBJECT,
        Field("TaskName", "Name of the task"),
        Field("TaskContent", "Task as XML"),
        Field("ClientProcessStartKey", "Process that created it: start key", Form.INT),
        Field("ClientProcessId", "Process that created it", Form.INT),
        Field("ParentProcessId", "Parent of that process", Form.INT),
        Field("RpcCallClientLocality", "0 local", Form.INT),
        Field("FQDN", "Host name"),
    ),
    _table(
        "security_share_access",
        "Security 5140, 5145: a share was accessed (on the server)",
        (5140, 5145),
        *SUBJECT,
        Field("ObjectType", "File"),
        Field("IpAddress", "Address of the client"),
        Field("IpPort", "Port of the client"),
        Field("ShareName", "Share, \\\\*\\name"),
        Field("ShareLocalPath", "Path of the share on the server"),
        Field("RelativeTargetName", "File below the share (5145)"),
        Field("AccessMask", "Rights", Form.HEX),
        Field("AccessList", "Rights, as %%ids"),
        Field("AccessReason", "Why access was granted"),
    ),
    _table(
        "security_device_arrival",
        "Security 6416: the system knew a new external device (needs PnP audit)",
        (6416,),
        *SUBJECT,
        Field("DeviceId", "Instance id of the device"),
        Field("DeviceDescription", "Description"),
        Field("ClassId", "Class GUID"),
        Field("ClassName", "Class"),
        Field("VendorIds", "Hardware ids"),
        Field("CompatibleIds", "Compatible ids"),
        Field("LocationInformation", "Location"),
    ),
    EventTable(
        "security_log_cleared",
        "Security 1102: the Security log was cleared",
        "Microsoft-Windows-Eventlog",
        (1102,),
        (
            *SUBJECT,
            Field("ClientProcessId", "Process that cleared it", Form.INT),
            Field("ClientProcessStartKey", "Start key of that process", Form.INT),
        ),
    ),
)
