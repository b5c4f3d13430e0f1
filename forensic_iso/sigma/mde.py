"""Sigma's field names over exports of Defender XDR or Sentinel (Device... tables).

Missing text is '' there; to Sigma it is absent. Source of the columns: Microsoft's schema of advanced hunting.
"""

from collections.abc import Mapping

_INITIATOR = "initiating_process_"


def _text(column: str) -> str:
    return f"nullif({column}, '')"


def _path(folder: str, name: str) -> str:
    """The whole path: the folder's column often holds the file's name already."""
    whole = f"lower({folder}) = lower({name}) OR suffix(lower({folder}), '\\' || lower({name}))"
    return (
        f"CASE WHEN {_text(folder)} IS NULL OR {_text(name)} IS NULL THEN coalesce({_text(folder)}, {_text(name)})"
        f" WHEN {whole} THEN {folder} ELSE rtrim({folder}, '\\') || '\\' || {name} END"
    )


def _hashes(prefix: str = "") -> dict[str, str]:
    kinds = ("md5", "sha1", "sha256")
    parts = ", ".join(f"'{k.upper()}=' || {_text(prefix + k)}" for k in kinds)
    return {
        "Hashes": f"nullif(concat_ws(',', {parts}), '')",
        **{k: _text(prefix + k) for k in kinds},
    }


def _account(prefix: str = "") -> str:
    names = f"{_text(prefix + 'account_domain')}, {_text(prefix + 'account_name')}"
    return f"nullif(concat_ws('\\', {names}), '')"


def _version(prefix: str) -> dict[str, str]:
    info = prefix + "version_info_"
    return {
        "Company": _text(info + "company_name"),
        "Product": _text(info + "product_name"),
        "FileVersion": _text(info + "product_version"),
        "OriginalFileName": _text(info + "original_file_name"),
        "Description": _text(info + "file_description"),
    }


_IMAGE = _path(_INITIATOR + "folder_path", _INITIATOR + "file_name")
_COMMON = {
    "Computer": _text("device_name"),
    "ComputerName": _text("device_name"),
    "ActionType": "action_type",
}
_BY = {
    "Image": _IMAGE,
    "CommandLine": _text(_INITIATOR + "command_line"),
    "ProcessId": f"{_INITIATOR}id::VARCHAR",
    "User": _account(_INITIATOR),
    "ParentImage": _text(_INITIATOR + "parent_file_name"),
    "ParentProcessId": f"{_INITIATOR}parent_id::VARCHAR",
}
_KEY = "concat_ws('\\', nullif(registry_key, ''), nullif(registry_value_name, ''))"
_MACHINE = f"regexp_replace({_KEY}, '(?i)^HKEY_LOCAL_MACHINE', 'HKLM')"
_FILE = _path("folder_path", "file_name")

MDE_FIELDS: Mapping[str, Mapping[str, str]] = {
    "mde_device_process_events": {
        **_COMMON,
        "Image": _FILE,
        "CommandLine": _text("process_command_line"),
        "ProcessId": "process_id::VARCHAR",
        "User": _account(),
        "IntegrityLevel": _text("process_integrity_level"),
        "LogonId": "logon_id::VARCHAR",
        **_version("process_"),
        **_hashes(),
        "ParentImage": _IMAGE,
        "ParentCommandLine": _text(_INITIATOR + "command_line"),
        "ParentProcessId": f"{_INITIATOR}id::VARCHAR",
        "ParentUser": _account(_INITIATOR),
        "GrandParentImage": _text(_INITIATOR + "parent_file_name"),
    },
    "mde_device_file_events": {**_COMMON, **_BY, "TargetFilename": _FILE, **_hashes()},
    "mde_device_image_load_events": {**_COMMON, **_BY, "ImageLoaded": _FILE, **_hashes()},
    "mde_device_network_events": {
        **_COMMON,
        **_BY,
        "DestinationIp": _text("remote_ip"),
        "DestinationPort": "remote_port::VARCHAR",
        "DestinationHostname": _text("remote_url"),
        "SourceIp": _text("local_ip"),
        "SourcePort": "local_port::VARCHAR",
        "Protocol": _text("protocol"),
        "Initiated": "(NOT starts_with(lower(action_type), 'inbound'))::VARCHAR",
    },
    "mde_device_registry_events": {
        **_COMMON,
        **_BY,
        "TargetObject": f"regexp_replace({_MACHINE}, '(?i)^HKEY_USERS', 'HKU')",
        "Details": _text("registry_value_data"),
        "EventType": "CASE lower(action_type) WHEN 'registrykeycreated' THEN 'CreateKey' WHEN 'registryvalueset' THEN"
        " 'SetValue' WHEN 'registryvaluedeleted' THEN 'DeleteValue' WHEN 'registrykeydeleted' THEN 'DeleteKey'"
        " ELSE 'RenameKey' END",
    },
}
"""Table -> field -> SQL text."""
