"""Tables of the $MFT parser."""

from parsers.contract import Column, Moment, Sql, Table

SI_TIMES = ("si_created_utc", "si_modified_utc", "si_mft_changed_utc", "si_accessed_utc")
FN_TIMES = ("fn_created_utc", "fn_modified_utc", "fn_mft_changed_utc", "fn_accessed_utc")
_FILETIME = "UTC, 100 ns; NULL: zero or out of range"

NAMED = (
    "(SELECT e.*, n.path FROM mft_entry AS e JOIN mft_name AS n USING (source_id, record, sequence)"
    " WHERE n.namespace <> 2)"
)
"""Files with each of their names but the 8.3 ones."""

_RECORD = Column(
    "record",
    Sql.U32,
    "Record number of the file (of the base record, where an extension holds the row)",
)
_SEQUENCE = Column(
    "sequence", Sql.U16, "Sequence number of that record; freeing a record raises it by one"
)
_STORED_IN = Column(
    "stored_in",
    Sql.U32,
    "Record number that holds the attribute; differs from record: an extension",
)
_IN_USE = Column("in_use", Sql.BOOL, "Record of the file is in use; false: the file was deleted")
_OFFSET = Column(
    "record_offset", Sql.I64, "Byte offset in the $MFT of the record that holds the row"
)


def _si_moments() -> tuple[Moment, ...]:
    """One row per time of a file; equal times are told by the first of them."""
    words = ("created", "modified", "mft_changed", "accessed")
    moments = []
    for i, (word, time) in enumerate(zip(words, SI_TIMES, strict=True)):
        also = "".join(
            f" || CASE WHEN {other} = {time} THEN ', {name.replace('_', ' ')}' ELSE '' END"
            for name, other in zip(words[i + 1 :], SI_TIMES[i + 1 :], strict=True)
        )
        earlier = " AND ".join(f"{other} IS DISTINCT FROM {time}" for other in SI_TIMES[:i])
        summary = f"path || CASE WHEN in_use THEN '' ELSE ' [deleted]' END || ': {word.replace('_', ' ')}'{also}"
        moments.append(Moment(time, f"file_{word}", summary, earlier or None, NAMED))
    return tuple(moments)


MFT_ENTRY = Table(
    "mft_entry",
    "FILE records of the $MFT; empty slots are no rows",
    (
        Column("record", Sql.U32, "Record number: position in the $MFT"),
        Column("sequence", Sql.U16, "Sequence number; freeing the record raises it by one"),
        *(Column(name, Sql.TIME, f"$STANDARD_INFORMATION, {_FILETIME}") for name in SI_TIMES),
        Column(
            "state",
            Sql.TEXT,
            "file; baad: Windows marked it as damaged; unknown: no known mark, nothing read",
        ),
        Column("in_use", Sql.BOOL, "Header flag 1; false: freed"),
        Column("is_directory", Sql.BOOL, "Header flag 2"),
        Column("link_count", Sql.U16, "Hard links by the header (an 8.3 name counts)"),
        Column(
            "base_record", Sql.U64, "Record that this one extends; NULL: it is a base record itself"
        ),
        Column("base_sequence", Sql.U16, "Sequence number in that reference"),
        Column(
            "header_record",
            Sql.U32,
            "Record number by the record's own header; NULL before NTFS 3.1",
        ),
        Column("lsn", Sql.U64, "$LogFile sequence number of the last change"),
        Column(
            "si_flags", Sql.U32, "File attributes (MS-FSCC 2.6); NULL: no $STANDARD_INFORMATION"
        ),
        Column("si_usn", Sql.I64, "Offset in $UsnJrnl:$J of the file's last change; NULL: none"),
        Column(
            "has_attribute_list",
            Sql.BOOL,
            "Record has an $ATTRIBUTE_LIST: the file has extension records",
        ),
        Column("is_reparse_point", Sql.BOOL, "Record has a $REPARSE_POINT"),
        Column(
            "torn_sectors",
            Sql.U16,
            "Bit k: sector k (512 bytes) was not written with it; bit 15: no usable array",
        ),
        Column(
            "broken",
            Sql.BOOL,
            "Attributes end elsewhere than the used size, reach past their record, are out of order or not whole",
        ),
        Column(
            "stale_extension",
            Sql.BOOL,
            "Extension whose base record is not there, was used again or no longer has it",
        ),
        Column(
            "slack_bytes",
            Sql.U16,
            "Bytes from the used size to the last byte in the record that is not zero",
        ),
        _OFFSET,
    ),
    address="record_offset",
    time="si_created_utc",
    moments=_si_moments(),
)

