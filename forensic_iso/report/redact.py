r"""Pseudonyms for people, hosts and SIDs: the same name gets the same pseudonym in all that one command writes.

Names come from the columns of the case that hold accounts, domains and hosts, from folders of profiles, and from what the
texts themselves tell: `\Users\NAME\`, `\\SERVER\`, `DOMAIN\NAME`, mail addresses, hosts of a known domain.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any
from urllib.parse import quote

import duckdb

from forensic_iso.case.schema import case_tables
from forensic_iso.report.build import case_hosts
from forensic_iso.report.model import Listing, Report
from parsers.contract import Sql

ACCOUNT = re.compile(
    r"(^|_)(user|users?_name|profile_user|user_id|owner|author|principal|account|account_name|upn)$"
)
DOMAIN = re.compile(r"(^|_)domain(_name)?$")
HOST = re.compile(
    r"^(host|host_fqdn|computer|fqdn|device_name|machine_id|workstation_name|source_hostname)$"
)
PLAIN_ACCOUNT = re.compile(r"(^|_)(author|principal|account|user_id)$")
"""Columns that hold makers and services as well: an account there has its domain before it, or is none."""
PROFILES = r"(?i)(?:Users|Documents and Settings)[\\/]+([^\\/:*?\"<>|]+)[\\/]"
PATHS = (("mft_name", "path"), ("source", "path"), ("source", "windows_path"), ("image_delivery", "image_path"),
         ("mount_session", "image_path"), ("finding", "image_path"), ("process", "path"))  # fmt: skip

SID = re.compile(r"S-1-(?:5-21(?:-\d+){3,4}|12-1(?:-\d+){4})", re.IGNORECASE)
"""SIDs of machines, domains and their accounts, and of Entra ID; those of Windows itself are the same everywhere."""
MAIL = re.compile(r"(?<![\w.+%-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PROFILE = re.compile(
    r"(?i)(?<![^\W_])((?:Users|Documents and Settings)(?:[\\/]+|%5C|%2F))"
    r"([^\\/:*?\"<>|\r\n%]{1,64}(?=[\\/])|[^\\/:*?\"'<>|\s%,;)]+)"
)
SERVER = re.compile(
    r"(?i)((?<![\w:\\/])\\\\|(?<=\\)UNC\\|\\Mup\\|file://)([a-z0-9][\w-]*)(?=[\\/])"
)
LOGON = re.compile(r"((?<![\\/\w])(?:DOMAIN|HOST)-\d+\\)([^\\/\s\"'<>|:;,()\[\]]+)(?![\\/\w])")
MADE = re.compile(r"(?i)(?:user|host|domain|mail|sid)-\d+")
BETWEEN = r"(?:[ ._+-]|%20|%2E|%2D|%5F)"
"""Signs that stand for one another where a name is made part of a URL or a file name."""

SYSTEM_WORDS = frozenset(
    "system;local service;network service;localsystem;localservice;networkservice;public;default;default user;all users;"
    "defaultapppool;nt authority;nt service;nt virtual machine;iis apppool;window manager;font driver host;builtin;"
    "anonymous logon;anonymous;everyone;users;administrators;administrator;guest;defaultaccount;wdagutilityaccount;"
    "workgroup;azuread;microsoftaccount;localhost;wsl;unknown;interactive;authenticated users;none;null;n/a;-;"
    "desktop.ini".split(";")
)
"""Accounts, domains and folders of Windows itself: no one's name."""
WINDOWS_ACCOUNT = re.compile(r"(?i)(?:umfd|dwm)-\d+|\$\(.*|.*%.*|s-1-.*|\{.*|defaultuser\d+")
FREE_MAIL = frozenset(
    "outlook.com hotmail.com live.com gmail.com googlemail.com yahoo.com icloud.com web.de gmx.de gmx.net".split()
)
COMMON = frozenset(
    "windows microsoft system32 security user admin temp host image file log case report finding program programs data"
    " desktop downloads documents time row rows mounted delivered executed active evidence volume disk server client test"
    " defender sysmon explorer web mail zone from run app apps bin com exe iso net".split()
)
"""Names that are words of the report or of Windows' paths: only hidden where they stand as a name."""
SHORT = 3
"""Shorter names are hidden only where they stand as a name."""

