"""Tables of users' hives: what a user typed, mapped and started, and what programs remember of it."""

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.profiles import POSITION
from parsers.hives.rows import PROVENANCE, recoverable
from parsers.hives.tables import USER
from parsers.hives.user_tables import OPENED, VALUE_NAME

RUN_MRU = recoverable(
    Table(
        "run_mru",
        "Commands a user entered in the Run dialog",
        (USER, OPENED, Column("command", Sql.TEXT, "Command, without the mark that ends it"), POSITION, VALUE_NAME, *PROVENANCE),
        address="offset",
        time="opened_utc",
        moments=(
            Moment("opened_utc", "run_dialog_used", "concat_ws(' ', command, 'entered in the Run dialog by', coalesce(user, 'a user'))"),
        ),
    )
)  # fmt: skip

TYPED_PATH = recoverable(
    Table(
        "typed_path",
        "Paths a user typed into Explorer's address bar",
        (USER, OPENED, Column("path", Sql.TEXT, "Path or address, as typed"), POSITION, VALUE_NAME, *PROVENANCE),
        address="offset",
        time="opened_utc",
        moments=(
            Moment("opened_utc", "path_typed", "concat_ws(' ', path, 'typed into Explorer by', coalesce(user, 'a user'))"),
        ),
    )
)  # fmt: skip

RECENT_APP = recoverable(
    Table(
        "recent_app",
        "Programs a user started and files they opened (Search\\RecentApps of Windows 10 up to about 1803; "
        "Search\\JumplistData later: a time for each program)",
        (
            USER,
            Column("last_accessed_utc", Sql.TIME, "Last start, or last opening of the file, UTC"),
            Column("app_id", Sql.TEXT, r"Program or its id, as stored (D:\setup64.exe)"),
            Column("app_path", Sql.TEXT, "Path of the program, where stored apart"),
            Column("launch_count", Sql.U64, "Starts of the program"),
            Column("item_path", Sql.TEXT, "File opened with it; NULL: the row is of the program itself"),
            *PROVENANCE,
        ),
        address="offset",
        time="last_accessed_utc",
        moments=(
            Moment(
                "last_accessed_utc",
                "recent_app_used",
                "concat_ws(' ', app_id, 'used by', coalesce(user, 'a user'), item_path)",
            ),
        ),
    )
)  # fmt: skip

NETWORK_DRIVE = recoverable(
    Table(
        "network_drive",
        "Letters a user mapped to shares, and shares entered for mapping: such a letter is no mounted image",
        (
            USER,
            Column("kind", Sql.TEXT, "mapped: letter and share hold; entered: in the list of the mapping dialog"),
            Column("letter", Sql.TEXT, "Drive letter with colon, upper case"),
            Column("share", Sql.TEXT, r"Share, \\server\share"),
            Column("user_name", Sql.TEXT, "Account used for the share, where stored"),
            Column("provider", Sql.TEXT, "Network provider"),
            POSITION,
            *PROVENANCE,
        ),
        address="offset",
        time="key_last_write_utc",
        moments=(
            Moment(
                "key_last_write_utc",
                "network_drive_written",
                "concat_ws(' ', letter, share, 'mapped by', coalesce(user, 'a user'))",
                "kind = 'mapped'",
            ),
        ),
    )
)  # fmt: skip

ARCHIVE_HISTORY = recoverable(
    Table(
        "archive_history",
        "Archives and folders that 7-Zip and WinRAR remember",
        (
            USER,
            OPENED,
            Column("path", Sql.TEXT, "Archive or folder, as stored"),
            Column("program", Sql.TEXT, "7-zip or winrar"),
            Column("kind", Sql.TEXT, "archive, extracted_to, folder or panel"),
            POSITION,
            VALUE_NAME,
            *PROVENANCE,
        ),
        address="offset",
        time="opened_utc",
        moments=(
            Moment(
                "opened_utc",
                "archive_history",
                "concat_ws(' ', path, 'as', kind, 'in', program, 'of', coalesce(user, 'a user'))",
            ),
        ),
    )
)  # fmt: skip

PROGRAM_TRACE = Table(
    "program_trace",
    "Programs that Windows keeps for a user without a time of running: compatibility store, taskbar counters, MuiCache",
    (
        USER,
        Column("path", Sql.TEXT, "Program or its id, as stored, without the media mark"),
        Column("kind", Sql.TEXT, "compat_store, compat_layers, muicache, or the counter of FeatureUsage (app_switched, app_launch)"),
        Column("media_id", Sql.TEXT, "Hex number of the mark SIGN.MEDIA=: the program ran from other media than a fixed disk"),
        Column("count", Sql.U64, "Counter of FeatureUsage"),
        Column("field", Sql.TEXT, "What a MuiCache text is: FriendlyAppName, ApplicationCompany; NULL: the name"),
        Column("text", Sql.TEXT, "Text of the value, where it is one"),
        VALUE_NAME,
        *PROVENANCE,
    ),
    address="offset",
)  # fmt: skip
