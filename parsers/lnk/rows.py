"""What a shortcut says about its target, as columns: for shortcuts themselves and for jump lists."""

import json
import uuid
from collections.abc import Callable

from parsers.contract import Column, Sql
from parsers.lnk.items import path_of
from parsers.lnk.model import Lnk, Tracker
from parsers.lnk.properties import APP_ID, OWNER_SID, PARSING_PATH
from parsers.rows import Row, epoch_ns, filetime_ns

DIALOG_CHARACTERS = 260
"""Characters of a command line that Explorer's properties dialog shows."""

_DRIVES = ("unknown", "no root", "removable", "fixed", "remote", "CD-ROM", "RAM disk")
_SHOW = {1: "normal", 3: "maximized", 7: "minimized"}
_RUN_AS = 0x2000
_DIRECTORY = 0x10
_ENTRY_MASK = (1 << 48) - 1
_UUID_1970 = 0x01B21DD213814000
_MAX_PROPERTIES = 16_384

TimeReport = Callable[[str, int], None]
"""Takes the name of a column whose time cannot be held, and the FILETIME."""

TIMES = (
    Column("target_created_utc", Sql.TIME, "Target created, when the link was last written, UTC"),
    Column("target_modified_utc", Sql.TIME, "Target modified, likewise, UTC"),
    Column("target_accessed_utc", Sql.TIME, "Target accessed, likewise, UTC"),
)
TARGET = (
    Column("target_path", Sql.TEXT, "Target, from the best source in the shortcut (target_basis)"),
    Column(
        "target_basis",
        Sql.TEXT,
        "Where it stands: link info, network share, ID list, environment block, property, relative path",
    ),
    Column("arguments", Sql.TEXT, "Arguments, whole"),
    Column("arguments_length", Sql.U32, "Characters of the arguments, with blanks"),
    Column(
        "arguments_beyond_dialog",
        Sql.TEXT,
        "Arguments behind the first 260 characters, which Explorer's dialog does not show",
    ),
    Column("working_directory", Sql.TEXT, "Working directory"),
    Column("relative_path", Sql.TEXT, "Path from the shortcut to the target"),
    Column("description", Sql.TEXT, "Description (NAME_STRING)"),
    Column("icon_location", Sql.TEXT, "File of the icon"),
    Column("icon_index", Sql.I32, "Number of the icon in it"),
    Column("drive_type", Sql.TEXT, "Drive of the target: fixed, removable, CD-ROM, remote, ..."),
    Column("volume_serial", Sql.TEXT, "Serial of the target's volume, as Windows shows it"),
    Column("volume_label", Sql.TEXT, "Label of that volume"),
    Column("local_path", Sql.TEXT, "Local base path and suffix of the link information"),
    Column("network_share", Sql.TEXT, "Share of the link information"),
    Column("network_device", Sql.TEXT, "Drive letter the share was mapped to"),
    Column("id_list_path", Sql.TEXT, "Path that the ID list spells: what the shell opens first"),
    Column("environment_path", Sql.TEXT, "Target with environment variables"),
    Column("target_size", Sql.U32, "Size of the target, low 32 bits"),
    Column("target_attributes", Sql.U32, "File attributes of the target"),
    Column("target_is_directory", Sql.BOOL, "Whether they say directory"),
    Column("target_mft_entry", Sql.U64, "Record number of the target in its $MFT, by the ID list"),
    Column("target_mft_sequence", Sql.U16, "Sequence number of that record"),
    Column("item_created_utc", Sql.TIME, "Target created, by the ID list (2 s), UTC"),
    Column("item_modified_utc", Sql.TIME, "Target modified, by the ID list (2 s), UTC"),
    Column("item_accessed_utc", Sql.TIME, "Target accessed, by the ID list (2 s), UTC"),
    Column("machine_id", Sql.TEXT, "NetBIOS name of the machine the target was on"),
    Column("volume_droid", Sql.TEXT, "Object id of its volume"),
    Column("file_droid", Sql.TEXT, "Object id of the target"),
    Column("birth_volume_droid", Sql.TEXT, "Object id of the volume it was made on"),
    Column("birth_file_droid", Sql.TEXT, "Object id it was made with"),
    Column("mac_address", Sql.TEXT, "Network card in the object id (version 1)"),
    Column("droid_time_utc", Sql.TIME, "Time in the object id (version 1), about the boot, UTC"),
    Column("show_command", Sql.TEXT, "Window: normal, maximized, minimized; else the number"),
    Column("hot_key", Sql.U16, "Hot key as stored; 0: none"),
    Column("run_as_administrator", Sql.BOOL, "Whether it asks for elevation"),
    Column("app_user_model_id", Sql.TEXT, "Property AppUserModel.ID"),
    Column("owner_sid", Sql.TEXT, "Property: SID of the target's owner"),
    Column("known_folder", Sql.TEXT, "GUID of the known folder the target is below"),
    Column("properties", Sql.TEXT, "Whole property store as JSON: format GUID/number and value"),
    Column("link_flags", Sql.U32, "LinkFlags as stored"),
    Column("is_whole", Sql.BOOL, "False: something in it is cut or wrong"),
)