MFT_NAME = Table(
    "mft_name",
    "$FILE_NAME attributes: one row per name, hard link and 8.3 name",
    (
        _RECORD,
        _SEQUENCE,
        *(
            Column(name, Sql.TIME, f"$FILE_NAME, set at creation, rename and move, {_FILETIME}")
            for name in FN_TIMES
        ),
        Column("name", Sql.TEXT, "Name as stored"),
        Column(
            "path",
            Sql.TEXT,
            r"Path on the volume from its root \; NULL: too long; \$Orphan\: parent is gone",
        ),
        Column(
            "path_status",
            Sql.TEXT,
            "ok; deleted_parent: a directory above was deleted, its record not used again; "
            "orphan: one was; cycle_or_too_deep: a loop above it or over 255 levels; "
            "too_long: over 32,767 bytes or the budget of all paths",
        ),
        _IN_USE,
        Column("is_directory", Sql.BOOL, "Record of the file is a directory"),
        Column("namespace", Sql.U8, "0 POSIX, 1 Win32, 2 DOS (8.3), 3 Win32 and DOS"),
        Column("parent_record", Sql.U64, "Record number of the directory"),
        Column(
            "parent_sequence", Sql.U16, "Sequence number of the directory when the name was made"
        ),
        Column("name_lossy", Sql.BOOL, "Name holds UTF-16 that is no text, shown as U+FFFD"),
        Column("fn_allocated_bytes", Sql.U64, "Allocated size in $FILE_NAME (often stale)"),
        Column("fn_size_bytes", Sql.U64, "Size in $FILE_NAME (often stale)"),
        Column("fn_flags", Sql.U32, "File attributes in $FILE_NAME; 0x10000000 directory"),
        _STORED_IN,
        _OFFSET,
    ),
    address="record_offset",
    time="fn_created_utc",
)

MFT_STREAM = Table(
    "mft_stream",
    "$DATA attributes: the main stream of a file (name empty) and its named streams",
    (
        _RECORD,
        _SEQUENCE,
        Column("stream", Sql.TEXT, "Name of the stream; empty: the file's content"),
        Column("size_bytes", Sql.I64, "Size of the stream; NULL: stated size is no size"),
        Column("allocated_bytes", Sql.I64, "Allocated size; resident: size rounded up to 8"),
        Column("resident", Sql.BOOL, "Content lies in the $MFT itself"),
        Column("stream_flags", Sql.U16, "1 compressed, 0x4000 encrypted, 0x8000 sparse"),
        Column("content", Sql.BLOB, "Content of named resident streams of up to 4,096 bytes"),
        _STORED_IN,
        _OFFSET,
    ),
    address="record_offset",
)