KEPT_FIELDS = frozenset(
    "queries fields glossary method rules parsers finding_id verdict severity tlp type schema_version".split()
)
KEPT_COLUMNS = frozenset(
    "severity verdict kind state table_name row_address record_offset sha256 md5 step source_id finding_id delivery_id"
    " session_id execution_id follow_on_id part part_id technique technique_name code level rule_id".split()
)
LINKS = frozenset("delivered mounted executed active followed volume".split())
"""Names of links and lanes: words of the report, also where an account has the same name."""
LITERAL = re.compile(r"'((?:[^']|'')*)'")

Rewrite = Callable[[str], str]


class Redactor:
    """Holds the pseudonyms of one case for all reports that are written of it."""

    def __init__(self, con: duckdb.DuckDBPyConnection, also: Sequence[str] = ()) -> None:
        self._names: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._sids: dict[str, str] = {}
        self._domains: list[str] = []
        for host in (*case_hosts(con), *_former(con)):
            self._name("HOST", host)
        for word, name in sorted(set(_accounts(con))):
            self._name(word, name)
        for word in also:
            self._name("name", word)

    def host(self, name: str) -> str:
        """The pseudonym of a host."""
        return self._names.get(_flat(name)) or self._name("HOST", name) or name

    def report(self, report: Report) -> Report:
        """The report with pseudonyms in all its texts."""
        texts: list[str] = []
        _applied(report, lambda value: texts.append(value) or value)  # type: ignore[func-returns-value]
        return _applied(report, self._rewriter(texts))  # type: ignore[no-any-return]

    def _name(self, word: str, name: str) -> str | None:
        """A name's pseudonym; None where it is no one's name."""
        flat = _flat(name)
        if (
            not flat.strip(".")
            or name.strip().lower() in SYSTEM_WORDS
            or WINDOWS_ACCOUNT.fullmatch(name)
        ):
            return None  # fmt: skip
        if flat not in self._names:
            self._numbers[word] = self._numbers.get(word, 0) + 1
            self._names[flat] = f"{word}-{self._numbers[word]}"
            if word == "DOMAIN" and "." in name:
                self._domains.append(name.lower())
        return self._names[flat]

    def _rewriter(self, texts: Sequence[str]) -> Rewrite:
        blob = _flat("\n".join(texts))
        there = sorted(
            (n for n in self._names if not n.isascii() or n in blob), key=lambda n: (-len(n), n)
        )
        free = [n for n in there if len(n) >= SHORT and n not in COMMON]
        bound = frozenset(there) - frozenset(free)
        inside = [re.escape(d) for d in self._domains if _flat(d) in blob]
        members = (
            re.compile(rf"(?i)(?<![\w.-])([a-z0-9][\w-]*)(?=\.(?:{'|'.join(inside)})(?![\w-]))")
            if inside
            else None
        )
        pattern = _any_of(free)

        def known(match: re.Match[str]) -> str:
            return self._names.get(_flat(match[0]), match[0])

        def rewrite(value: str) -> str:
            if _flat(value) in bound and value not in LINKS:
                return self._names[_flat(value)]
            out = SID.sub(self._sid, value)
            if "@" in out:
                out = MAIL.sub(lambda m: self._name("mail", m[0]) or m[0], out)
            if members:
                out = members.sub(lambda m: self._meet("HOST", m[1]), out)
            out = pattern.sub(known, out) if pattern else out
            out = SERVER.sub(lambda m: m[1] + self._meet("HOST", m[2]), out)
            out = PROFILE.sub(lambda m: m[1] + self._meet("user", m[2]), out)
            return LOGON.sub(lambda m: m[1] + self._meet("user", m[2]), out)

        return rewrite

    def _meet(self, word: str, name: str) -> str:
        """The pseudonym of a name that stands where names stand."""
        if MADE.fullmatch(name):
            return name
        short = re.fullmatch(r"([^~]{1,6})~\d", name)
        if short and word == "user":
            begin = _flat(short[1]).replace(".", "")
            alike = [v for k, v in self._names.items()
                     if v.startswith("user-") and k.replace(".", "").startswith(begin)]  # fmt: skip
            if len(alike) == 1:
                return alike[0]
        return self._name(word, name) or name

    def _sid(self, match: re.Match[str]) -> str:
        return self._sids.setdefault(match[0].upper(), f"SID-{len(self._sids) + 1}")


