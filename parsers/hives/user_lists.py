r"""Lists of recent use in a user's hive: RecentDocs and the file dialogs (ComDlg32).

Source of the layouts: published analyses; samples of Windows 7 and 10.
"""

from collections.abc import Iterator

from parsers.hives.profiles import mru_entries, newest_time
from parsers.hives.regf import Hive
from parsers.hives.rows import Row, provenance
from parsers.hives.user_tables import OPEN_SAVE_MRU, RECENT_DOC
from parsers.hives.values import TEXTS, Value, utf16
from parsers.shell_items import Item, ShellPath, mft_entry, mft_sequence, parse_id_list

NS = 1_000_000_000
EXPLORER = r"Software\Microsoft\Windows\CurrentVersion\Explorer"
MAX_SHOWN = 64
_DIALOGS = (
    ("open_save", "OpenSavePidlMRU"),
    ("open_save", "OpenSaveMRU"),
    ("last_visited", "LastVisitedPidlMRU"),
    ("last_visited", "LastVisitedPidlMRULegacy"),
    ("last_visited", "LastVisitedMRU"),
)


def recent_docs(hive: Hive) -> Iterator[Row]:
    """One row per entry of the list over all kinds and of the list of each kind."""
    top = hive.find(rf"{EXPLORER}\RecentDocs")
    if top is None:
        return
    for key in (top, *top.subkeys()):
        for position, value in mru_entries(key):
            yield (
                RECENT_DOC,
                {
                    **provenance(key, value),
                    **_recent(value),
                    "opened_utc": newest_time(key, position),
                    "extension": None if key is top else key.name,
                    "mru_position": position,
                    "value_name": value.name,
                },
            )


def _recent(value: Value) -> dict[str, object]:
    name, rest = named_list(value.data)
    shortcut = parse_id_list(rest).last
    if not name:
        value.problem(
            "recent_doc_form",
            "a name and a shell item",
            value.data[:16].hex() or "nothing",
            "no name",
        )
    return {"name": name or None, "shortcut": None if shortcut is None else shortcut.text}


def named_list(data: bytes) -> tuple[str, bytes]:
    """The UTF-16 text that opens a value, and what follows its NUL."""
    at = data.find(b"\0\0")
    while at % 2 and at >= 0:
        at = data.find(b"\0\0", at + 1)
    return (utf16(data), b"") if at < 0 else (utf16(data[:at]), data[at + 2 :])


def file_dialogs(hive: Hive) -> Iterator[Row]:
    """One row per entry of the lists of chosen files (by extension) and of last folders (by program)."""
    for kind, name in _DIALOGS:
        top = hive.find(rf"{EXPLORER}\ComDlg32\{name}")
        for key in (top, *top.subkeys()) if top is not None else ():
            for position, value in mru_entries(key):
                yield (
                    OPEN_SAVE_MRU,
                    {
                        **provenance(key, value),
                        **_chosen(kind, value),
                        "opened_utc": newest_time(key, position),
                        "kind": kind,
                        "extension": key.name if kind == "open_save" and key is not top else None,
                        "mru_position": position,
                        "value_name": value.name,
                    },
                )


def _chosen(kind: str, value: Value) -> dict[str, object]:
    """Path and program; lists of Windows XP hold texts in place of ID lists."""
    if value.type in TEXTS:
        return {"path": value.text() or None}
    program, data = named_list(value.data) if kind == "last_visited" else (None, value.data)
    shell = read_list(value, data)
    # Windows XP: program and folder, both as text.
    path = shell.path if shell.items or program is None else named_list(data)[0]
    return {"path": path or None, "program": program or None, **item_columns(shell.last)}


def read_list(value: Value, data: bytes) -> ShellPath:
    """The ID list of a value; a list that is cut off or is none gives a problem."""
    shell = parse_id_list(data)
    if not shell.complete and data[:2] != b"\0\0":
        found = f"{len(shell.items)} items, then {data[:MAX_SHOWN][-8:].hex() or 'nothing'}"
        value.problem(
            "shell_items_cut", "an ID list with its end", found, "the ID list ends without its mark"
        )
    return shell


def item_columns(item: Item | None) -> dict[str, object]:
    """Times and file reference of a shell item."""
    if item is None:
        return {}
    return {
        "item_modified_utc": seconds(item.modified),
        "item_created_utc": seconds(item.created),
        "item_accessed_utc": seconds(item.accessed),
        "mft_entry": mft_entry(item),
        "mft_sequence": mft_sequence(item),
    }


def seconds(value: int | None) -> int | None:
    """Ns of a time in seconds."""
    return None if value is None else value * NS