def target_row(lnk: Lnk, late: TimeReport) -> Row:
    """Values of `TIMES` and `TARGET`."""
    volume, share, last = lnk.info.volume, lnk.info.share, lnk.items[-1] if lnk.items else None
    target, basis = target_of(lnk)
    row: Row = {
        "target_created_utc": _time("target_created_utc", lnk.created, late),
        "target_modified_utc": _time("target_modified_utc", lnk.modified, late),
        "target_accessed_utc": _time("target_accessed_utc", lnk.accessed, late),
        "target_path": target,
        "target_basis": basis,
        "working_directory": lnk.working_directory,
        "relative_path": lnk.relative_path,
        "description": lnk.name,
        "icon_location": lnk.icon_location or lnk.extra.environment_icon,
        "icon_index": lnk.icon_index,
        "id_list_path": path_of(lnk.items) or path_of(lnk.extra.vista_items),
        "environment_path": lnk.extra.environment_target,
        "target_size": lnk.file_size,
        "target_attributes": lnk.attributes,
        "target_is_directory": bool(lnk.attributes & _DIRECTORY),
        "show_command": _SHOW.get(lnk.show_command, str(lnk.show_command)),
        "hot_key": lnk.hot_key,
        "run_as_administrator": bool(lnk.flags & _RUN_AS),
        "known_folder": lnk.extra.known_folder,
        "link_flags": lnk.flags,
        "is_whole": not lnk.troubles,
        **_arguments(lnk.arguments),
        **_properties(lnk.extra.properties),
        **droid_row(lnk.extra.tracker),
    }
    if volume is not None:
        row["drive_type"] = _drive(volume.drive_type)
        row["volume_serial"] = f"{volume.serial >> 16:04X}-{volume.serial & 0xFFFF:04X}"
        row["volume_label"] = volume.label
    if lnk.info.local_path is not None:
        row["local_path"] = lnk.info.path
    if share is not None:
        row["network_share"], row["network_device"] = share.name, share.device
    if last is not None:
        for name, seconds in (
            ("item_created_utc", last.created),
            ("item_modified_utc", last.modified),
            ("item_accessed_utc", last.accessed),
        ):
            row[name] = None if seconds is None else seconds * 10**9
        if last.mft_reference is not None:
            row["target_mft_entry"] = last.mft_reference & _ENTRY_MASK
            row["target_mft_sequence"] = last.mft_reference >> 48
    return row


def target_of(lnk: Lnk) -> tuple[str | None, str | None]:
    """The target and where it stands: what resolves it without a guess comes first."""
    info, spelled = lnk.info, path_of(lnk.items)
    if info.local_path and info.is_ansi and spelled and spelled[1:3] == ":\\":
        return spelled, "ID list; link info is in 8 bits"
    if info.local_path:
        return info.path, "link info, 8 bits read as cp1252" if info.is_ansi else "link info"
    if info.path:
        return info.path, "network share"
    for text, basis in (
        (spelled, "ID list"),
        (path_of(lnk.extra.vista_items), "ID list"),
        (lnk.extra.environment_target, "environment block"),
        (lnk.extra.properties.get(PARSING_PATH), "property"),
        (lnk.relative_path, "relative path"),
    ):
        if text:
            return text, basis
    return None, None


def droid_row(tracker: Tracker | None) -> Row:
    """Values of the tracking columns."""
    if tracker is None:
        return {}
    row: Row = {
        "machine_id": tracker.machine,
        "volume_droid": tracker.volume_droid,
        "file_droid": tracker.file_droid,
        "birth_volume_droid": tracker.birth_volume_droid,
        "birth_file_droid": tracker.birth_file_droid,
    }
    file = None if tracker.file_droid is None else uuid.UUID(tracker.file_droid)
    if file is not None and file.version == 1:
        row["mac_address"] = ":".join(f"{file.node >> n & 255:02x}" for n in range(40, -1, -8))
        row["droid_time_utc"] = epoch_ns(file.time, 100, _UUID_1970)
    return row


def _drive(number: int) -> str:
    return _DRIVES[number] if number < len(_DRIVES) else str(number)


def _arguments(arguments: str | None) -> Row:
    if arguments is None:
        return {}
    return {
        "arguments": arguments,
        "arguments_length": len(arguments),
        "arguments_beyond_dialog": arguments[DIALOG_CHARACTERS:] or None,
    }


def _properties(properties: dict[str, str]) -> Row:
    if not properties:
        return {}
    return {
        "app_user_model_id": properties.get(APP_ID),
        "owner_sid": properties.get(OWNER_SID),
        "properties": json.dumps(properties, ensure_ascii=False)[:_MAX_PROPERTIES],
    }


def _time(column: str, filetime: int, late: TimeReport) -> int | None:
    ns = filetime_ns(filetime)
    if filetime and ns is None:
        late(column, filetime)
    return ns