def _flat(name: str) -> str:
    """A name in the form in which its spellings are the same."""
    return re.sub(BETWEEN, ".", name.strip().lower(), flags=re.IGNORECASE)


def _any_of(flat: Sequence[str]) -> re.Pattern[str] | None:
    """A pattern of names in any of their spellings, as words of their own."""
    if not flat:
        return None
    words = "|".join(BETWEEN.join(_letters(part) for part in n.split(".")) for n in flat)
    return re.compile(rf"(?:(?<![^\W_])|(?<=%[0-9a-f]{{2}}))(?:{words})(?![^\W_])", re.IGNORECASE)


def _letters(part: str) -> str:
    return "".join(
        re.escape(c) if c.isascii() else f"(?:{re.escape(c)}|{quote(c)}|{quote(c.upper())})"
        for c in part
    )


def _former(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [str(a) for (a,) in con.execute("SELECT alias FROM host_alias ORDER BY ALL").fetchall()]


def _accounts(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    """Names that the columns of the case hold, with what they are names of."""
    have = set(con.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall())
    for table in case_tables():
        for column in table.columns:
            if column.type is not Sql.TEXT or (table.name, column.name) not in have:
                continue
            for read, part in ((ACCOUNT, _account), (DOMAIN, _domain), (HOST, _machine)):
                if read.search(column.name):
                    for value in _values(con, table.name, f'"{column.name}"'):
                        yield from part(column.name, value)
    for name, path in PATHS:
        for value in _values(con, name, f"regexp_extract({path}, '{PROFILES}', 1)"):
            yield "user", value


def _values(con: duckdb.DuckDBPyConnection, table: str, value: str) -> Iterable[str]:
    query = f"SELECT DISTINCT {value} AS v FROM \"{table}\" WHERE coalesce(v, '') <> '' ORDER BY v"
    return [str(v).strip() for (v,) in con.execute(query).fetchall()]


def _account(column: str, value: str) -> Iterator[tuple[str, str]]:
    domain, slash, user = value.rpartition("\\")
    if "@" in user:
        user, _, realm = user.partition("@")
        if realm.lower() not in FREE_MAIL:
            yield "DOMAIN", realm
    elif PLAIN_ACCOUNT.search(column) and not slash:
        return
    if slash and domain.lower() in SYSTEM_WORDS:
        return
    yield "user", user.rstrip("$")
    if slash:
        yield "DOMAIN", domain


def _domain(column: str, value: str) -> Iterator[tuple[str, str]]:
    yield "DOMAIN", value


def _machine(column: str, value: str) -> Iterator[tuple[str, str]]:
    host, dot, domain = value.lstrip("\\").partition(".")
    yield "HOST", host
    if dot:
        yield "DOMAIN", domain


def _applied(value: Any, rewrite: Rewrite) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else rewrite(value)
    if isinstance(value, tuple):
        return tuple(_applied(v, rewrite) for v in value)
    if isinstance(value, Listing):
        return _listing(value, rewrite)
    if is_dataclass(value) and not isinstance(value, type):
        given = {f.name: getattr(value, f.name) for f in fields(value)}
        return replace(
            value, **{k: _applied(v, rewrite) for k, v in given.items() if k not in KEPT_FIELDS}
        )
    return value


def _listing(one: Listing, rewrite: Rewrite) -> Listing:
    """Cells of columns that hold words of our own stay; in the query only its literals are names."""
    kept = [f.name in KEPT_COLUMNS for f in one.fields]
    rows = tuple(
        tuple(v if k else _applied(v, rewrite) for v, k in zip(r, kept, strict=True))
        for r in one.rows
    )
    query = LITERAL.sub(lambda m: "'" + rewrite(m[1]) + "'", one.query)
    return replace(one, title=rewrite(one.title), note=rewrite(one.note), rows=rows, query=query)
