"""The version of a case's tables; apart, so that a reader need not load the parsers to check it."""

SCHEMA_VERSION = 7
