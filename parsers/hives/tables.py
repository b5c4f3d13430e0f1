"""Tables that several hives fill."""

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.rows import PROVENANCE

USER = Column(
    "user",
    Sql.TEXT,
    r"Name of the profile's folder, from the hive's path (C:\Users\NAME\...); NULL: the path does not tell, or no user's hive",
)  # fmt: skip
"""In tables that users' hives fill."""

HOST_SETTING = Table(
    "host_setting",
    "Single settings of a host that bear on mounting, marking, logging, times and names; as stored, one row per value",
    (
        Column("setting", Sql.TEXT, "Stable word for the setting (computer_name, time_zone, ubr)"),
        Column("value", Sql.TEXT, "The value as text; numbers in decimal, binary in hex"),
        Column("meaning", Sql.TEXT, "What this value says, where that is known"),
        Column("value_utc", Sql.TIME, "The value as UTC time, where it is one"),
        Column("value_name", Sql.TEXT, "Name of the registry value; empty is the default value"),
        Column("control_set", Sql.TEXT, "Control set the value stands in, if any"),
        Column(
            "current",
            Sql.BOOL,
            "It holds now: not from a control set that was not in use, nor from a hive of an earlier state (Windows.old, RegBack, a shadow copy)",
        ),
        USER,
        *PROVENANCE,
    ),
    address="offset",
    moments=(
        Moment(
            "value_utc",
            "registry_time",
            "concat_ws(' ', setting, 'as the registry holds it')",
            "coalesce(current, true)",
        ),
    ),
)

AUTORUN = Table(
    "autorun",
    "Commands that Windows starts by itself, from the registry (Run keys, Winlogon, debuggers and their like)",
    (
        Column("key_last_write_utc", Sql.TIME, "Last write of the key, UTC: the latest change of any of its values"),
        Column("kind", Sql.TEXT, "run, run_once, winlogon, ifeo_debugger, appinit_dlls, active_setup, logon_script"),
        Column("scope", Sql.TEXT, "machine, or user: the hive is one user's"),
        Column("name", Sql.TEXT, "Name of the entry"),
        Column("command", Sql.TEXT, "Command line or path, as stored"),
        USER,
        *(c for c in PROVENANCE if c.name != "key_last_write_utc"),
    ),
    address="offset",
    time="key_last_write_utc",
    moments=(
        Moment(
            "key_last_write_utc",
            "autorun_key_written",
            "concat_ws(' ', kind, name || ':', command)",
        ),
    ),
)  # fmt: skip
