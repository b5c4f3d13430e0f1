"""The case and its answers: image delivered, mounted, executed from, and what followed."""

__version__ = "0.1.0"
