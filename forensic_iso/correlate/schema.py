"""The derived tables: what the correlation publishes."""

from parsers.contract import HOST, Column, Moment, Sql, Table

_UTC = "UTC, as stamped in the evidence"


def _confidence(what: str) -> Column:
    return Column("confidence", Sql.FLOAT, f"0..1: {what}")


RULE = Table(
    "rule",
    "Thresholds and weights the correlation ran with (rules.toml)",
    (
        Column("name", Sql.TEXT, "Name of the rule"),
        Column("value", Sql.FLOAT, "Value; names ending in _s are seconds"),
    ),
    address="name",
)

RULE_LIST = Table(
    "rule_list",
    "Word lists and patterns the correlation ran with (rules.toml)",
    (
        Column("name", Sql.TEXT, "Name of the list"),
        Column("value", Sql.TEXT, "One entry, lower case"),
    ),
    address="name",
)

HOST_ALIAS = Table(
    "host_alias",
    "Former names of hosts that were renamed: the derived tables name the host by its last name",
    (
        HOST,
        Column("alias", Sql.TEXT, "Name that the host bore before"),
        Column("last_utc", Sql.TIME, f"Last record with the former name, {_UTC}"),
        Column("changed_utc", Sql.TIME, f"First record with the next name, {_UTC}; NULL: none yet"),
        Column("basis", Sql.TEXT, "What says that both names are one machine's"),
        Column("source_id", Sql.TEXT, "Artifact that shows the change (source)"),
        Column("table_name", Sql.TEXT, "Table of the row that shows it"),
        Column("row_address", Sql.TEXT, "Address of that row inside the artifact"),
    ),
    address="alias",
)

BOOT = Table(
    "boot",
    "Runs of the system, one per start of a host; boot 0 lies before the first start logged",
    (
        HOST,
        Column(
            "boot_number",
            Sql.I32,
            "Number of the start in the evidence, from 1; 0: began before the logs do",
        ),
        Column("started_utc", Sql.TIME, f"Start of the system, {_UTC}; NULL: before the logs"),
        Column(
            "ended_utc",
            Sql.TIME,
            f"End: shutdown, or last record before the next start, {_UTC}; NULL: none",
        ),
        Column(
            "end_basis",
            Sql.TEXT,
            "shutdown, crash, or log_end (still running at the end of the logs)",
        ),
        Column(
            "fast_startup",
            Sql.BOOL,
            "The next start was a fast startup: mounted images may have survived",
        ),
        Column("start_ns", Sql.I64, "Start on the monotonic clock, ns since 1970"),
        Column(
            "end_ns",
            Sql.I64,
            "Start of the next run on the monotonic clock, ns since 1970; NULL: none",
        ),
        Column("stop_ns", Sql.I64, "End on the monotonic clock, ns since 1970; NULL: none"),
    ),
    address="boot_number",
    time="started_utc",
    moments=(
        Moment("started_utc", "system_start", "'start ' || boot_number || ' of the system'"),
        Moment(
            "ended_utc",
            "system_end",
            "'end of run ' || boot_number || ': ' || end_basis",
            "end_basis <> 'log_end'",
        ),
    ),
)

PROCESS = Table(
    "process",
    "Process starts: Sysmon 1, Security 4688 and DeviceProcessEvents of one start are one row",
    (
        Column("process_key", Sql.TEXT, "Hash of host, program, process id and start"),
        HOST,
        Column("started_utc", Sql.TIME, f"Start, {_UTC}; Sysmon's time where it logged it"),
        Column(
            "ended_utc",
            Sql.TIME,
            f"End as logged (Sysmon 5, Security 4689), {_UTC}; NULL: not logged",
        ),
        Column("pid", Sql.I64, "Process id"),
        Column("process_guid", Sql.TEXT, "Sysmon's id of the process"),
        Column("path", Sql.TEXT, "Program as logged"),
        Column("command_line", Sql.TEXT, "Command line; NULL: not logged"),
        Column("current_directory", Sql.TEXT, "Working directory at start (Sysmon only)"),
        Column("original_file_name", Sql.TEXT, "Name in the version resource (Sysmon only)"),
        Column("hashes", Sql.TEXT, "Hashes of the program (Sysmon only)"),
        Column("user_name", Sql.TEXT, "Account, DOMAIN\\name"),
        Column("user_sid", Sql.TEXT, "SID of the account (Security and Defender only)"),
        Column("integrity", Sql.TEXT, "low, medium, high, system"),
        Column("parent_key", Sql.TEXT, "process_key of the parent; NULL: not in the logs"),
        Column("parent_basis", Sql.TEXT, "guid, or pid: newest live process of that id and name"),
        Column("parent_pid", Sql.I64, "Process id of the parent (of the creator, Security)"),
        Column("parent_path", Sql.TEXT, "Program of the parent"),
        Column("parent_command_line", Sql.TEXT, "Command line of the parent"),
        Column("boot_number", Sql.I32, "Run of the system it belongs to (boot)"),
        Column("start_ns", Sql.I64, "Start on the monotonic clock, ns since 1970"),
        Column(
            "end_ns",
            Sql.I64,
            "End, or start of the next process of that id, or next boot; NULL: open",
        ),
        Column("sysmon_source_id", Sql.TEXT, "Source of the Sysmon record"),
        Column("sysmon_offset", Sql.I64, "Offset of the Sysmon record"),
        Column("security_source_id", Sql.TEXT, "Source of the Security record"),
        Column("security_offset", Sql.I64, "Offset of the Security record"),
        Column("mde_source_id", Sql.TEXT, "Source of the row of DeviceProcessEvents"),
        Column("mde_row", Sql.I64, "Number of that row in its file"),
    ),
    address="process_key",
    time="started_utc",
)

