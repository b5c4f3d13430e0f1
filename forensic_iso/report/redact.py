"""Pseudonyms for people, hosts and SIDs: the same name gets the same pseudonym everywhere in the report."""

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import duckdb

from forensic_iso.report.build import case_hosts
from forensic_iso.report.model import Report

ACCOUNTS = """
SELECT DISTINCT name FROM (
    SELECT user_name AS name FROM process
    UNION ALL SELECT user_name FROM execution
    UNION ALL SELECT regexp_extract(path, '(?i)\\\\Users\\\\([^\\\\]+)\\\\', 1) FROM mft_name
    UNION ALL SELECT regexp_extract(image_path, '(?i)\\\\Users\\\\([^\\\\]+)\\\\', 1) FROM finding
    UNION ALL SELECT regexp_extract(replace(path, '/', '\\'), '(?i)\\\\Users\\\\([^\\\\]+)\\\\', 1) FROM source
)
WHERE coalesce(name, '') <> '' ORDER BY name
"""
SID = re.compile(r"S-1-(?:5-21(?:-\d+){3,4}|12-1(?:-\d+){4})", re.IGNORECASE)
"""SIDs of machines, domains and their accounts, and of Entra ID; those of Windows itself are the same everywhere."""
SYSTEM_WORDS = frozenset(
    "system;local service;network service;public;default;default user;all users;defaultapppool;nt authority;"
    "window manager;font driver host;umfd-0;umfd-1;dwm-1;dwm-2;builtin;anonymous logon;-".split(";")
)
"""Accounts and domains of Windows itself: no one's name."""

T = TypeVar("T")


def redacted(con: duckdb.DuckDBPyConnection, report: Report) -> Report:
    """The report with pseudonyms for hosts, accounts, domains and SIDs, in all its texts."""
    return _applied(report, _rewriter(_names(con)))  # type: ignore[no-any-return]


def _names(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Real names in lower case with their pseudonyms."""
    hosts = case_hosts(con)
    users: dict[str, None] = {}
    domains: dict[str, None] = {}
    for (name,) in con.execute(ACCOUNTS).fetchall():
        domain, slash, user = str(name).rpartition("\\")
        users[user.lower()] = None
        if slash:
            domains[domain.lower()] = None
    out: dict[str, str] = {}
    for names, word in ((hosts, "HOST"), (domains, "DOMAIN"), (users, "user")):
        for number, name in enumerate(n for n in names if n.lower() not in SYSTEM_WORDS):
            out.setdefault(name.lower(), f"{word}-{number + 1}")
    out.pop("", None)
    return out


class _Sids:
    """Numbers the SIDs in order of their meeting; the account's relative id is hidden too."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, match: re.Match[str]) -> str:
        return self._known.setdefault(match[0].upper(), f"SID-{len(self._known) + 1}")


def _rewriter(names: dict[str, str]) -> "Any":
    sids = _Sids()
    words = sorted(names, key=lambda n: (-len(n), n))
    pattern = (
        re.compile("|".join(rf"(?<![\w.-]){re.escape(w)}(?![\w-])" for w in words), re.IGNORECASE)
        if words
        else None
    )

    def rewrite(value: str) -> str:
        out = SID.sub(sids, value)
        return pattern.sub(lambda m: names.get(m[0].lower(), m[0]), out) if pattern else out

    return rewrite


def _applied(value: Any, rewrite: Any) -> Any:
    if isinstance(value, str):
        return value if type(value) is not str else rewrite(value)
    if isinstance(value, tuple):
        return tuple(_applied(v, rewrite) for v in value)
    if is_dataclass(value) and not isinstance(value, type):
        keep = ("query", "queries", "fields", "glossary", "method", "rules", "parsers")
        return replace(
            value,
            **{
                f.name: _applied(getattr(value, f.name), rewrite)
                for f in fields(value)
                if f.name not in keep
            },
        )
    return value
