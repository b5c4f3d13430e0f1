"""Typed tables of events, by provider. `EVENT_TABLES` is the one list."""

from parsers.evtx.events import defense, security, storage, sysmon, system, vhdmp
from parsers.evtx.events.spec import EventTable

EVENT_TABLES: tuple[EventTable, ...] = (
    *sysmon.TABLES,
    *security.TABLES,
    *system.TABLES,
    *vhdmp.TABLES,
    *storage.TABLES,
    *defense.TABLES,
)
"""All typed tables; what none of them takes lands in `event_other`."""
