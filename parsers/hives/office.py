r"""Documents that Office programs remember for a user: recent files and places, and documents trusted to run content.

Source of the layouts: published analyses of `File MRU` and `TrustRecords`; the lists checked with samples of Office
2010. No sample of `TrustRecords` was at hand.
"""

import re
from collections.abc import Iterator

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.keys import Key
from parsers.hives.profiles import POSITION
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance
from parsers.hives.tables import USER
from parsers.hives.user_tables import VALUE_NAME
from parsers.hives.values import Value

OFFICE_DOC = Table(
    "office_doc",
    "Documents and folders that Office programs remember, and documents a user trusted to run content",
    (
        USER,
        Column("opened_utc", Sql.TIME, "Last opening by the entry itself ([T...] in lists of recent files), UTC"),
        Column("document_created_utc", Sql.TIME, "First time in a trust record, UTC: by published tests the document's creation, not the act of trusting"),
        Column("path", Sql.TEXT, "Document, folder or address, as stored"),
        Column("kind", Sql.TEXT, "file or place (lists of recent use), trusted (TrustRecords)"),
        Column("program", Sql.TEXT, "Office program (Word, Excel), by the key"),
        Column("office_version", Sql.TEXT, "Version of Office, by the key (16.0)"),
        Column("macros_enabled", Sql.BOOL, "Trust record ends in FF FF FF 7F: the user enabled its content (macros), by published tests"),
        Column("pinned", Sql.BOOL, "Entry is pinned to its list (bit 0 of [F...])"),
        POSITION,
        VALUE_NAME,
        *PROVENANCE,
    ),
    address="offset",
    time="opened_utc",
    moments=(
        Moment(
            "opened_utc",
            "office_document_opened",
            "concat_ws(' ', path, 'opened in', program, 'by', coalesce(user, 'a user'))",
            "kind = 'file'",
        ),
        Moment(
            "key_last_write_utc",
            "office_trust_written",
            "concat_ws(' ', 'Trusted documents of', program, 'last changed; among them', path)",
            "kind = 'trusted' AND macros_enabled",
        ),
    ),
)  # fmt: skip

OFFICE = r"Software\Microsoft\Office"
MACROS_ENABLED = 0x7FFFFFFF
MAX_USERS = 64
"""Accounts signed in to Office whose lists are read."""
_VERSION = re.compile(r"\d{1,2}\.\d")
_ENTRY = re.compile(r"Item (\d{1,6})", re.IGNORECASE)
_HEADED = re.compile(r"((?:\[[A-Z][0-9A-F]*\])+)\*(.*)", re.DOTALL)
_FIELD = re.compile(r"\[([A-Z])([0-9A-F]+)\]")
_LISTS = (("file", "File MRU"), ("place", "Place MRU"))


def office_documents(hive: Hive) -> Iterator[Row]:
    """One row per entry of each program's lists and per trust record."""
    top = hive.find(OFFICE)
    for version in top.subkeys() if top is not None else ():
        if not _VERSION.fullmatch(version.name):
            continue
        for program in version.subkeys():
            who = {"program": program.name, "office_version": version.name}
            for kind, key in _lists(program):
                for value in key.values():
                    if (found := _ENTRY.fullmatch(value.name)) and value.text():
                        yield (
                            OFFICE_DOC,
                            {**_recent(key, value, int(found[1])), "kind": kind, **who},
                        )
            trusted = program.find(r"Security\Trusted Documents\TrustRecords")
            for value in trusted.values() if trusted is not None else ():
                if trusted is not None:
                    yield OFFICE_DOC, {**_trust(trusted, value), **who}


def _lists(program: Key) -> Iterator[tuple[str, Key]]:
    """Lists of the program and, since Office 2013, of each account signed in."""
    accounts = program.find("User MRU")
    holders = [program, *(accounts.subkeys()[:MAX_USERS] if accounts is not None else ())]
    for holder in holders:
        for kind, name in _LISTS:
            key = holder.find(name)
            if key is not None:
                yield kind, key


def _recent(key: Key, value: Value, number: int) -> dict[str, object]:
    """`[F00000000][T01CD1279A729A700][O00000000]*path`, flags and a FILETIME in hex; old entries are the path alone."""
    text = value.text() or ""
    headed = _HEADED.fullmatch(text)
    fields = dict(_FIELD.findall(headed[1])) if headed else {}
    return {
        **provenance(key, value),
        "opened_utc": _time(value, fields.get("T")),
        "path": headed[2] if headed else text,
        "pinned": bool(int(fields["F"], 16) & 1) if "F" in fields else None,
        "mru_position": number - 1 if number else None,
        "value_name": value.name,
    }


def _time(value: Value, stamp: str | None) -> int | None:
    if stamp is None:
        return None
    if len(stamp) != 16:
        value.problem("office_time", "16 hex digits", f"{len(stamp)} digits", "no time given")
        return None
    return value.time(int(stamp, 16).to_bytes(8, "little"))


def _trust(key: Key, value: Value) -> dict[str, object]:
    data = value.data
    if len(data) != 24:
        value.problem(
            "office_trust_form", "24 bytes", f"{len(data)} bytes", "no time and no flag given"
        )
    whole = len(data) == 24
    return {
        **provenance(key, value),
        "document_created_utc": value.time(data[:8]) if whole else None,
        "path": value.name,
        "kind": "trusted",
        "macros_enabled": int.from_bytes(data[20:], "little") == MACROS_ENABLED if whole else None,
        "value_name": value.name,
    }
