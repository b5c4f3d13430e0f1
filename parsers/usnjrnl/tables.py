"""Table of the change journal, and Microsoft's words for its flags."""

from collections.abc import Mapping

from parsers.contract import Column, Moment, Sql, Table

REASONS = {
    0x00000001: "DATA_OVERWRITE",
    0x00000002: "DATA_EXTEND",
    0x00000004: "DATA_TRUNCATION",
    0x00000010: "NAMED_DATA_OVERWRITE",
    0x00000020: "NAMED_DATA_EXTEND",
    0x00000040: "NAMED_DATA_TRUNCATION",
    0x00000100: "FILE_CREATE",
    0x00000200: "FILE_DELETE",
    0x00000400: "EA_CHANGE",
    0x00000800: "SECURITY_CHANGE",
    0x00001000: "RENAME_OLD_NAME",
    0x00002000: "RENAME_NEW_NAME",
    0x00004000: "INDEXABLE_CHANGE",
    0x00008000: "BASIC_INFO_CHANGE",
    0x00010000: "HARD_LINK_CHANGE",
    0x00020000: "COMPRESSION_CHANGE",
    0x00040000: "ENCRYPTION_CHANGE",
    0x00080000: "OBJECT_ID_CHANGE",
    0x00100000: "REPARSE_POINT_CHANGE",
    0x00200000: "STREAM_CHANGE",
    0x00400000: "TRANSACTED_CHANGE",
    0x00800000: "INTEGRITY_CHANGE",
    0x01000000: "DESIRED_STORAGE_CLASS_CHANGE",
    0x80000000: "CLOSE",
}
"""USN_REASON_* without the prefix (MS-FSCC 2.3.65, winioctl.h)."""

SOURCES = {
    1: "DATA_MANAGEMENT",
    2: "AUXILIARY_DATA",
    4: "REPLICATION_MANAGEMENT",
    8: "CLIENT_REPLICATION_MANAGEMENT",
}
"""USN_SOURCE_* without the prefix."""

ATTRIBUTES = {
    0x00001: "READONLY",
    0x00002: "HIDDEN",
    0x00004: "SYSTEM",
    0x00010: "DIRECTORY",
    0x00020: "ARCHIVE",
    0x00040: "DEVICE",
    0x00080: "NORMAL",
    0x00100: "TEMPORARY",
    0x00200: "SPARSE_FILE",
    0x00400: "REPARSE_POINT",
    0x00800: "COMPRESSED",
    0x01000: "OFFLINE",
    0x02000: "NOT_CONTENT_INDEXED",
    0x04000: "ENCRYPTED",
    0x08000: "INTEGRITY_STREAM",
    0x10000: "VIRTUAL",
    0x20000: "NO_SCRUB_DATA",
    0x40000: "RECALL_ON_OPEN",
    0x80000: "PINNED",
    0x100000: "UNPINNED",
    0x400000: "RECALL_ON_DATA_ACCESS",
}
"""FILE_ATTRIBUTE_* without the prefix (MS-FSCC 2.6)."""

_LINE = "concat(name, ': ', replace(reason, '|', ', '))"

USN_RECORD = Table(
    "usn_record",
    "Records of the NTFS change journal ($UsnJrnl:$J)",
    (
        Column("usn", Sql.I64, "Update sequence number: byte position in the whole journal"),
        Column("time_utc", Sql.TIME, "Time of the record, UTC, 100 ns; NULL: zero or out of range"),
        Column("name", Sql.TEXT, "Name of the file at that time, without its path"),
        Column(
            "record",
            Sql.U64,
            "Record number of the file; NULL: a 128-bit file ID that is no NTFS reference",
        ),
        Column("sequence", Sql.U16, "Sequence number of that record"),
        Column("parent_record", Sql.U64, "Record number of the folder that held the name"),
        Column("parent_sequence", Sql.U16, "Sequence number of that record"),
        Column(
            "reason",
            Sql.TEXT,
            "USN_REASON_* flags without the prefix, joined by |, lowest first; they add up until CLOSE",
        ),
        Column("source_info", Sql.TEXT, "USN_SOURCE_* flags without the prefix; empty: none"),
        Column(
            "file_attributes", Sql.TEXT, "FILE_ATTRIBUTE_* flags without the prefix, joined by |"
        ),
        Column("reason_flags", Sql.U32, "The number behind reason"),
        Column("file_attribute_flags", Sql.U32, "The number behind file_attributes"),
        Column("security_id", Sql.U32, "Index into $Secure; 0 in records read from the disk"),
        Column("major_version", Sql.U8, "Record version: 2 or 3"),
        Column(
            "name_lossy", Sql.BOOL, "The name holds lone surrogates, which were replaced by U+FFFD"
        ),
        Column(
            "ends_well",
            Sql.BOOL,
            "The record is followed by another, by zeros or a page's end;"
            " false: its tail (the name) may be from another write",
        ),
        Column("offset", Sql.I64, "Byte offset of the record in the file"),
    ),
    address="offset",
    time="time_utc",
    moments=(
        Moment("time_utc", "usn_created", _LINE, "reason_flags = 256"),
        Moment("time_utc", "usn_deleted", _LINE, "(reason_flags & 512) <> 0"),
        Moment(
            "time_utc",
            "usn_renamed",
            _LINE,
            "(reason_flags & 12288) <> 0 AND (reason_flags & 2147484160) = 0",
        ),
        Moment(
            "time_utc",
            "usn_stream_changed",
            _LINE,
            "(reason_flags & 2097152) <> 0 AND (reason_flags & 2147484160) = 0",
        ),
    ),
)
"""The timeline gets what a file's story needs; every other record stays in the table."""

TABLES = (USN_RECORD,)


def spell(flags: int, words: Mapping[int, str]) -> str:
    """Names of the set flags, lowest first, joined by |; what has no name as one hex number."""
    names = [word for bit, word in words.items() if flags & bit]
    rest = flags & ~sum(words)
    return "|".join((*names, f"0x{rest:X}") if rest else names)
