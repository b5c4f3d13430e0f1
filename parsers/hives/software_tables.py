"""Tables that the SOFTWARE hive fills."""

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.rows import PROVENANCE

_KEY_TIME = Column("key_last_write_utc", Sql.TIME, "Last write of the key, UTC")
_REST = tuple(c for c in PROVENANCE if c.name != _KEY_TIME.name)

UPDATE_PACKAGE = Table(
    "update_package",
    "Update packages of component based servicing: which state of Windows ran when",
    (
        Column("package", Sql.TEXT, "Full name of the package"),
        Column("installed_utc", Sql.TIME, "Install time of the package, UTC"),
        Column("name", Sql.TEXT, "First part of the name (Package_for_RollupFix, Package_for_KB...)"),
        Column("version", Sql.TEXT, "Version; of rollups the middle is build.revision (19041 for all of 1904x)"),
        Column("state", Sql.TEXT, "installed, superseded, staged, ..., or the number"),
        Column("client", Sql.TEXT, "Who installed it"),
        *PROVENANCE,
    ),
    address="offset",
    time="installed_utc",
    moments=(
        Moment("installed_utc", "update_installed", "concat_ws(' ', name, version, state)"),
    ),
)  # fmt: skip

MOUNT_VERB = Table(
    "mount_verb",
    "Verbs of the types of disk images: whether a double click mounts; PowerShell mounts in any case",
    (
        Column("prog_id", Sql.TEXT, "Type (Windows.IsoFile, Windows.VhdFile)"),
        Column("verb", Sql.TEXT, "Verb; mount is what a double click does. NULL: the type has no verbs"),
        Column("mounts_on_double_click", Sql.BOOL, "The mount verb is there, without ProgrammaticAccessOnly; NULL for other verbs"),
        Column("programmatic_access_only", Sql.BOOL, "Value ProgrammaticAccessOnly is there: the verb is hidden from users"),
        Column("has_lua_shield", Sql.BOOL, "Value HasLUAShield is there: shown with a shield, asks for elevation"),
        Column("legacy_disable", Sql.BOOL, "Value LegacyDisable is there: verb disabled"),
        Column("command", Sql.TEXT, "Command of the verb, or its handler (DelegateExecute, ExplorerCommandHandler)"),
        *PROVENANCE,
    ),
    address="offset",
    moments=(
        Moment(
            "key_last_write_utc",
            "mount_verb_written",
            "concat_ws(' ', prog_id, verb, 'verb last changed;', CASE WHEN programmatic_access_only THEN 'hidden' END)",
            "programmatic_access_only OR legacy_disable",
        ),
    ),
)  # fmt: skip

VOLUME_INFO = Table(
    "volume_info",
    "Labels of letters that the search service noted; the latest volume of each letter only",
    (
        Column("letter", Sql.TEXT, "Drive letter with colon, upper case"),
        _KEY_TIME,
        Column("label", Sql.TEXT, "Label of the volume"),
        Column("drive_type", Sql.TEXT, "removable, fixed, remote, cdrom, ramdisk, or the number"),
        *_REST,
    ),
    address="offset",
    time="key_last_write_utc",
    moments=(
        Moment("key_last_write_utc", "volume_info_written", "concat_ws(' ', letter, drive_type, 'label', label)"),
    ),
)  # fmt: skip

READYBOOST_VOLUME = Table(
    "readyboost_volume",
    "Volumes that ReadyBoost tested (EMDMgmt): label and serial of removable media, rarely of images",
    (
        Column("device", Sql.TEXT, "Device part of the key's name"),
        Column("last_tested_utc", Sql.TIME, "Last test, UTC"),
        Column("label", Sql.TEXT, "Label of the volume"),
        Column("volume_serial", Sql.TEXT, "Serial of the volume, XXXX-XXXX"),
        *PROVENANCE,
    ),
    address="offset",
    time="last_tested_utc",
    moments=(
        Moment("last_tested_utc", "readyboost_tested", "concat_ws(' ', device, 'label', label, volume_serial)"),
    ),
)  # fmt: skip

PORTABLE_DEVICE = Table(
    "portable_device",
    "Windows Portable Devices: name (of volumes mostly label or letter) of devices that were attached",
    (
        Column("device", Sql.TEXT, "Name of the device's key"),
        _KEY_TIME,
        Column("friendly_name", Sql.TEXT, "Name as shown: label or letter"),
        *_REST,
    ),
    address="offset",
    time="key_last_write_utc",
    moments=(
        Moment("key_last_write_utc", "portable_device_written", "concat_ws(' ', friendly_name, device)"),
    ),
)  # fmt: skip

DEFENDER_EXCLUSION = Table(
    "defender_exclusion",
    "What Defender does not scan",
    (
        Column("kind", Sql.TEXT, "Paths, Extensions, Processes, ..."),
        _KEY_TIME,
        Column("entry", Sql.TEXT, "The excluded path, extension or process"),
        Column("source", Sql.TEXT, "local, or policy"),
        *_REST,
    ),
    address="offset",
    time="key_last_write_utc",
    moments=(
        Moment("key_last_write_utc", "defender_exclusion_written", "concat_ws(' ', kind, entry, source)"),
    ),
)  # fmt: skip

USER_PROFILE = Table(
    "user_profile",
    "Users with a profile on this host: joins a SID with the folder that bears the user's name",
    (
        Column("user_sid", Sql.TEXT, "SID of the user"),
        Column("user_name", Sql.TEXT, "Last part of the profile's path; the account may have another name"),
        Column("profile_path", Sql.TEXT, "Folder of the profile, as stored"),
        Column("load_utc", Sql.TIME, "Profile last loaded, UTC (about the logon)"),
        Column("unload_utc", Sql.TIME, "Profile last unloaded, UTC (about the logoff)"),
        *PROVENANCE,
    ),
    address="offset",
    moments=(
        Moment("load_utc", "profile_loaded", "concat_ws(' ', profile_path, 'loaded')"),
        Moment("unload_utc", "profile_unloaded", "concat_ws(' ', profile_path, 'unloaded')"),
    ),
)  # fmt: skip
