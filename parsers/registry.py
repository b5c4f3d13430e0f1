"""The list of parsers: the one place to register."""

from typing import cast

from parsers import (
    defender_history,
    evtx,
    i30,
    images,
    jumplist,
    lnk,
    mde,
    mft,
    mplog,
    pca,
    prefetch,
    psreadline,
    recycle_bin,
    setupapi,
    srum,
    task,
    usnjrnl,
)
from parsers.browser import chromium, firefox
from parsers.contract import Parser, Table
from parsers.hives import amcache, software, system, user, usrclass

_MODULES = (
    evtx,
    mft,
    usnjrnl,
    system,
    software,
    amcache,
    user,
    usrclass,
    chromium,
    firefox,
    mplog,
    defender_history,
    setupapi,
    pca,
    prefetch,
    lnk,
    jumplist,
    recycle_bin,
    srum,
    i30,
    task,
    psreadline,
    mde,
    images,  # last: any sector that looks like a volume is its
)

PARSERS: tuple[Parser, ...] = tuple(cast(Parser, module) for module in _MODULES)
"""In order of asking: the first that recognises a file gets it."""


def by_kind(kind: str) -> Parser:
    """The parser of a kind.

    Raises:
        KeyError: no parser has that kind.
    """
    for parser in PARSERS:
        if kind == parser.KIND:
            return parser
    raise KeyError(kind)


def all_tables() -> tuple[Table, ...]:
    """Evidence tables of all parsers, in order of registration; one that several fill stands once."""
    return tuple({table.name: table for parser in PARSERS for table in parser.TABLES}.values())


def names_host(kind: str) -> bool:
    """Whether the rows of a kind carry their host."""
    return bool(getattr(by_kind(kind), "NAMES_HOST", False))


def host_witness(kind: str) -> bool:
    """Whether the host that an artifact of this kind names holds for the files around it."""
    return bool(getattr(by_kind(kind), "HOST_WITNESS", False))
