"""The report as one HTML file: no script, nothing from outside, a strict content policy."""

from forensic_iso.report.html.page import STYLE_PLACE, drawer, environment, render, style_hash

__all__ = ["STYLE_PLACE", "drawer", "environment", "render", "style_hash"]