ZONE_IDENTIFIER = Table(
    "zone_identifier",
    "Streams named Zone.Identifier: the Mark-of-the-Web",
    (
        _RECORD,
        _SEQUENCE,
        Column(
            "si_created_utc", Sql.TIME, f"$STANDARD_INFORMATION of the file: created, {_FILETIME}"
        ),
        Column(
            "si_mft_changed_utc",
            Sql.TIME,
            f"$STANDARD_INFORMATION of the file: record changed, {_FILETIME}",
        ),
        Column(
            "path",
            Sql.TEXT,
            "Path of the marked file: its first name that is not 8.3; NULL: none known",
        ),
        _IN_USE,
        Column(
            "zone_id",
            Sql.I32,
            "0 local, 1 intranet, 2 trusted, 3 Internet, 4 restricted; NULL: marked, unknown",
        ),
        Column("zone_raw", Sql.TEXT, "ZoneId as written"),
        Column(
            "host_url",
            Sql.TEXT,
            "HostUrl: source of the bytes; about:internet: hidden, absent or too long",
        ),
        Column(
            "referrer_url",
            Sql.TEXT,
            "ReferrerUrl: page, or path of the archive the file came out of",
        ),
        Column("host_ip_address", Sql.TEXT, "HostIpAddress (old Edge)"),
        Column(
            "last_writer_package_family_name",
            Sql.TEXT,
            "LastWriterPackageFamilyName: last packaged writer",
        ),
        Column("app_zone_id", Sql.TEXT, "AppZoneId or AppDefinedZoneId: a hint, never the zone"),
        Column("text", Sql.TEXT, "Decoded text; NULL: content not in the $MFT"),
        Column(
            "encoding",
            Sql.TEXT,
            "How the text was decoded: utf-8, utf-8-sig, utf-16-le, utf-16-be, cp1252",
        ),
        Column(
            "remarks", Sql.TEXT, "What is unusual about the stream, joined by '; '; NULL: nothing"
        ),
        Column("other_keys", Sql.TEXT, "JSON object of keys that have no column; NULL: none"),
        Column("md5", Sql.TEXT, "MD5 of the stream, lower-case hex; NULL: content not in the $MFT"),
        Column(
            "sha256",
            Sql.TEXT,
            "SHA-256 of the stream, lower-case hex; NULL: content not in the $MFT",
        ),
        Column("size_bytes", Sql.I64, "Size of the stream"),
        Column("resident", Sql.BOOL, "Content lies in the $MFT itself"),
        Column(
            "origin",
            Sql.TEXT,
            "attribute: the file has this mark; slack: found behind the record's attributes, "
            "removed from this file or left by an earlier one in the same record",
        ),
        _STORED_IN,
        _OFFSET,
    ),
    address="record_offset",
    time="si_mft_changed_utc",
    moments=(
        Moment(
            "si_mft_changed_utc",
            "mark",
            "concat(path, ' zone ' || zone_id, ' from ' || host_url, ' referrer ' || referrer_url,"
            " CASE WHEN origin = 'slack' THEN ' [found in slack]' ELSE '' END)",
        ),
    ),
)

MFT_SLACK_NAME = Table(
    "mft_slack_name",
    "Names of images and links in the slack of $MFT records: what is left of files that are gone",
    (
        *(
            Column(
                f"{time}_utc",
                Sql.TIME,
                f"$FILE_NAME of the name, {time.replace('_', ' ')}, UTC, 100 ns",
            )
            for time in ("created", "modified", "mft_changed", "accessed")
        ),
        Column("name", Sql.TEXT, "Name of the file"),
        Column("name_class", Sql.TEXT, "image or link by the name's extension"),
        Column("size_bytes", Sql.U64, "Size of the file when the name was written"),
        Column("allocated_bytes", Sql.U64, "Allocated size then"),
        Column(
            "file_attributes", Sql.TEXT, "FILE_ATTRIBUTE_* flags without the prefix, joined by |"
        ),
        Column("namespace", Sql.U8, "0 POSIX, 1 Win32, 2 DOS (8.3), 3 Win32 and DOS"),
        Column("parent_record", Sql.U64, "Record number of the folder; NULL: overwritten"),
        Column("parent_sequence", Sql.U16, "Sequence number of that record"),
        Column(
            "stored_in",
            Sql.U64,
            "Record whose slack holds the name: an earlier file in it, an earlier name of its file, or an entry of "
            "the index of a small folder",
        ),
        Column("stored_in_sequence", Sql.U16, "Sequence number of that record"),
        Column("offset", Sql.I64, "Byte offset of the $FILE_NAME in the $MFT"),
    ),
    address="offset",
    moments=(
        Moment(
            "created_utc",
            "mft_slack_created",
            "concat(name, ': created (name left in the slack of $MFT record ', stored_in, ')')",
            "namespace <> 2",
        ),
        Moment(
            "modified_utc",
            "mft_slack_modified",
            "concat(name, ': modified (name left in the slack of $MFT record ', stored_in, ')')",
            "namespace <> 2 AND modified_utc IS DISTINCT FROM created_utc",
        ),
    ),
)

TABLES: tuple[Table, ...] = (MFT_ENTRY, MFT_NAME, MFT_STREAM, ZONE_IDENTIFIER, MFT_SLACK_NAME)
