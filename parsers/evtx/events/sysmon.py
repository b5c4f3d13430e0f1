"""Sysmon's events (schema 4.90 and older; fields are read by name, so older shapes leave NULL).

Source: Sysmon's published schema and documentation (Microsoft Sysinternals).
"""

from parsers.evtx.events.spec import EventTable, Field, Form

PROVIDER = "Microsoft-Windows-Sysmon"

RULE = Field("RuleName", "Name of the configuration rule that matched; '-' or empty: none")
UTC = Field("UtcTime", "When it happened, UTC, by Sysmon's clock (ms)", Form.SYSMON_TIME)
GUID = Field("ProcessGuid", "Process, unique on the host")
PID = Field("ProcessId", "Process id", Form.INT)
IMAGE = Field("Image", "Program of the process, as logged")
USER = Field("User", "Account, DOMAIN\\name")
HASHES = Field("Hashes", "SHA1=..,MD5=..,SHA256=..,IMPHASH=.. in any subset and order")
VERSION_INFO = (
    Field("FileVersion", "Version resource of the file"),
    Field("Description", "Description in the file's version resource"),
    Field("Product", "Product name in the version resource"),
    Field("Company", "Company in the version resource"),
    Field("OriginalFileName", "Original name in the version resource"),
)
HEAD = (RULE, UTC, GUID, PID, IMAGE)


def _table(name: str, comment: str, event_ids: tuple[int, ...], *fields: Field) -> EventTable:
    return EventTable(name, comment, PROVIDER, event_ids, fields)


def _side(side: str, what: str, guid: str = "Guid") -> tuple[Field, ...]:
    """One side of events 8 (spelled Guid) and 10 (spelled GUID)."""
    other = "Guid" if guid == "GUID" else "GUID"
    return (
        Field(
            f"{side}Process{guid}",
            f"{what}, unique on the host",
            aliases=(f"{side}Process{other}",),
        ),
        Field(f"{side}ProcessId", f"Process id of the {what.lower()}", Form.INT),
    )


