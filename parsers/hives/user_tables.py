"""Tables of users' hives: what Explorer and the file dialogs remember of volumes and files."""

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.profiles import POSITION
from parsers.hives.rows import PROVENANCE, recoverable
from parsers.hives.tables import USER

OPENED = Column(
    "opened_utc",
    Sql.TIME,
    "Last use, UTC: the key's last write, for the newest entry of its list only; NULL elsewhere",
)
VALUE_NAME = Column("value_name", Sql.TEXT, "Name of the registry value")

MOUNT_POINT = recoverable(
    Table(
        "mount_point",
        "Volumes and shares that a user's Explorer saw (MountPoints2); the GUID joins mounted_device",
        (
            USER,
            Column("kind", Sql.TEXT, "letter, volume, share or other"),
            Column("name", Sql.TEXT, "Name of the key, as stored"),
            Column("letter", Sql.TEXT, "Drive letter with colon, upper case, if the row names one"),
            Column("volume_guid", Sql.TEXT, "GUID of the volume, lower case, without braces, if the row names one"),
            Column("share", Sql.TEXT, r"Share, \\server\share, if the row names one"),
            Column("label", Sql.TEXT, "Label Explorer kept for it (_LabelFromReg)"),
            Column("guid_time_utc", Sql.TIME, "Time inside a version 1 GUID, UTC: the GUID was made then, not each mount"),
            Column("disk_signature", Sql.TEXT, "MBR signature inside GUIDs of the form {s-0000-0000-...}, 8 upper-case hex digits"),
            Column("partition_offset", Sql.U64, "Byte offset of the partition inside such GUIDs"),
            *PROVENANCE,
        ),
        address="offset",
        time="key_last_write_utc",
        moments=(
            Moment(
                "key_last_write_utc",
                "mount_point_written",
                "concat_ws(' ', 'Explorer of', coalesce(user, 'a user'), 'saw', kind, "
                "coalesce(letter, share, volume_guid, name), label)",
            ),
        ),
    )
)  # fmt: skip

RECENT_DOC = recoverable(
    Table(
        "recent_doc",
        "Files and folders a user opened through Explorer (RecentDocs); a mounted disc stands as 'DVD Drive (E:) LABEL'",
        (
            USER,
            OPENED,
            Column("name", Sql.TEXT, "Name of the file, folder or drive as shown"),
            Column("extension", Sql.TEXT, "Key it stands in (.iso, Folder); NULL: the list over all kinds"),
            POSITION,
            Column("shortcut", Sql.TEXT, "Name of its shortcut in the user's Recent folder"),
            VALUE_NAME,
            *PROVENANCE,
        ),
        address="offset",
        time="opened_utc",
        moments=(
            Moment(
                "opened_utc",
                "recent_doc_opened",
                "concat_ws(' ', name, 'opened by', coalesce(user, 'a user'), '(RecentDocs', "
                "coalesce(extension, 'of all kinds') || ')')",
            ),
        ),
    )
)  # fmt: skip

USER_ASSIST = recoverable(
    Table(
        "user_assist",
        "Programs and shortcuts a user started through Explorer, with counts",
        (
            USER,
            Column("last_run_utc", Sql.TIME, "Last start, UTC"),
            Column("path", Sql.TEXT, "Program or shortcut, decoded from ROT13, as stored"),
            Column("resolved_path", Sql.TEXT, r"The path with a leading folder GUID replaced by its place (%SystemRoot%\...), where known"),
            Column("list", Sql.TEXT, "programs, shortcuts, or the GUID of the list"),
            Column("run_count", Sql.U32, "Starts; Windows XP's count begins at 5, which is taken off"),
            Column("focus_count", Sql.U32, "Times the window came to the front"),
            Column("focus_ms", Sql.U32, "Milliseconds the window was in front"),
            Column("value_name", Sql.TEXT, "Name of the registry value, as stored (ROT13)"),
            *PROVENANCE,
        ),
        address="offset",
        time="last_run_utc",
        moments=(
            Moment(
                "last_run_utc",
                "user_assist_run",
                "concat_ws(' ', coalesce(resolved_path, path), 'started by', coalesce(user, 'a user') || ',', "
                "run_count, 'times (UserAssist)')",
            ),
        ),
    )
)  # fmt: skip

OPEN_SAVE_MRU = recoverable(
    Table(
        "open_save_mru",
        "Files a user chose in dialogs for opening and saving, and the folders programs used last there",
        (
            USER,
            OPENED,
            Column("path", Sql.TEXT, "Path of the file, or of the folder the program used last"),
            Column("kind", Sql.TEXT, "open_save: a file; last_visited: program and folder"),
            Column("program", Sql.TEXT, "Program of a last_visited entry"),
            Column("extension", Sql.TEXT, "Extension the list is for, without dot; * is all"),
            POSITION,
            Column("item_modified_utc", Sql.TIME, "Modification time of the file in its shell item, UTC, two seconds fine"),
            Column("item_created_utc", Sql.TIME, "Creation time there"),
            Column("item_accessed_utc", Sql.TIME, "Access time there"),
            Column("mft_entry", Sql.U64, "Record number of the file in its $MFT, by the shell item"),
            Column("mft_sequence", Sql.U16, "Sequence number of that record"),
            VALUE_NAME,
            *PROVENANCE,
        ),
        address="offset",
        time="opened_utc",
        moments=(
            Moment(
                "opened_utc",
                "file_dialog_used",
                "concat_ws(' ', path, 'chosen in a file dialog by', coalesce(user, 'a user'), program)",
            ),
        ),
    )
)  # fmt: skip

SHELLBAG = recoverable(
    Table(
        "shellbag",
        "Folders, drives and archives a user browsed in Explorer (BagMRU); one E: node serves every volume of that letter",
        (
            USER,
            Column("opened_utc", Sql.TIME, "Last use, UTC: last write of the key above, for its newest entry only"),
            Column("first_opened_utc", Sql.TIME, "First use, UTC: last write of the folder's own key where nothing below it is kept (by published tests); NULL elsewhere"),
            Column("node_last_write_utc", Sql.TIME, "Last write of the folder's own key, UTC: made, or a folder below it was used"),
            Column("item_modified_utc", Sql.TIME, "Modification time of the folder in its shell item, UTC, two seconds fine"),
            Column("item_created_utc", Sql.TIME, "Creation time there"),
            Column("item_accessed_utc", Sql.TIME, "Access time there"),
            Column("path", Sql.TEXT, "Whole path; unknown items as [type 0xNN]; empty for This PC"),
            Column("name", Sql.TEXT, "Last part of the path"),
            Column("kind", Sql.TEXT, "root, volume, folder, file, network, uri, delegate, control_panel, view (library, search), mtp, zip_entry, app, burn or other"),
            Column("drive", Sql.TEXT, "Drive letter with colon, upper case, where the path has one"),
            POSITION,
            Column("mft_entry", Sql.U64, "Record number of the folder in its $MFT, by the shell item"),
            Column("mft_sequence", Sql.U16, "Sequence number of that record"),
            VALUE_NAME,
            *PROVENANCE,
        ),
        address="offset",
        time="opened_utc",
        moments=(
            Moment(
                "opened_utc",
                "shellbag_opened",
                "concat_ws(' ', path, 'browsed by', coalesce(user, 'a user'))",
                "path <> ''",
            ),
            Moment(
                "node_last_write_utc",
                "shellbag_written",
                "concat_ws(' ', path, 'or a folder below it browsed by', coalesce(user, 'a user'))",
                "path <> ''",
            ),
        ),
    )
)  # fmt: skip