IMAGE_DELIVERY = Table(
    "image_delivery",
    "Arrivals of disk images on a host",
    (
        Column("delivery_id", Sql.TEXT, "Hash of host, path and time"),
        HOST,
        Column("image_path", Sql.TEXT, "Path of the image where it arrived or lies"),
        Column(
            "time_utc",
            Sql.TIME,
            f"Creation of the file, else start of the download, {_UTC}; NULL: not known",
        ),
        Column(
            "zone_id",
            Sql.I32,
            "Mark-of-the-Web: 3 Internet, 4 restricted; NULL: no mark, or zone unknown",
        ),
        Column("host_url", Sql.TEXT, "Where the bytes came from"),
        Column("referrer_url", Sql.TEXT, "Page, or archive the image came out of"),
        Column(
            "source",
            Sql.TEXT,
            "What tells it, joined by commas: $MFT stream, Sysmon 15, browser download, BITS 16403, journal, ...",
        ),
        Column(
            "trace",
            Sql.TEXT,
            "Kind of arrival: web (marked), download (a record of it, no mark), archive, mail, chat, copied, "
            "detected (by Defender), unblocked (a mark was deleted), unknown",
        ),
        Column("writer_path", Sql.TEXT, "Program that wrote the file or its mark, where logged"),
        Column("marked_utc", Sql.TIME, f"When the mark was written, {_UTC}"),
        Column("basis", Sql.TEXT, "What the row rests on, in words"),
        Column(
            "mark_removed",
            Sql.TEXT,
            "What speaks for a removal of the mark, in words; NULL: nothing",
        ),
        _confidence("that the image arrived so"),
    ),
    address="delivery_id",
    time="time_utc",
    moments=(
        Moment(
            "time_utc",
            "image_delivered",
            "concat(image_path, ' ' || trace, ' zone ' || zone_id, ' from ' || host_url)",
        ),
    ),
)

MOUNT_SESSION = Table(
    "mount_session",
    "Mounts of disk images, one row per session",
    (
        Column(
            "session_id",
            Sql.TEXT,
            "Hash of host, image and opening (or closing, where only that is known)",
        ),
        HOST,
        Column("image_path", Sql.TEXT, "Image, in the spelling of the $MFT where it lies there"),
        Column(
            "volume",
            Sql.TEXT,
            "Letter, or device, or volume GUID; NULL: not forced by the evidence",
        ),
        Column("volume_label", Sql.TEXT, "Label of the volume"),
        Column("volume_serial", Sql.TEXT, "Serial number of the volume, XXXX-XXXX"),
        Column("device_number", Sql.I64, "Disk number; of an optical image n of \\Device\\CdRomN"),
        Column("opened_utc", Sql.TIME, f"Opening, {_UTC}; NULL: before the logs"),
        Column(
            "closed_utc",
            Sql.TIME,
            f"End, {_UTC}; NULL: no evidence of an end (close_basis says why)",
        ),
        Column(
            "close_basis",
            Sql.TEXT,
            "unsurfaced, removed, destroyed, invalidated, shutdown, crash, superseded, open_ended",
        ),
        Column("basis", Sql.TEXT, "What session and volume rest on, in words"),
        _confidence("that the image was mounted"),
        Column("user_sid", Sql.TEXT, "Account that opened the image"),
        Column(
            "noise_reason",
            Sql.TEXT,
            "Why it is a disk of the system and no delivered image; NULL: it may be one",
        ),
        Column("image_kind", Sql.TEXT, "optical (ISO, IMG) or disk (VHD, VHDX); NULL: not known"),
        Column("volume_basis", Sql.TEXT, "What the volume rests on, in words"),
        Column("volume_confidence", Sql.FLOAT, "0..1: that the volume is this session's"),
        Column(
            "open_ns", Sql.I64, "Opening on the monotonic clock, ns since 1970; NULL: not known"
        ),
        Column(
            "end_ns",
            Sql.I64,
            "Bound for joins on the monotonic clock, ns since 1970; NULL: end of the logs",
        ),
    ),
    address="session_id",
    time="opened_utc",
    moments=(
        Moment(
            "opened_utc",
            "image_mounted",
            "concat(image_path, ' as ' || volume, ' [' || noise_reason || ']')",
        ),
        Moment(
            "closed_utc",
            "image_unmounted",
            "concat(image_path, ' as ' || volume, ' (', close_basis, ')')",
        ),
    ),
)