TABLES = (
    _table(
        "sysmon_process_create",
        "Sysmon 1: a process was created",
        (1,),
        *HEAD,
        *VERSION_INFO,
        Field("CommandLine", "Command line as started"),
        Field("CurrentDirectory", "Working directory at start, ends in a backslash"),
        USER,
        Field("LogonGuid", "Logon session"),
        Field("LogonId", "Logon session id", Form.HEX),
        Field("TerminalSessionId", "Terminal session", Form.INT),
        Field("IntegrityLevel", "Low, Medium, High, System"),
        HASHES,
        Field("ParentProcessGuid", "Parent process"),
        Field("ParentProcessId", "Process id of the parent", Form.INT),
        Field("ParentImage", "Program of the parent"),
        Field("ParentCommandLine", "Command line of the parent"),
        Field("ParentUser", "Account of the parent"),
    ),
    _table(
        "sysmon_file_time",
        "Sysmon 2: a process changed a file's creation time",
        (2,),
        *HEAD,
        Field("TargetFilename", "File whose time was changed"),
        Field("CreationUtcTime", "New creation time, UTC", Form.SYSMON_TIME),
        Field("PreviousCreationUtcTime", "Creation time before, UTC", Form.SYSMON_TIME),
        USER,
    ),
    _table(
        "sysmon_network",
        "Sysmon 3: TCP or UDP connection",
        (3,),
        *HEAD,
        USER,
        Field("Protocol", "tcp or udp"),
        Field("Initiated", "true: this process opened the connection", Form.BOOL),
        Field("SourceIsIpv6", "Source address is IPv6", Form.BOOL),
        Field("SourceIp", "Source address"),
        Field("SourceHostname", "Source name as resolved by Sysmon"),
        Field("SourcePort", "Source port", Form.INT),
        Field("SourcePortName", "Service name of the source port"),
        Field("DestinationIsIpv6", "Destination address is IPv6", Form.BOOL),
        Field("DestinationIp", "Destination address"),
        Field("DestinationHostname", "Destination name as resolved by Sysmon"),
        Field("DestinationPort", "Destination port", Form.INT),
        Field("DestinationPortName", "Service name of the destination port"),
    ),
    _table("sysmon_process_terminate", "Sysmon 5: a process ended", (5,), *HEAD, USER),
    _table(
        "sysmon_image_load",
        "Sysmon 7: a module was loaded into a process",
        (7,),
        *HEAD,
        Field("ImageLoaded", "Path of the module"),
        *VERSION_INFO,
        HASHES,
        Field("Signed", "Module is signed", Form.BOOL),
        Field("Signature", "Name of the signer"),
        Field("SignatureStatus", "Valid, Expired, Unavailable, ..."),
        USER,
    ),
    _table(
        "sysmon_remote_thread",
        "Sysmon 8: a process started a thread in another process",
        (8,),
        RULE,
        UTC,
        *_side("Source", "Process that starts the thread"),
        Field("SourceImage", "Program of the source"),
        *_side("Target", "Process that gets the thread"),
        Field("TargetImage", "Program of the target"),
        Field("NewThreadId", "Id of the new thread", Form.INT),
        Field("StartAddress", "Address of the thread's start"),
        Field("StartModule", "Module of the start address"),
        Field("StartFunction", "Exported function at the start address"),
        Field("SourceUser", "Account of the source"),
        Field("TargetUser", "Account of the target"),
    ),
    _table(
        "sysmon_process_access",
        "Sysmon 10: a process opened another process",
        (10,),
        RULE,
        UTC,
        *_side("Source", "Process that opens", "GUID"),
        Field("SourceThreadId", "Thread that opens", Form.INT),
        Field("SourceImage", "Program of the source"),
        *_side("Target", "Process that is opened", "GUID"),
        Field("TargetImage", "Program of the target"),
        Field("GrantedAccess", "Access rights granted", Form.HEX),
        Field("CallTrace", "Stack of the call: module+offset, separated by |"),
        Field("SourceUser", "Account of the source"),
        Field("TargetUser", "Account of the target"),
    ),
    _table(
        "sysmon_file_create",
        "Sysmon 11: a file was created or overwritten",
        (11,),
        *HEAD,
        Field("TargetFilename", "File created"),
        Field("CreationUtcTime", "Creation time of the file, UTC", Form.SYSMON_TIME),
        USER,
    ),
    _table(
        "sysmon_registry",
        "Sysmon 12, 13, 14: key or value created, deleted, set, renamed",
        (12, 13, 14),
        RULE,
        Field("EventType", "CreateKey, DeleteKey, SetValue, DeleteValue, RenameKey, ..."),
        UTC,
        GUID,
        PID,
        IMAGE,
        Field("TargetObject", "Key, or key and value name"),
        Field("Details", "Data set, as text: DWORD (0x..), Binary Data, or the string"),
        Field("NewName", "New name of a renamed key or value"),
        USER,
    ),
    _table(
        "sysmon_stream_create",
        "Sysmon 15: a named stream was created; a second row speaks of the file itself",
        (15,),
        *HEAD,
        Field("TargetFilename", "file or file:stream"),
        Field("CreationUtcTime", "Creation time of the file, UTC", Form.SYSMON_TIME),
        Field("Hash", "Hashes of the contents of what target_filename names", aliases=("Hashes",)),
        Field("Contents", "Text of a small stream (under 1 KB), line ends turned to blanks"),
        USER,
    ),
    _table(
        "sysmon_dns",
        "Sysmon 22: a process asked for a name",
        (22,),
        *HEAD,
        Field("QueryName", "Name asked for"),
        Field("QueryStatus", "Status of the query, 0 = answered"),
        Field("QueryResults", "Answers: 'type:  5 name;' and addresses, separated by ;"),
        USER,
    ),
    _table(
        "sysmon_file_delete",
        "Sysmon 23 (archived) and 26 (logged): a file was deleted",
        (23, 26),
        RULE,
        UTC,
        GUID,
        PID,
        USER,
        IMAGE,
        Field("TargetFilename", "File deleted"),
        HASHES,
        Field("IsExecutable", "File is a program", Form.BOOL),
        Field("Archived", "Sysmon kept a copy (true/false, or why not)"),
    ),
    _table(
        "sysmon_process_tampering",
        "Sysmon 25: image of a process was changed (hollowing, herpaderping)",
        (25,),
        *HEAD,
        Field("Type", "What was changed"),
        USER,
    ),
    _table(
        "sysmon_file_executable",
        "Sysmon 29: a new executable file was written",
        (29,),
        RULE,
        UTC,
        GUID,
        PID,
        USER,
        IMAGE,
        Field("TargetFilename", "File written"),
        HASHES,
    ),
)
