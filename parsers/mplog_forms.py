"""The forms of MPLog's single lines, with what each gives.

Older logs write `[Mini-filter] ...`, newer ones put `[RTP]`, `Engine:` or `SDN:` before it and a
number behind `Blocked file`.
"""

import re
from collections.abc import Iterator

from parsers.rows import Row, filetime_ns

MAX_TEXT = 4096
"""Characters of a text that a row keeps."""
MAX_FORM = 8192
"""Characters of a line that the forms look at: some of them cost the square of it."""

_PREFIX = re.compile(r"(?:\[RTP\] |Engine:|SDN:)")
_PROCESS = r"\.? Process: (?P<process>.{0,1024}?), Status"
_FORMS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (kind, start, re.compile(form))
    for kind, start, form in (
        (
            "blocked_file",
            "[Mini-filter] Bl",
            r"\[Mini-filter\] Blocked file(?:\(#\d+\))?: (?P<path>.+?)" + _PROCESS,
        ),
        (
            "scan_failed",
            "[Mini-filter] Un",
            r"\[Mini-filter\] Unsuccessful scan status(?:\(#\d+\))?: (?P<path>.+?)" + _PROCESS,
        ),
        (
            "first_scan_on_volume",
            "[Mini-filter] Fi",
            r"\[Mini-filter\] First scan on a volume: (?P<path>.+)",
        ),
        (
            "volume_excluded",
            "[Mini-filter] vo",
            r"\[Mini-filter\] volume (?P<path>\S+) excluded from scanning",
        ),
        ("mount_detection", "OnMount", r"OnMountDetection for (?P<path>.+?)(?: \.\.\.)?$"),
        (
            "sdn_query",
            "Issuing",
            r"Issuing SDN query for (?P<path>.+?)(?: \((?:\\|[A-Za-z]:)[^()]*(?:\([^()]*\)[^()]*)*\))?"
            r"(?: \(sha1=(?P<sha1>[0-9A-Fa-f]{40}), sha2=(?P<sha256>[0-9A-Fa-f]{64})\))?$",
        ),
        (
            "engine_verdict",
            "[MpRtp]",
            r"\[MpRtp\] Engine VFZ (?P<threat>[^:]+): (?P<path>.+)\. status=",
        ),
        (
            "process_impact",
            "ProcessImageName:",
            r"ProcessImageName: (?P<process>.{1,260}?), (?:Pid: (?P<pid>\d{1,10}), )?TotalTime:"
            r"(?:.*?MaxTimeFile: (?P<path>.+?)(?:, EstimatedImpact.*)?)?$",
        ),
        (
            "command_line",
            "command line",
            r"command line reported as (?P<threat>lowfi|threat): (?P<process>[^(]+)\((?P<command_line>.*)\)$",
        ),
        (
            "original_file_name",
            "Setting original",
            r'Setting original file name "(?P<threat>[^"]*)" for "(?P<path>[^"]*)"',
        ),
        (
            "memory_detection",
            "EMS detection",
            r"EMS detection: (?P<threat>[^,]+),.*\bpid=(?P<pid>\d{1,10})",
        ),
        (
            "memory_scan",
            "EMS scan",
            r"EMS scan for process: (?P<process>.+?) pid: (?P<pid>\d{1,10})",
        ),
        (
            "caching_disabled",
            "Filter caching",
            r"Filter caching disabled for (?P<path>.+?)(?: \(runtime .*)?$",
        ),
        (
            "engine_process_start",
            "Engine-Process",
            r"Engine-Process start(?:ed)?:? *(?P<process>.+)",
        ),
        (
            "signature_match",
            "Internal sig",
            r'Internal signature match:(?P<threat>[^,]*),.*resource="(?P<path>[^"]*)"',
        ),
    )
)
KINDS = ("detection_event", "detection_add", "detection_clean", *(kind for kind, _, _ in _FORMS))

_DETECTION = re.compile(
    r"(?P<word>DETECTIONEVENT|DETECTION_ADD|DETECTION_CLEANEVENT)(?:#\d+)?"
    r"(?: MPSOURCE_\S+)?(?: (?P<action>MP_THREAT_ACTION_\S+) \S+)? (?P<threat>\S+) (?P<resources>.+)"
)
_DETECTION_KINDS = {
    "DETECTIONEVENT": "detection_event",
    "DETECTION_ADD": "detection_add",
    "DETECTION_CLEANEVENT": "detection_clean",
}
_RESOURCE = re.compile(r"\b([A-Za-z]{1,32}):([^;]+)(?:;|$)")
_BAG = re.compile(r" PropBag \[")
_RUNNING = re.compile(r"pid:(\d{1,10})(?:,ProcessStart:(\d{1,19}))?")
_ANY_PATH = re.compile(
    r"""(?:\\Device\\[A-Za-z]|\\\\\?\\|\b[A-Za-z]:\\)[^"<|*?,;\[\]\r\n]+?"""
    r"""(?=\.?$|\s->|\s-?\s|\.\sProcess:|\)(?![\\.])|:\s|\sto\s[A-Za-z"%]|["<|*?,;\[\]])"""
)
"""A path up to what Defender writes behind paths; `(x86)\\` and `(1).iso` are parts of one."""


def rows_of(body: str) -> Iterator[Row]:
    """What a line (without its time) gives: nothing, a row, or one for each resource of a detection."""
    if body.startswith("DETECTION") and (found := _DETECTION.match(body)):
        yield from _detection(found)
        return
    body = body[:MAX_FORM].rstrip()
    plain = body[prefix.end() :] if (prefix := _PREFIX.match(body)) else body
    for kind, start, form in _FORMS:
        if plain.startswith(start) and (match := form.match(plain)):
            yield {**_values(match), "kind": kind}
            return
    if "\\" in body and (mention := _ANY_PATH.search(body)):
        yield {"kind": "path_mention", "path": mention[0].rstrip(" .)")[:MAX_TEXT]}


def _values(match: re.Match[str]) -> Row:
    row: Row = {key: value[:MAX_TEXT] for key, value in match.groupdict().items() if value}
    if "pid" in row:
        row["pid"] = int(match["pid"])
    for digest in ("sha1", "sha256"):
        if digest in row:
            row[digest] = match[digest].upper()
    return row


def _detection(found: re.Match[str]) -> Iterator[Row]:
    kind = _DETECTION_KINDS[found["word"]]
    common: Row = {"kind": kind, "threat": found["threat"][:MAX_TEXT], "action": found["action"]}
    for schema, path in _RESOURCE.findall(_BAG.split(found["resources"], maxsplit=1)[0]):
        row = {**common, "schema": schema, "path": path[:MAX_TEXT]}
        if schema == "process" and (running := _RUNNING.match(path)):
            row |= {"path": None, "pid": int(running[1])}
            row["process_start_utc"] = filetime_ns(int(running[2] or 0))
        yield row