VOLUME_CLAIM = Table(
    "volume_claim",
    "Every ground for giving a volume to a session, also those that lost",
    (
        Column("session_id", Sql.TEXT, "Session (mount_session)"),
        HOST,
        Column("volume", Sql.TEXT, "Letter, device or volume GUID"),
        Column("form", Sql.TEXT, "letter, cdrom, harddisk, guid"),
        Column("uses", Sql.I64, "Uses of the volume inside the session"),
        Column("first_utc", Sql.TIME, f"First of them, {_UTC}"),
        Column("basis", Sql.TEXT, "What the claim rests on, in words"),
        _confidence("that the volume is this session's"),
        Column("verdict", Sql.TEXT, "taken; ambiguous; or why it was refused"),
    ),
    address="session_id",
)

EXECUTION = Table(
    "execution",
    "Programs, modules and scripts run from a mounted image, by logs and by other artifacts",
    (
        Column("execution_id", Sql.TEXT, "Hash of session, process, kind of row and module"),
        Column("session_id", Sql.TEXT, "Session (mount_session)"),
        HOST,
        Column("image_path", Sql.TEXT, "Image"),
        Column(
            "time_utc",
            Sql.TIME,
            f"Start of the process, or load of the module, {_UTC}; of some artifacts a moment near it, "
            "which basis says; NULL: no moment is known",
        ),
        Column(
            "kind", Sql.TEXT, "image_on_volume, module_on_volume, script_arg, relative_arg_cwd, ..."
        ),
        Column("process_path", Sql.TEXT, "Program; of a module load the loader"),
        Column("command_line", Sql.TEXT, "Command line"),
        Column("pid", Sql.I64, "Process id"),
        Column("process_guid", Sql.TEXT, "Sysmon's id of the process"),
        Column("parent_path", Sql.TEXT, "Program of the parent"),
        Column("user_name", Sql.TEXT, "Account"),
        Column("basis", Sql.TEXT, "What the row rests on, in words"),
        _confidence("that this was run from the image"),
        Column("target", Sql.TEXT, "File on the volume: program, module or argument"),
        Column("process_key", Sql.TEXT, "Process (process)"),
        Column("integrity", Sql.TEXT, "Integrity level of the process: low, medium, high, system"),
        Column("signed", Sql.BOOL, "Module is signed and valid; NULL: no signature logged"),
    ),
    address="execution_id",
    time="time_utc",
    moments=(
        Moment(
            "time_utc",
            "executed",
            "concat(kind, ': ', coalesce(command_line, process_path), ' from ', image_path)",
        ),
    ),
)

FOLLOW_ON = Table(
    "follow_on",
    "What the executions and all their descendants did",
    (
        Column("follow_on_id", Sql.TEXT, "Hash of execution, kind, value and time"),
        Column("execution_id", Sql.TEXT, "Nearest execution above the act"),
        HOST,
        Column("time_utc", Sql.TIME, f"When, {_UTC}; NULL: the artifact tells no time"),
        Column("time_basis", Sql.TEXT, "What the time is: as logged, last write of a key, ..."),
        Column(
            "kind",
            Sql.TEXT,
            "child_process, network, dns, file_create, registry, persistence, injection, ...",
        ),
        Column("value", Sql.TEXT, "Path, address, name, key, threat, channel or image"),
        Column("detail", Sql.TEXT, "Command line, port, data: what completes the value"),
        Column("process_path", Sql.TEXT, "Program that did it"),
        Column("process_key", Sql.TEXT, "Process that did it (process)"),
        Column("external", Sql.BOOL, "network and dns: leaves the local networks"),
        Column("basis", Sql.TEXT, "What ties the act to the execution, in words"),
        _confidence("that the act belongs to the execution"),
    ),
    address="follow_on_id",
    time="time_utc",
)

