"""Tables of the prefetch parser."""

from parsers.contract import Column, Moment, Sql, Table

_OFFSET = Column(
    "offset", Sql.I64, "Byte offset inside the file, of a compressed file inside what it unpacks to"
)
_PF_PATH = Column("pf_path", Sql.TEXT, "Path of the .pf file on Windows, else its name")
_NAME_HASH = Column("name_hash", Sql.TEXT, "Hash of the head, 8 hexadecimal digits")
_PROGRAM = (
    Column("executable_name", Sql.TEXT, "Program as the head names it, cut to 29 characters"),
    Column(
        "own_path",
        Sql.TEXT,
        r"Program's path as the list of files spells it: \VOLUME{time-serial}\... or \DEVICE\...",
    ),
    Column(
        "own_device_path",
        Sql.TEXT,
        r"Program's device path (\DEVICE\CDROM0\...): recorded or found by the name hash; valid for that boot",
    ),
)

PREFETCH = Table(
    "prefetch",
    "Prefetch files: that a program ran, how often, from which path",
    (
        *_PROGRAM,
        Column("last_run_utc", Sql.TIME, "Latest of the run times, UTC"),
        Column("run_count", Sql.U32, "Runs counted"),
        Column("run_times", Sql.U8, "Run times kept: one up to version 23, eight from 26 on"),
        _NAME_HASH,
        Column("file_name_hash", Sql.TEXT, "Hash in the name of the .pf file"),
        Column("hash_agrees", Sql.BOOL, "Whether the two hashes are equal; NULL: none in the name"),
        Column(
            "hash_matches_path",
            Sql.BOOL,
            "Whether the hash is that of the own path; NULL: cannot be tested",
        ),
        Column("hash_basis", Sql.TEXT, "What the own path and the test of the hash rest on"),
        Column(
            "hash_remainder",
            Sql.TEXT,
            "Hash less that of the recorded path; of a hosting program the hash of its command line",
        ),
        Column("command_line", Sql.TEXT, "Command line, where a known one gives the hash"),
        Column("is_hosting", Sql.BOOL, "Whether the hash holds the command line (rundll32 ...)"),
        Column(
            "own_volume_serial", Sql.TEXT, "Serial of the own path's volume, as Windows shows it"
        ),
        Column("own_volume_created_utc", Sql.TIME, "Creation of that volume, UTC; NULL: optical"),
        Column(
            "volumes",
            Sql.TEXT,
            "Volumes: device path, serial, and whether a creation time lacks; parted by '; '",
        ),
        Column("volume_count", Sql.U32, "Volumes"),
        Column("file_count", Sql.U32, "Files in the list"),
        Column("format_version", Sql.U8, "17 XP, 23 Vista and 7, 26 8.1, 30 10 and 11, 31 11"),
        Column("is_compressed", Sql.BOOL, "Whether the file is in a MAM container"),
        Column("is_whole", Sql.BOOL, "False: damaged, read as far as it goes"),
        _PF_PATH,
        _OFFSET,
    ),
    address="offset",
    time="last_run_utc",
)
PREFETCH_RUN = Table(
    "prefetch_run",
    "Run times of prefetch files, one row each",
    (
        *_PROGRAM,
        _NAME_HASH,
        Column("run_utc", Sql.TIME, "Start of the program, UTC"),
        Column("run_index", Sql.U8, "Place in the file, from 0: the latest first"),
        Column("run_count", Sql.U32, "Runs counted by the file"),
        _PF_PATH,
        _OFFSET,
    ),
    address="offset",
    time="run_utc",
    moments=(
        Moment(
            "run_utc",
            "prefetch_run",
            "concat(coalesce(own_device_path, own_path, executable_name), ' ran (prefetch)')",
        ),
    ),
)
PREFETCH_FILE = Table(
    "prefetch_file",
    "Files that programs loaded in their first ten seconds, by prefetch",
    (
        _PROGRAM[0],
        _NAME_HASH,
        Column("path", Sql.TEXT, "Path as the file spells it"),
        Column("volume_device_path", Sql.TEXT, "Volume of the file's own list that it is on"),
        Column("volume_serial", Sql.TEXT, "Serial of that volume, as Windows shows it"),
        Column("is_own", Sql.BOOL, "Whether it is the program itself"),
        Column("mft_entry", Sql.U64, "Record number in the $MFT; NULL: not recorded"),
        Column("mft_sequence", Sql.U16, "Sequence number of that record"),
        Column("flags", Sql.U32, "Flags of the file metric, as stored"),
        _PF_PATH,
        _OFFSET,
    ),
    address="offset",
)
PREFETCH_VOLUME = Table(
    "prefetch_volume",
    "Volumes that prefetch files name",
    (
        _PROGRAM[0],
        _NAME_HASH,
        Column("device_path", Sql.TEXT, r"\VOLUME{time-serial} or \DEVICE\HARDDISKVOLUMEn"),
        Column("serial", Sql.TEXT, "Volume serial number, as Windows shows it: XXXX-XXXX"),
        Column("created_utc", Sql.TIME, "Creation of the volume, UTC; NULL: 0, as on optical ones"),
        Column("directory_count", Sql.U32, "Directories listed for it"),
        Column("is_own", Sql.BOOL, "Whether the program itself is on it"),
        _PF_PATH,
        _OFFSET,
    ),
    address="offset",
)
TABLES = (PREFETCH, PREFETCH_RUN, PREFETCH_FILE, PREFETCH_VOLUME)
