r"""Commands that Windows starts by itself. Shared by the SOFTWARE hive (machine) and user hives (user).

For a user hive: `autoruns(hive.find("Software"), "user")`; for SOFTWARE: `autoruns(hive.root, "machine")`.
"""

from collections.abc import Iterator

from parsers.hives.keys import Key
from parsers.hives.rows import Row, provenance
from parsers.hives.tables import AUTORUN
from parsers.hives.values import Value

MAX_ENTRIES = 20_000
"""Rows per hive; real hosts have some dozens, debugger keys some hundreds."""
_VERSION = r"Microsoft\Windows\CurrentVersion"
_NT = r"Microsoft\Windows NT\CurrentVersion"
_BRANCHES = ("", "Wow6432Node")
_WHOLE_KEYS = (
    ("run", rf"{_VERSION}\Run"),
    ("run_once", rf"{_VERSION}\RunOnce"),
    ("run_once", rf"{_VERSION}\RunOnceEx"),
    ("run", rf"{_VERSION}\RunServices"),
    ("run_once", rf"{_VERSION}\RunServicesOnce"),
    ("run", rf"{_VERSION}\Policies\Explorer\Run"),
    ("run", rf"{_NT}\Terminal Server\Install\Software\{_VERSION}\Run"),
)
_SINGLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("winlogon", rf"{_NT}\Winlogon", ("Shell", "Userinit", "Taskman", "VmApplet", "GinaDLL")),
    ("appinit_dlls", rf"{_NT}\Windows", ("AppInit_DLLs", "Load", "Run", "IconServiceLib")),
    ("command_processor", r"Microsoft\Command Processor", ("AutoRun",)),
)
_BELOW: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("ifeo_debugger", rf"{_NT}\Image File Execution Options", ("Debugger", "VerifierDlls")),
    ("silent_process_exit", rf"{_NT}\SilentProcessExit", ("MonitorProcess",)),
    ("active_setup", r"Microsoft\Active Setup\Installed Components", ("StubPath",)),
)


def autoruns(software: Key | None, scope: str) -> Iterator[Row]:
    r"""Rows below the key that holds `Microsoft\Windows\...`; `scope` is machine or user."""
    if software is None:
        return
    for count, (kind, key, value, name) in enumerate(_found(software)):
        if count >= MAX_ENTRIES:
            return
        command = "\n".join(value.strings())
        if command:
            yield AUTORUN, {
                **provenance(key, value), "kind": kind, "scope": scope, "name": name, "command": command,
            }  # fmt: skip


def logon_script(environment: Key | None) -> Iterator[Row]:
    r"""The logon script of a user (`Environment\UserInitMprLogonScript`)."""
    value = environment.value("UserInitMprLogonScript") if environment is not None else None
    if environment is not None and value is not None and value.text():
        yield AUTORUN, {
            **provenance(environment, value), "kind": "logon_script", "scope": "user",
            "name": value.name, "command": value.text(),
        }  # fmt: skip


def _found(software: Key) -> Iterator[tuple[str, Key, Value, str]]:
    for branch in _BRANCHES:
        top = software.find(branch)
        if top is None:
            continue
        for kind, path in _WHOLE_KEYS:
            if (key := top.find(path)) is not None:
                for one in (key, *key.subkeys()):
                    yield from ((kind, one, value, value.name) for value in one.values())
        for kind, path, names in _SINGLE:
            yield from _named(kind, top.find(path), names, None)
        for kind, path, names in _BELOW:
            above = top.find(path)
            for one in above.subkeys() if above is not None else ():
                yield from _named(kind, one, names, one.name)


def _named(
    kind: str, key: Key | None, names: tuple[str, ...], shown: str | None
) -> Iterator[tuple[str, Key, Value, str]]:
    for name in names:
        value = key.value(name) if key is not None else None
        if key is not None and value is not None:
            yield kind, key, value, shown or name
