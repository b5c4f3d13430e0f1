"""The blocks of an MPLog that run over several lines without times."""

from dataclasses import dataclass, field

from parsers.mplog_forms import MAX_TEXT
from parsers.rows import Row, filetime_ns

MAX_LINES = 5000
"""Lines of one block; a block that has no end is left there."""
KINDS = ("resource_scan", "behavior_telemetry", "threat_action")

_SCAN, _TELEMETRY, _ACTIONS = (
    "Begin Resource Scan",
    "BEGIN BM telemetry",
    "Beginning threat actions",
)
_ENDS = {_SCAN: "End Scan", _TELEMETRY: "END BM telemetry", _ACTIONS: "Finished threat actions"}


@dataclass(slots=True)
class Blocks:
    """Follows the blocks of one log."""

    _open: str | None = None
    _seen: dict[str, str] = field(default_factory=dict)
    _lines: int = 0

    def take(self, line: str) -> Row | None:
        """A row where the line completes one, {} where it only belongs to a block, None where to none."""
        if line in _ENDS:
            self._open, self._seen, self._lines = line, {}, 0
            return {}
        if self._open is None:
            return None
        self._lines += 1
        ended = line == _ENDS[self._open]
        name, colon, value = line.partition(":")
        if colon and not ended:
            self._seen[name] = value[:MAX_TEXT]
        row = self._row(ended, name if colon else "")
        if ended or self._lines >= MAX_LINES:
            self._open = None
        return row

    def _row(self, ended: bool, name: str) -> Row:
        if self._open == _SCAN and name == "Resource Path":
            return self._scanned()
        if self._open == _ACTIONS and name == "Path":
            return self._acted()
        if self._open == _TELEMETRY and ended and "ImagePath" in self._seen:
            return self._observed()
        return {}

    def _scanned(self) -> Row:
        seen = self._seen
        return {
            "kind": "resource_scan",
            "threat": seen.get("Threat Name"),
            "schema": seen.get("Resource Schema"),
            "path": seen["Resource Path"],
            "local_time_text": seen.get("Start Time"),
            "text": f"scan {seen.get('Scan ID', '?')} source {seen.get('Scan Source', '?')}",
        }

    def _acted(self) -> Row:
        seen = self._seen
        return {
            "kind": "threat_action",
            "threat": seen.get("Threat Name"),
            "action": seen.get("Resource action complete") or seen.get("Action"),
            "path": seen["Path"],
            "local_time_text": seen.get("Start time"),
            "text": f"action {seen.get('Action', '?')}",
        }

    def _observed(self) -> Row:
        seen = self._seen
        return {
            "kind": "behavior_telemetry",
            "process": seen["ImagePath"],
            "pid": _number(seen.get("ProcessID")),
            "process_start_utc": filetime_ns(_number(seen.get("ProcessCreationTime")) or 0),
            "local_time_text": seen.get("CreationTime"),
            "text": seen.get("Taint Info"),
        }


def _number(text: str | None) -> int | None:
    """A decimal number that fits 63 bits."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
