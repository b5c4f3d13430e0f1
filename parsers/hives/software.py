"""The SOFTWARE hive: which Windows this is, how images open, policies, volumes, autoruns, users."""

from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Problem
from parsers.hives.autorun import autoruns
from parsers.hives.capabilities import CAPABILITY_USE, machine_capabilities
from parsers.hives.keys import Key
from parsers.hives.regf import Hive
from parsers.hives.rows import BESIDE as BESIDE
from parsers.hives.rows import Row, is_hive, provenance, read_hive, text
from parsers.hives.servicing import update_packages, user_profiles
from parsers.hives.settings import Setting, all_below, setting_row, settings
from parsers.hives.software_settings import IMAGE_EXTENSIONS, SETTINGS, TREES
from parsers.hives.software_tables import (
    DEFENDER_EXCLUSION,
    MOUNT_VERB,
    PORTABLE_DEVICE,
    READYBOOST_VOLUME,
    UPDATE_PACKAGE,
    USER_PROFILE,
    VOLUME_INFO,
)
from parsers.hives.tables import AUTORUN, HOST_SETTING
from parsers.hives.task_cache import TASK_CACHE, task_cache
from parsers.hives.volumes import portable_devices, readyboost, volume_info

KIND = "hive_software"
VERSION = 2
LABEL = "Registry"
TABLES = (
    HOST_SETTING,
    AUTORUN,
    UPDATE_PACKAGE,
    MOUNT_VERB,
    VOLUME_INFO,
    READYBOOST_VOLUME,
    PORTABLE_DEVICE,
    DEFENDER_EXCLUSION,
    USER_PROFILE,
    TASK_CACHE,
    CAPABILITY_USE,
)
IMAGE_TYPES = ("Windows.IsoFile", "Windows.VhdFile")
MAX_EXCLUSIONS = 10_000


def recognise(name: str, head: bytes) -> bool:
    """A hive by the name SOFTWARE, its own or the one inside."""
    return is_hive(name, head, "SOFTWARE", r"\config\software")


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """All tables."""
    yield from read_hive(
        artifact,
        (
            host_settings,
            mount_verbs,
            update_packages,
            volume_info,
            readyboost,
            portable_devices,
            defender_exclusions,
            user_profiles,
            task_cache,
            machine_capabilities,
            lambda hive: autoruns(hive.root, "machine"),
        ),
    )


def host_settings(hive: Hive) -> Iterator[Row]:
    """Single settings, policies as whole trees, and which program opens each type of image."""
    yield from settings(hive.root, SETTINGS)
    for word, path in TREES:
        yield from all_below(hive.root, word, path)
    for extension in IMAGE_EXTENSIONS:
        key = hive.find(rf"Classes\{extension}")
        if key is None:
            continue
        default = key.value("")
        if default is not None:
            yield setting_row(Setting(f"opens_{extension[1:]}", "", ""), key, default)
        also = key.find("OpenWithProgids")
        for value in also.values() if also is not None else ():
            if also is not None:
                table, row = setting_row(Setting(f"may_open_{extension[1:]}", "", ""), also, value)
                yield table, {**row, "value": value.name}


def mount_verbs(hive: Hive) -> Iterator[Row]:
    """One row per verb of the image types; a type without its mount verb gets one row that says so."""
    for prog_id in IMAGE_TYPES:
        key = hive.find(rf"Classes\{prog_id}")
        if key is None:
            continue
        shell = key.find("shell")
        verbs = shell.subkeys() if shell is not None else []
        if not any(verb.name.lower() == "mount" for verb in verbs):
            yield MOUNT_VERB, {
                **provenance(key), "prog_id": prog_id, "verb": None, "mounts_on_double_click": False,
            }  # fmt: skip
        for verb in verbs:
            yield MOUNT_VERB, {**provenance(verb), "prog_id": prog_id, **_verb(verb)}


def _verb(verb: Key) -> dict[str, object]:
    hidden = verb.value("ProgrammaticAccessOnly") is not None
    disabled = verb.value("LegacyDisable") is not None
    command = verb.find("command")
    return {
        "verb": verb.name,
        "mounts_on_double_click": not hidden and not disabled
        if verb.name.lower() == "mount"
        else None,
        "programmatic_access_only": hidden,
        "has_lua_shield": verb.value("HasLUAShield") is not None,
        "legacy_disable": disabled,
        "command": text(command, "")
        or text(command, "DelegateExecute")
        or text(verb, "ExplorerCommandHandler"),
    }


def defender_exclusions(hive: Hive) -> Iterator[Row]:
    """One row per exclusion, set here or by policy: the name of each value is what is excluded."""
    for source, path in (
        ("local", r"Microsoft\Windows Defender\Exclusions"),
        ("policy", r"Policies\Microsoft\Windows Defender\Exclusions"),
    ):
        top = hive.find(path)
        for kind in top.subkeys() if top is not None else ():
            for value in kind.values()[:MAX_EXCLUSIONS]:
                yield (
                    DEFENDER_EXCLUSION,
                    {
                        **provenance(kind, value),
                        "kind": kind.name,
                        "entry": value.name,
                        "source": source,
                    },
                )
