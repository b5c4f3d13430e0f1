"""Table of the BITS parser."""

from parsers.contract import Column, Moment, Sql, Table

_WHAT = "concat_ws(' ', remote_url, '->', local_path, 'job', job_name, '[' || state || ']')"

BITS_TRANSFER = Table(
    "bits_transfer",
    "Files of jobs in the queue of the Background Intelligent Transfer Service: what was fetched from where, as whom. "
    "Jobs leave the queue when they are completed or cancelled; what is found is open, forgotten or a remnant",
    (
        Column("job_id", Sql.TEXT, "GUID of the job, lower case; NULL: a file whose job is not in the queue"),
        Column("job_created_utc", Sql.TIME, "Job created, UTC"),
        Column("job_modified_utc", Sql.TIME, "Job last changed, UTC"),
        Column("file_utc", Sql.TIME, "Time in the file's own record (qmgr.db), about its creation by published analyses, UTC"),
        Column("remote_url", Sql.TEXT, "Source of the file (of an upload: its target)"),
        Column("local_path", Sql.TEXT, "Path the file gets"),
        Column("temporary_path", Sql.TEXT, "Path it has until the job is completed"),
        Column("received_bytes", Sql.U64, "Bytes transferred so far"),
        Column("total_bytes", Sql.U64, "Bytes in all; NULL: not known yet"),
        Column("drive", Sql.TEXT, "Root of the volume of the local path"),
        Column("volume_path", Sql.TEXT, r"Volume GUID path of that volume (\\?\Volume{...}\)"),
        Column("job_type", Sql.TEXT, "download, upload, upload_reply, else the number"),
        Column("priority", Sql.TEXT, "foreground, high, normal, low, else the number"),
        Column("state", Sql.TEXT, "queued, connecting, transferring, suspended, error, transient_error, transferred, acknowledged, cancelled, else the number"),
        Column("job_name", Sql.TEXT, "Name of the job"),
        Column("description", Sql.TEXT, "Description of the job"),
        Column("notify_command", Sql.TEXT, "Program started when the job ends"),
        Column("notify_arguments", Sql.TEXT, "Its arguments"),
        Column("owner_sid", Sql.TEXT, "SID of the owner"),
        Column("is_remnant", Sql.BOOL, "Behind or between what the queue lists: a job or file that was taken out"),
        Column("database_table", Sql.TEXT, "Table of qmgr.db; NULL: a qmgr.dat"),
        Column("record_number", Sql.I64, "Record of that table, from 0"),
        Column("offset", Sql.I64, "Byte offset of the file's record (of the job's, where it has none) in qmgr.dat, or in the record's blob"),
    ),
    address="offset",
    time="job_created_utc",
    moments=(
        Moment("job_created_utc", "bits_job_created", _WHAT),
        Moment("job_modified_utc", "bits_job_modified", _WHAT),
        Moment("file_utc", "bits_file", "concat_ws(' ', remote_url, '->', local_path)"),
    ),
)  # fmt: skip

TABLES = (BITS_TRANSFER,)
