"""Tables of the EVTX parser: System columns, typed tables, the rest, and the chunks.

An event is stored once: in the typed table of its provider and id, or in `event_other`. The view `event` is the union
of all of them; its `data` is stored (event_other) or composed from the typed columns plus `extra`.
"""

from parsers.contract import HOST, Column, Sql, Table
from parsers.evtx.events import EVENT_TABLES
from parsers.evtx.events.moments import OTHER_MOMENTS, event_moments
from parsers.evtx.events.spec import EventTable, snake

SYSTEM = (
    Column(
        "time_utc",
        Sql.TIME,
        "System/TimeCreated, UTC, 100 ns; the header's time where the event has none",
    ),
    HOST,
    Column("channel", Sql.TEXT, "System/Channel"),
    Column("provider", Sql.TEXT, "System/Provider/@Name"),
    Column("event_id", Sql.U16, "System/EventID"),
    Column(
        "record_id", Sql.U64, "System/EventRecordID (exports renumber the header's id, not this)"
    ),
    Column("user_sid", Sql.TEXT, "System/Security/@UserID"),
    Column("execution_process_id", Sql.U32, "System/Execution/@ProcessID: who wrote the event"),
    Column("execution_thread_id", Sql.U32, "System/Execution/@ThreadID"),
    Column("version", Sql.U8, "System/Version"),
    Column(
        "level", Sql.U8, "System/Level: 1 critical, 2 error, 3 warning, 4 information, 5 verbose"
    ),
    Column("task", Sql.U16, "System/Task"),
    Column("opcode", Sql.U8, "System/Opcode"),
    Column("keywords", Sql.U64, "System/Keywords as a number"),
    Column("qualifiers", Sql.U16, "System/EventID/@Qualifiers"),
    Column("activity_id", Sql.TEXT, "System/Correlation/@ActivityID"),
    Column("related_activity_id", Sql.TEXT, "System/Correlation/@RelatedActivityID"),
    Column("provider_guid", Sql.TEXT, "System/Provider/@Guid"),
    Column("computer", Sql.TEXT, "System/Computer as logged"),
    Column("written_utc", Sql.TIME, "Time in the record's header, UTC, 100 ns"),
    Column("header_record_id", Sql.U64, "Record id in the record's header"),
    Column(
        "origin",
        Sql.TEXT,
        "chain: the chunk's sound chain of records; resync: found by its mark behind damage; "
        "slack: an older record behind the chunk's free space",
    ),
    Column("damaged", Sql.BOOL, "Record could not be read in full; what was read stands"),
    Column(
        "chunk_crc_ok",
        Sql.BOOL,
        "Both checksums of the record's chunk match; NULL: none covers it (old records behind free space, logs without)",
    ),
)
TAIL = (Column("record_offset", Sql.I64, "Byte offset of the record in the file"),)
EXTRA = Column(
    "extra", Sql.TEXT, "JSON of fields that the table has no column for; NULL: none", packed=True
)

EVENT_OTHER = Table(
    "event_other",
    "Events that have no typed table",
    (
        *SYSTEM,
        Column(
            "data",
            Sql.TEXT,
            "EventData or UserData as JSON, names in the log's order; NULL: none",
            packed=True,
        ),
        *TAIL,
    ),
    address="record_offset",
    time="time_utc",
    moments=OTHER_MOMENTS,
)

EVTX_CHUNK = Table(
    "evtx_chunk",
    "64 KiB chunks of the logs with their checksums",
    (
        Column("chunk_offset", Sql.I64, "Byte offset of the chunk in the file"),
        Column("first_record_id", Sql.U64, "First record id by the chunk's header"),
        Column("last_record_id", Sql.U64, "Last record id by the chunk's header"),
        Column(
            "free_space_offset",
            Sql.U32,
            "End of the records by the chunk's header, bytes from its start",
        ),
        Column("mark_ok", Sql.BOOL, "The mark ElfChnk is there"),
        Column("header_crc_ok", Sql.BOOL, "CRC32 of the chunk's header matches"),
        Column("records_crc_ok", Sql.BOOL, "CRC32 of the chunk's records matches"),
        Column("records", Sql.U32, "Records delivered"),
        Column("beyond_header", Sql.BOOL, "Chunk lies beyond the count in the file's header"),
    ),
    address="chunk_offset",
)


def typed(t: EventTable) -> Table:
    """The full table of a typed event: time and host first, then its own fields, then System's rest and provenance."""
    lead, rest = SYSTEM[:6], SYSTEM[6:]
    return Table(
        t.name,
        t.comment,
        (*lead, *(f.column for f in t.fields), EXTRA, *rest, *TAIL),
        address="record_offset",
        time="time_utc",
        moments=event_moments(t.name),
    )


TABLES: tuple[Table, ...] = (*(typed(t) for t in EVENT_TABLES), EVENT_OTHER, EVTX_CHUNK)

__all__ = ["EVENT_OTHER", "EVTX_CHUNK", "EXTRA", "SYSTEM", "TABLES", "TAIL", "snake", "typed"]
