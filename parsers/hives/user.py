"""NTUSER.DAT, the hive of one user: volumes seen, files opened, programs started, autoruns, policies on marking."""

from collections.abc import Iterator
from dataclasses import replace

from parsers.contract import Artifact, Batch, Problem
from parsers.hives.autorun import autoruns, logon_script
from parsers.hives.capabilities import CAPABILITY_USE, user_capabilities
from parsers.hives.deleted_forms import USER_FORMS
from parsers.hives.explorer import mount_points, user_assist
from parsers.hives.office import OFFICE_DOC, office_documents
from parsers.hives.profiles import read_user_hive
from parsers.hives.recent_files import PROGRAM_RECENT_FILE, program_files
from parsers.hives.regf import Hive
from parsers.hives.rows import BESIDE as BESIDE
from parsers.hives.rows import Row, is_hive
from parsers.hives.settings import Setting, settings
from parsers.hives.shellbags import shellbags
from parsers.hives.software_settings import ATTACHMENTS, AUTOPLAY, IMAGE_EXTENSIONS
from parsers.hives.tables import AUTORUN, HOST_SETTING
from parsers.hives.user_lists import EXPLORER, file_dialogs, recent_docs
from parsers.hives.user_program_tables import (
    ARCHIVE_HISTORY,
    NETWORK_DRIVE,
    PROGRAM_TRACE,
    RECENT_APP,
    RUN_MRU,
    TYPED_PATH,
)
from parsers.hives.user_programs import (
    archive_history,
    jumplist_data,
    muicache,
    network_drives,
    program_traces,
    recent_apps,
    run_dialog,
    typed_paths,
)
from parsers.hives.user_tables import MOUNT_POINT, OPEN_SAVE_MRU, RECENT_DOC, SHELLBAG, USER_ASSIST

KIND = "hive_user"
VERSION = 2
LABEL = "Registry"
TABLES = (
    MOUNT_POINT,
    RECENT_DOC,
    USER_ASSIST,
    OPEN_SAVE_MRU,
    RUN_MRU,
    TYPED_PATH,
    RECENT_APP,
    NETWORK_DRIVE,
    SHELLBAG,
    ARCHIVE_HISTORY,
    PROGRAM_TRACE,
    OFFICE_DOC,
    PROGRAM_RECENT_FILE,
    CAPABILITY_USE,
    AUTORUN,
    HOST_SETTING,
)
_SETTINGS = (
    *(replace(s, word=f"user_{s.word}", key=rf"Software\{s.key}") for s in (*ATTACHMENTS, *AUTOPLAY)),
    *(
        Setting(f"user_opens_{extension[1:]}", rf"{EXPLORER}\FileExts\{extension}\UserChoice", "ProgId")
        for extension in IMAGE_EXTENSIONS
    ),
)  # fmt: skip
"""Words begin with `user_`: they hold for one user, not for the host."""
_RECOVERED = (
    mount_points,
    recent_docs,
    user_assist,
    file_dialogs,
    run_dialog,
    typed_paths,
    recent_apps,
    network_drives,
    shellbags,
    archive_history,
)
"""Read from deleted keys too: volumes, images and programs that a user had to do with."""


def recognise(name: str, head: bytes) -> bool:
    """A hive by the name NTUSER.DAT, its own or the one inside."""
    return is_hive(name, head, "NTUSER.DAT", r"\ntuser.dat")


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """All tables; every row bears the user whose profile the hive lies in."""
    yield from read_user_hive(
        artifact,
        (
            mount_points,
            recent_docs,
            user_assist,
            file_dialogs,
            run_dialog,
            typed_paths,
            recent_apps,
            jumplist_data,
            network_drives,
            shellbags,
            archive_history,
            program_traces,
            muicache,
            office_documents,
            program_files,
            user_capabilities,
            user_settings,
            user_autoruns,
        ),
        _RECOVERED,
        USER_FORMS,
    )


def user_settings(hive: Hive) -> Iterator[Row]:
    """Policies on marking and AutoPlay, and the program that the user chose for each type of image."""
    yield from settings(hive.root, _SETTINGS)


def user_autoruns(hive: Hive) -> Iterator[Row]:
    """Commands started at this user's logon."""
    yield from autoruns(hive.find("Software"), "user")
    yield from logon_script(hive.find("Environment"))
