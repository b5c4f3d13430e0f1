"""How an event reads as one line of the timeline: per typed table a kind and a DuckDB expression over its columns."""

from parsers.contract import Moment

_WHO = "nullif(concat_ws('\\', nullif({0}_domain_name, '-'), nullif({0}_user_name, '-')), '')"
_SUBJECT = _WHO.format("subject")
_BY = "' by ' || image || ' (' || process_id || ')'"

_VHDMP = " ".join(
    f"WHEN {event} THEN '{words}'"
    for event, words in {
        1: "surfaced",
        2: "unsurfaced",
        3: "surfacing failed",
        4: "surfacing cancelled",
        5: "operation failed",
        11: "surface invalidated",
        12: "opened",
        13: "open failed",
        14: "handle closed",
        15: "disk object created",
        16: "disk object destroyed",
        17: "surfaced for a guest",
        18: "unsurfaced for a guest",
        22: "file open begins",
        23: "file opened",
        24: "file open failed",
        25: "surface begins",
        26: "unsurface begins",
        27: "file close begins",
        28: "file closed",
        30: "handle closed",
        35: "unsurfaced",
        50: "operation begins",
        51: "operation done",
    }.items()
)

_LINES: dict[str, tuple[str, str]] = {
    "sysmon_process_create": (
        "process_create",
        "concat_ws(' ', coalesce(nullif(command_line, ''), image), '(' || process_id || ')', 'parent ' || parent_image,"
        " 'as ' || \"user\")",
    ),
    "sysmon_file_time": (
        "file_time_changed",
        f"concat(target_filename, ' creation set to ', creation_utc_time, {_BY})",
    ),
    "sysmon_network": (
        "network",
        "concat(image, ' (', process_id, ') ', protocol, ' ', source_ip, ':', source_port, ' to ', destination_ip, ':',"
        " destination_port, ' ' || nullif(nullif(destination_hostname, ''), '-'))",
    ),
    "sysmon_process_terminate": ("process_end", "concat(image, ' (', process_id, ')')"),
    "sysmon_image_load": (
        "image_load",
        f"concat(image_loaded, {_BY}, ' signature ' || signature_status)",
    ),
    "sysmon_remote_thread": (
        "remote_thread",
        "concat(source_image, ' (', source_process_id, ') in ', target_image, ' (', target_process_id, ')')",
    ),
    "sysmon_process_access": (
        "process_access",
        "concat(source_image, ' (', source_process_id, ') opens ', target_image, ' (', target_process_id,"
        " ') access 0x', lower(to_hex(granted_access)))",
    ),
    "sysmon_file_create": ("file_create", f"concat(target_filename, {_BY})"),
    "sysmon_registry": (
        "registry",
        f"concat(event_type, ' ', target_object, ' = ' || details, ' new name ' || new_name, {_BY})",
    ),
    "sysmon_stream_create": (
        "stream_create",
        f"concat(target_filename, {_BY}, ' content ' || nullif(regexp_replace(contents, '\\s+', ' ', 'g'), ''))",
    ),
    "sysmon_dns": (
        "dns",
        f"concat(query_name, ' = ' || nullif(query_results, ''), ' status ' || query_status, {_BY})",
    ),
    "sysmon_file_delete": ("file_delete", f"concat(target_filename, {_BY})"),
    "sysmon_process_tampering": (
        "process_tampering",
        "concat(image, ' (', process_id, ') ', type)",
    ),
    "sysmon_file_executable": ("file_executable", f"concat(target_filename, {_BY})"),
    "security_process_create": (
        "process_create",
        "concat_ws(' ', coalesce(nullif(command_line, ''), new_process_name), '(' || new_process_id || ')',"
        f" 'parent ' || coalesce(nullif(parent_process_name, ''), process_id::VARCHAR), 'as ' || {_SUBJECT})",
    ),
    "security_process_exit": ("process_end", "concat(process_name, ' (', process_id, ')')"),
    "security_object_access": (
        "object_access",
        "concat_ws(' ', object_type, object_name, 'by ' || nullif(process_name, ''),"
        f" 'as ' || {_SUBJECT}, 'mask 0x' || lower(to_hex(access_mask)))",
    ),
    "security_logon": (
        "logon",
        f"concat_ws(' ', {_WHO.format('target')}, 'type ' || logon_type, 'from ' || nullif(nullif(ip_address, ''), '-'),"
        " nullif(nullif(workstation_name, ''), '-'))",
    ),
    "security_time_change": (
        "clock_change",
        "concat(previous_time, ' to ', new_time, ' by ', process_name)",
    ),
    "security_service_install": (
        "service_install",
        "concat(service_name, ' = ', service_file_name)",
    ),
    "security_task_create": ("task_create", f"concat(task_name, ' by ' || {_SUBJECT})"),
    "security_share_access": (
        "share_access",
        "concat_ws(' ', share_name, nullif(relative_target_name, ''), 'from ' || ip_address,"
        f" 'as ' || {_SUBJECT})",
    ),
    "security_device_arrival": ("device_arrival", "concat_ws(' ', device_description, device_id)"),
    "security_log_cleared": ("log_clear", f"concat('Security log cleared by ', {_SUBJECT})"),
    "system_log_cleared": (
        "log_clear",
        f"concat(cleared_channel, ' log cleared by ', {_SUBJECT})",
    ),
    "system_service_install": ("service_install", "concat(service_name, ' = ', image_path)"),
    "system_eventlog_service": (
        "eventlog_service",
        "CASE event_id WHEN 6005 THEN 'event log started' WHEN 6006 THEN 'event log stopped'"
        " WHEN 6008 THEN 'previous shutdown was unexpected' WHEN 6009 THEN 'system version'"
        " ELSE 'uptime' END",
    ),
    "system_boot": (
        "boot",
        "CASE event_id WHEN 12 THEN concat('system start ', start_time, ' build ' || build_version)"
        " ELSE concat('system shutdown ', stop_time) END",
    ),
    "system_time_change": (
        "clock_change",
        "concat(old_time, ' to ', new_time, ' by ' || process_name)",
    ),
    "vhdmp": (
        "virtual_disk",
        f"concat_ws(' ', CASE event_id {_VHDMP} ELSE 'event ' || event_id END,"
        " vhd_file, 'disk ' || vhd_disk_number, 'status 0x' || lower(to_hex(status)))",
    ),
    "partition_diagnostic": (
        "disk",
        "concat_ws(' ', 'disk ' || disk_number, manufacturer, model, 'serial ' || nullif(serial_number, ''),"
        " 'bus ' || bus_type, CASE WHEN capacity = 0 THEN 'gone' ELSE capacity || ' bytes' END)",
    ),
    "ntfs_volume": (
        "volume",
        "concat_ws(' ', volume_name, nullif(volume_label, ''), device_name, vendor_id, product_id)",
    ),
    "powershell_script_block": (
        "script_block",
        "concat_ws(' ', nullif(path, ''), regexp_replace(left(script_block_text, 1000), '\\s+', ' ', 'g'))",
    ),
    "powershell_pipeline": (
        "pipeline",
        "regexp_replace(left(payload, 1000), '\\s+', ' ', 'g')",
    ),
    "defender_detection": (
        "defender",
        "concat_ws(' ', threat_name, severity_name, path, 'by ' || nullif(process_name, ''), action_name)",
    ),
}


def event_moments(table: str) -> tuple[Moment, ...]:
    """The timeline rows of a typed table; a table without a line of its own shows its name."""
    kind, summary = _LINES.get(table, (table, f"'{table}'"))
    return (Moment("time_utc", kind, summary),)


OTHER_MOMENTS = (Moment("time_utc", "event", "concat_ws(' ', provider, left(data, 1000))"),)
