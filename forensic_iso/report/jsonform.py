"""The report as JSON: the machine twin of the page, never cut, never defanged."""

import json

from forensic_iso.report.model import Indicator, Report, as_dict


def render(report: Report) -> str:
    """One document; ASCII only, so that any reader takes it."""
    return json.dumps(as_dict(report), indent=1, ensure_ascii=True) + "\n"


def indicator_lines(indicators: tuple[Indicator, ...]) -> str:
    """The raw values of the indicators, one JSON object a line."""
    keys = ("type", "value", "severity", "finding_id", "host", "time_utc", "basis")
    return "".join(
        json.dumps({k: getattr(i, k) for k in keys}, ensure_ascii=True) + "\n" for i in indicators
    )
