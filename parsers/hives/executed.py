r"""Programs in the SYSTEM hive by its activity moderators (BAM, DAM).

Source of the layout: published analyses of `bam\State\UserSettings`.
"""

from collections.abc import Iterator

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.control_sets import control_sets
from parsers.hives.deleted_tree import UNKNOWN_KEY
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance, recoverable

BAM_ENTRY = recoverable(Table(
    "bam_entry",
    "Programs the activity moderators saw running; none for removable media, shares and console programs, and "
    "entries older than a week go at boot: absence says nothing",
    (
        Column("path", Sql.TEXT, r"Program as stored (\Device\HarddiskVolume3\..., or an app's package name)"),
        Column("user_sid", Sql.TEXT, "SID of the user; NULL: from a deleted cell that does not tell it"),
        Column("last_run_utc", Sql.TIME, "Last time the moderator saw it, UTC"),
        Column("moderator", Sql.TEXT, "bam or dam"),
        Column("control_set", Sql.TEXT, "Control set the key stands in"),
        Column("current", Sql.BOOL, "That control set was the one in use"),
        *PROVENANCE,
    ),
    address="offset",
    time="last_run_utc",
    moments=(
        Moment("last_run_utc", "bam_run", "concat_ws(' ', path, 'last run, user', user_sid)", "current"),
    ),
))  # fmt: skip

_MODERATORS = (
    ("bam", r"Services\bam\State\UserSettings"),
    ("bam", r"Services\bam\UserSettings"),
    ("dam", r"Services\dam\State\UserSettings"),
    ("dam", r"Services\dam\UserSettings"),
)
_NOT_PROGRAMS = ("version", "sequencenumber")


def bam(hive: Hive) -> Iterator[Row]:
    """One row per program and user."""
    for control_set in control_sets(hive):
        for moderator, path in _MODERATORS:
            top = control_set.key.find(path)
            for user in top.subkeys() if top is not None else ():
                for value in user.values():
                    if value.name.lower() in _NOT_PROGRAMS or len(value.data) < 8:
                        continue
                    yield (
                        BAM_ENTRY,
                        {
                            **provenance(user, value),
                            "path": value.name,
                            "user_sid": None if user.name == UNKNOWN_KEY else user.name,
                            "last_run_utc": value.filetime_ns(),
                            "moderator": moderator,
                            "control_set": control_set.key.name,
                            "current": control_set.current,
                        },
                    )
