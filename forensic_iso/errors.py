"""The few errors a user can cause, each with the exit code of the command that meets it.

A message names what was being done, the file and place, what was expected, what was found, and what
to do.
"""

from typing import ClassVar


class ForensicIsoError(Exception):
    """Base of the errors that end a command with a message instead of a traceback."""

    exit_code: ClassVar[int] = 6


class UsageError(ForensicIsoError):
    """The command was used wrongly: no such path, arguments that exclude each other."""

    exit_code: ClassVar[int] = 2


class NothingUsable(ForensicIsoError):
    """Nothing in the evidence given could be read by any parser."""

    exit_code: ClassVar[int] = 4


class CaseError(ForensicIsoError):
    """The case cannot be opened: it is none, is of another version, or another process holds it."""

    exit_code: ClassVar[int] = 5


class SystemFault(ForensicIsoError):
    """The machine refused: no space, no memory, no permission to write the case."""

    exit_code: ClassVar[int] = 6


def interrupted(fault: BaseException) -> bool:
    """Whether a fault is the user's own wish to end: DuckDB that is interrupted in a query says so as a RuntimeError."""
    return type(fault) is RuntimeError and str(fault) == "Query interrupted"