FINDING = Table(
    "finding",
    "One row per host and image: how far it came",
    (
        Column("finding_id", Sql.TEXT, "Hash of host and image"),
        HOST,
        Column("image_path", Sql.TEXT, "Image as mounted, else where it lies"),
        Column("verdict", Sql.TEXT, "delivered < mounted < executed < active"),
        Column("severity", Sql.TEXT, "info, low, medium, high, critical"),
        Column("score", Sql.FLOAT, "0..100"),
        _confidence("least of the links the verdict needs"),
        Column(
            "benign_reason",
            Sql.TEXT,
            "Independent facts that speak for a harmless cause; NULL: none",
        ),
        Column("weakest_link", Sql.TEXT, "The link that carries least, in words"),
        Column("attack_ids", Sql.TEXT, "ATT&CK techniques with a row behind them, joined by ', '"),
        Column("reasons", Sql.TEXT, "What gave the score, joined by '; '"),
        Column(
            "cannot_exclude",
            Sql.TEXT,
            "What the evidence could not show, in sentences; NULL: nothing",
        ),
        Column(
            "mark_reach",
            Sql.TEXT,
            "Whether Windows took files inside for Internet files, by build and updates; NULL: not mounted",
        ),
        Column("first_utc", Sql.TIME, f"First row of the finding, {_UTC}"),
        Column("last_utc", Sql.TIME, f"Last row of the finding, {_UTC}"),
    ),
    address="finding_id",
    time="first_utc",
    moments=(
        Moment(
            "first_utc",
            "finding",
            "concat(severity, ': ', image_path, ' ', verdict, ', score ', score)",
        ),
    ),
)

FINDING_PART = Table(
    "finding_part",
    "Deliveries, sessions and executions that a finding is made of; follow_on goes with its execution",
    (
        Column("finding_id", Sql.TEXT, "Finding (finding)"),
        HOST,
        Column("part", Sql.TEXT, "delivery, session or execution"),
        Column("part_id", Sql.TEXT, "Its id in image_delivery, mount_session or execution"),
        Column(
            "image_path",
            Sql.TEXT,
            "Path by which that row names the image: an image that was moved bears several",
        ),
    ),
    address="part_id",
)

EVIDENCE_REF = Table(
    "evidence_ref",
    "From every derived row back to the rows of evidence it rests on",
    (
        Column(
            "subject_id", Sql.TEXT, "Id of a delivery, session, execution, follow-on or finding"
        ),
        Column(
            "step", Sql.TEXT, "Link of the chain: delivered, mounted, volume, executed, followed"
        ),
        Column("source_id", Sql.TEXT, "Artifact (source)"),
        Column("table_name", Sql.TEXT, "Evidence table"),
        Column("row_address", Sql.TEXT, "Address of the row inside the artifact (record_offset)"),
        Column("role", Sql.TEXT, "What the row says in that link"),
    ),
    address="row_address",
)

COVERAGE = Table(
    "coverage",
    "What the logs cover, and where they are silent",
    (
        HOST,
        Column("channel", Sql.TEXT, "Channel of the log, or artifact"),
        Column("first_utc", Sql.TIME, f"First record, {_UTC}"),
        Column("last_utc", Sql.TIME, f"Last record, {_UTC}"),
        Column("records", Sql.I64, "Records read"),
        Column("gaps", Sql.I64, "Records missing between the first and the last id"),
        Column(
            "cleared", Sql.I64, "Times the log was cleared, as logged (Security 1102, System 104)"
        ),
        Column("remark", Sql.TEXT, "What limits it, in words; NULL: nothing"),
    ),
    address="channel",
    time="first_utc",
)

TIMELINE = Table(
    "timeline",
    "Every time of every row, in order: physical order is the order of rid",
    (
        Column("rid", Sql.I64, "Number of the row in order of time, from 0 without holes"),
        Column("time_utc", Sql.TIME, _UTC),
        HOST,
        Column("source", Sql.TEXT, "Log or artifact: Sysmon, Security, $MFT, Prefetch, Finding"),
        Column("event_id", Sql.U32, "Event id; NULL: no event"),
        Column("kind", Sql.TEXT, "What the row tells: process_create, file_created, mark, ..."),
        Column(
            "severity",
            Sql.U8,
            "0 none, 1 info, 2 low, 3 medium, 4 high, 5 critical: that of the finding the row supports, else by its level or kind",
        ),
        Column("summary", Sql.TEXT, "The row in one line, at most 500 characters"),
        Column("source_id", Sql.TEXT, "Artifact (source); NULL: derived"),
        Column("table_name", Sql.TEXT, "Table of the row"),
        Column("row_address", Sql.TEXT, "Address of the row inside the artifact, or its id"),
    ),
    address="rid",
    time="time_utc",
)

DERIVED_TABLES: tuple[Table, ...] = (
    RULE,
    RULE_LIST,
    HOST_ALIAS,
    BOOT,
    PROCESS,
    IMAGE_DELIVERY,
    MOUNT_SESSION,
    VOLUME_CLAIM,
    EXECUTION,
    FOLLOW_ON,
    FINDING,
    FINDING_PART,
    EVIDENCE_REF,
    COVERAGE,
    TIMELINE,
)
"""In order of building; the case creates them, the correlation replaces them."""
