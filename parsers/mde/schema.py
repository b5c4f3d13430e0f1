"""Tables of Defender XDR / Sentinel exports: the columns of Microsoft's reference in snake_case.

Source: advanced hunting schema reference, Device*Events. Columns that hold a time end in `_utc`.
"""

import re

from parsers.contract import HOST, Column, Moment, Sql, Table

_VERSION_INFO = tuple(
    f"VersionInfo{n}"
    for n in (
        "CompanyName",
        "ProductName",
        "ProductVersion",
        "InternalFileName",
        "OriginalFileName",
        "FileDescription",
    )
)
_COMMON = ("Timestamp", "DeviceId", "DeviceName", "ActionType", "ReportId", "AdditionalFields")
_INITIATING = tuple(
    f"InitiatingProcess{n}"
    for n in (
        *("SHA1", "SHA256", "MD5", "FileName", "FileSize", "FolderPath", "Id", "CommandLine"),
        *("CreationTime", "AccountDomain", "AccountName", "AccountSid", "AccountUpn"),
        *("IntegrityLevel", "TokenElevation", "LogonId", "SessionId", "ParentId"),
        *("ParentFileName", "ParentCreationTime", "SignerType", "SignatureStatus"),
        *_VERSION_INFO,
    )
)
_FILE = ("FileName", "FolderPath", "SHA1", "SHA256", "MD5", "FileSize")
_ACCOUNT = ("AccountDomain", "AccountName", "AccountSid")
_REMOTE = ("RemoteIP", "RemotePort", "LocalIP", "LocalPort")

_OWN: dict[str, tuple[str, ...]] = {
    "DeviceEvents": (
        *_FILE,
        *_ACCOUNT,
        *("RemoteUrl", "RemoteDeviceName", *_REMOTE),
        *("ProcessId", "ProcessCommandLine", "ProcessCreationTime", "ProcessTokenElevation"),
        *("LogonId", "RegistryKey", "RegistryValueName", "RegistryValueData"),
        *("FileOriginUrl", "FileOriginIP"),
    ),
    "DeviceProcessEvents": (
        *_FILE,
        *_ACCOUNT,
        *("AccountUpn", "ProcessId", "ProcessCommandLine", "ProcessIntegrityLevel"),
        *("ProcessTokenElevation", "ProcessCreationTime", "LogonId"),
        *(f"Process{n}" for n in _VERSION_INFO),
    ),
    "DeviceFileEvents": (
        *_FILE,
        *("FileOriginUrl", "FileOriginReferrerUrl", "FileOriginIP"),
        *("PreviousFolderPath", "PreviousFileName", "ShareName"),
        *(f"Request{n}" for n in ("Protocol", "SourceIP", "SourcePort")),
        *(f"Request{n}" for n in _ACCOUNT),
    ),
    "DeviceImageLoadEvents": _FILE,
    "DeviceNetworkEvents": (*(*_REMOTE, "RemoteUrl", "Protocol", "LocalIPType", "RemoteIPType"),),
    "DeviceRegistryEvents": (
        *("RegistryKey", "RegistryValueType", "RegistryValueName", "RegistryValueData"),
        *(f"PreviousRegistry{n}" for n in ("Key", "ValueName", "ValueData")),
    ),
}

_INTEGERS = re.compile(r"(ReportId|FileSize|ProcessId|LogonId|SessionId|ParentId|Port)$")
_TIMES = re.compile(r"(Timestamp|CreationTime)$")
_COMMENTS = {
    "Timestamp": "Timestamp, or TimeGenerated where that lacks: UTC, 100 ns",
    "DeviceName": "DeviceName as exported (FQDN, case kept)",
    "ReportId": "ReportId: unique only together with DeviceName and Timestamp",
    "FolderPath": "FolderPath: the whole path, file name included",
    "AdditionalFields": "AdditionalFields: JSON as exported",
}


def snake(name: str) -> str:
    """`InitiatingProcessSHA1` -> `initiating_process_sha1`, `RemoteIP` -> `remote_ip`."""
    s = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return s.lower()


def column_of(source: str) -> Column:
    """The column of a field: text unless the reference gives long, int or datetime."""
    comment = _COMMENTS.get(source, source)
    if _TIMES.search(source):
        return Column(f"{snake(source)}_utc", Sql.TIME, comment)
    if _INTEGERS.search(source):
        return Column(snake(source), Sql.I64, comment)
    return Column(snake(source), Sql.TEXT, comment)


def _fields(kql_table: str) -> tuple[str, ...]:
    return (*_COMMON, *_OWN[kql_table], *_INITIATING)


FIELDS: dict[str, dict[str, Column]] = {
    snake(f"Mde{kql}"): {f.casefold(): column_of(f) for f in _fields(kql)} for kql in _OWN
}
"""Per table: source field, casefolded -> the column it fills."""

TABLE_OF_TYPE: dict[str, str] = {kql.casefold(): snake(f"Mde{kql}") for kql in _OWN}
"""Sentinel's `Type` or KQL's table name, casefolded -> our table."""


_LINE = (
    "action_type",
    "folder_path",
    "file_name",
    "registry_key",
    "registry_value_name",
    "remote_url",
    "remote_ip",
    "process_command_line",
    "initiating_process_command_line",
)
"""What a row shows in one line of the timeline, as far as its table has it."""


def _line(columns: set[str]) -> str:
    shown = ", ".join(f"nullif({name}, '')" for name in _LINE if name in columns)
    return f"concat_ws(' ', {shown})"


def _kind(kql: str) -> str:
    """DeviceFileEvents gives file_events."""
    return snake(kql).removeprefix("device_")


def _table(kql: str) -> Table:
    columns = list(FIELDS[snake(f"Mde{kql}")].values())
    return Table(
        snake(f"Mde{kql}"),
        f"{kql} of Defender XDR or Sentinel. Missing text is '' as in KQL, NULL: not exported",
        (
            columns[0],
            HOST,
            *columns[1:],
            Column("extra", Sql.TEXT, "JSON of filled fields that the table has no column for"),
            Column(
                "row_address",
                Sql.I64,
                "Number of the row in the file, from 1",
            ),
        ),
        address="row_address",
        time="timestamp_utc",
        moments=(Moment("timestamp_utc", _kind(kql), _line({c.name for c in columns})),),
    )


TABLES: tuple[Table, ...] = tuple(_table(kql) for kql in _OWN)
