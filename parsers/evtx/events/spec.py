"""How the typed tables of events are declared.

An `EventTable` names a provider, its event ids and the fields of EventData/UserData in the order Windows logs them.
The column's name is the field's name in snake_case (`ProcessGuid` -> `process_guid`).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from parsers.contract import Column, Sql


class Form(StrEnum):
    """How a field is stored and how its text is composed again for `event.data`."""

    TEXT = "text"
    """Text as Windows renders it."""
    INT = "int"
    """Decimal integer, BIGINT."""
    HEX = "hex"
    """Integer that Windows renders as 0x..., stored as BIGINT (two's complement above 2^63)."""
    BOOL = "bool"
    """true or false, BOOLEAN."""
    TIME = "time"
    """FILETIME or SYSTEMTIME, rendered 2022-03-10T19:57:22.3007007Z; stored as TIMESTAMP_NS, UTC."""
    SYSMON_TIME = "sysmon_time"
    """Sysmon's text 2022-03-10 19:57:22.300, UTC; stored as TIMESTAMP_NS."""


FORM_SQL = {
    Form.TEXT: Sql.TEXT,
    Form.INT: Sql.I64,
    Form.HEX: Sql.I64,
    Form.BOOL: Sql.BOOL,
    Form.TIME: Sql.TIME,
    Form.SYSMON_TIME: Sql.TIME,
}


@cache
def snake(name: str) -> str:
    """`ProcessGuid` -> `process_guid`, `SourceProcessGUID` -> `source_process_guid`, `VhdFile` -> `vhd_file`."""
    s = re.sub(r"[^0-9A-Za-z]+", "_", name)
    s = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", s)
    return s.lower().strip("_")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in the log, how it is stored, what it means; `column` where snake_case would clash.

    `aliases` are other spellings of the same field (the first present one fills the column); in the events
    `alias_events` the first alias is the name that Windows logs.
    """

    name: str
    comment: str
    form: Form = Form.TEXT
    column_name: str = ""
    aliases: tuple[str, ...] = ()
    alias_events: tuple[int, ...] = ()

    @property
    def column(self) -> Column:
        """The column this field fills."""
        return Column(self.column_name or snake(self.name), FORM_SQL[self.form], self.comment)


@dataclass(frozen=True, slots=True)
class EventTable:
    """A typed table: rows are the events of `provider` with an id in `event_ids`."""

    name: str
    comment: str
    provider: str
    event_ids: tuple[int, ...]
    fields: tuple[Field, ...]
