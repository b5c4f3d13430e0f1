"""The list of parsers: the one place to register."""

from typing import cast

from parsers import (
    activities,
    bits,
    defender_history,
    defender_quarantine,
    evtx,
    i30,
    images,
    job,
    jumplist,
    lnk,
    mde,
    mft,
    mplog,
    pca,
    prefetch,
    psreadline,
    recent_file_cache,
    recycle_bin,
    setupapi,
    srum,
    task,
    usnjrnl,
    wer,
)
from parsers.browser import chromium, firefox, webcache
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
    activities,
    chromium,
    firefox,
    webcache,
    bits,
    mplog,
    defender_quarantine,
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
    job,
    psreadline,
    wer,
    recent_file_cache,
    mde,
    images,  # last: any sector that looks like a volume is its
)

PARSERS: tuple[Parser, ...] = tuple(cast(Parser, module) for module in _MODULES)
"""In order of asking: the first that recognises a file gets it."""

_NAMES = {parser.KIND: module.__name__ for parser, module in zip(PARSERS, _MODULES, strict=True)}


def by_kind(kind: str) -> Parser:
    """The parser of a kind.

    Raises:
        KeyError: no parser has that kind.
    """
    for parser in PARSERS:
        if kind == parser.KIND:
            return parser
    raise KeyError(kind)


def module_of(kind: str) -> str:
    """Name of the module that reads a kind: whoever is given it need not load the other parsers.

    Raises:
        KeyError: no parser has that kind.
    """
    return _NAMES[kind]


def all_tables() -> tuple[Table, ...]:
    """Evidence tables of all parsers, in order of registration; one that several fill stands once."""
    return tuple({table.name: table for parser in PARSERS for table in parser.TABLES}.values())


def names_host(kind: str) -> bool:
    """Whether the rows of a kind carry their host."""
    return bool(getattr(by_kind(kind), "NAMES_HOST", False))


def host_witness(kind: str) -> bool:
    """Whether the host that an artifact of this kind names holds for the files around it."""
    return bool(getattr(by_kind(kind), "HOST_WITNESS", False))
