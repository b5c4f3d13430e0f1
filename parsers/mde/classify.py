"""Which table a file or row belongs to, and whether a file is an export at all."""

import csv
import re
from typing import TYPE_CHECKING

from parsers.mde.encoding import text_of_head
from parsers.mde.schema import TABLE_OF_TYPE

if TYPE_CHECKING:
    import polars as pl

_TIME_FIELDS = {"timestamp", "timegenerated"}
_KINDS = {"actiontype", "reportid", "initiatingprocessfilename", "initiatingprocesscommandline"}
_QUOTED = re.compile(r'"((?:[^"\\\r\n]){1,80})"')
_NAME = re.compile(
    r"device(?:process|file|imageload|network|registry|logon)?events?(?![a-z])", re.I
)

_SIGNATURES: tuple[tuple[str, frozenset[str]], ...] = (
    ("deviceprocessevents", frozenset({"processintegritylevel"})),
    ("deviceprocessevents", frozenset({"processversioninfocompanyname"})),
    ("deviceprocessevents", frozenset({"processversioninfooriginalfilename"})),
    ("devicefileevents", frozenset({"previousfolderpath"})),
    ("devicefileevents", frozenset({"fileoriginreferrerurl"})),
    ("devicenetworkevents", frozenset({"remoteiptype"})),
    ("deviceregistryevents", frozenset({"registryvaluetype"})),
    ("deviceregistryevents", frozenset({"previousregistrykey"})),
    ("deviceevents", frozenset({"remoteurl", "remotedevicename"})),
    ("deviceevents", frozenset({"registrykey"})),
)
"""Fields that only one table has, strongest first."""

_ACTIONS = {
    "deviceprocessevents": ("ProcessCreated",),
    "deviceimageloadevents": ("ImageLoaded",),
    "devicefileevents": ("FileCreated", "FileModified", "FileRenamed", "FileDeleted"),
    "devicenetworkevents": (
        *("ConnectionSuccess", "ConnectionFailed", "ConnectionFound", "ConnectionRequest"),
        *("ConnectionAttempt", "ConnectionAcknowledged", "InboundConnectionAccepted"),
        *("ListeningConnectionCreated", "HttpConnectionInspected", "DnsConnectionInspected"),
        *("NetworkSignatureInspected", "SslConnectionInspected", "SshConnectionInspected"),
        *("IcmpConnectionInspected", "FtpConnectionInspected", "SmtpConnectionInspected"),
    ),
    "deviceregistryevents": (
        *("RegistryValueSet", "RegistryValueDeleted", "RegistryKeyCreated", "RegistryKeyDeleted"),
        "RegistryKeyRenamed",
    ),
    "deviceevents": (
        *("BrowserLaunchedToOpenUrl", "UsbDriveMounted", "UsbDriveMount", "UsbDriveUnmounted"),
        *(
            "UsbDriveUnmount",
            "UsbDriveDriveLetterChanged",
            "PnpDeviceConnected",
            "DnsQueryResponse",
        ),
        *("ShellLinkCreateFileEvent", "PowerShellCommand", "AntivirusDetection"),
    ),
}
_TABLE_OF_ACTION = {a.casefold(): TABLE_OF_TYPE[t] for t, acts in _ACTIONS.items() for a in acts}


def field_key(name: str) -> str:
    """A header as compared: casefolded, without BOM, blanks and ` [UTC]`."""
    key = name.strip('\ufeff \t"').casefold()
    return key.removesuffix("[utc]").rstrip()


def looks_like_export(name: str, head: bytes) -> bool:
    """Whether the first bytes name the fields that every Device*Events export has."""
    if head.startswith(b"PAR1"):
        return _NAME.search(name) is not None
    text = text_of_head(head)
    start = text.lstrip()[:1]
    if start in ("[", "{"):
        return _named({m.casefold() for m in _QUOTED.findall(text)}, _NAME.search(name) is not None)
    first = text.splitlines()[0] if text.strip() else ""
    if first.count(",") < 2:
        return False
    try:
        header = next(csv.reader([first]), [])
    except csv.Error:
        return False
    return _named({field_key(h) for h in header}, hinted=False)


def _named(fields: set[str], hinted: bool) -> bool:
    """All of time, device and kind of event.

    The file's name stands in for one of them: a long JSON row may push it out of the head.
    """
    tests = (bool(fields & _TIME_FIELDS), "devicename" in fields, bool(fields & _KINDS))
    return sum(tests) + hinted >= len(tests)


def by_file_name(name: str) -> str | None:
    """Our table by the file's name, `DeviceEvents_2024.csv`; '' for a table that is not kept."""
    match = _NAME.search(name)
    if match is None:
        return None
    word = match.group().casefold()
    return TABLE_OF_TYPE.get(word if word.endswith("s") else f"{word}s", "")


def _image_load_shape(fields: set[str]) -> bool:
    initiating = any(f.startswith("initiatingprocess") for f in fields)
    return "folderpath" in fields and initiating and "processid" not in fields


def tables_of_rows(frame: "pl.DataFrame", name: str) -> "pl.Series":
    """Our table of each row; '' if none fits. `frame` has headers as `field_key` gives them.

    In order: Type; fields that only one table has; ActionType; the file's name; the shape of
    image loads.
    """
    import polars as pl

    count = len(frame)
    if "type" in frame.columns:
        lower = frame["type"].str.to_lowercase()
        typed = lower.replace_strict(TABLE_OF_TYPE, default=None, return_dtype=pl.String)
        if typed.is_not_null().any() or lower.str.contains("^device.*(events|info)$").any():
            return typed.fill_null("")
    fields = set(frame.columns)
    for table, signature in _SIGNATURES:
        if signature <= fields:
            return pl.repeat(TABLE_OF_TYPE[table], count, eager=True)
    named = by_file_name(name)
    if named is None and _image_load_shape(fields):
        named = TABLE_OF_TYPE["deviceimageloadevents"]
    acts = pl.Series([None] * count, dtype=pl.String)
    if "actiontype" in fields:
        lower = frame["actiontype"].str.to_lowercase()
        acts = lower.replace_strict(_TABLE_OF_ACTION, default=None, return_dtype=pl.String)
    return acts.fill_null(named or "")
