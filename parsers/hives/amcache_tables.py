"""Tables that Amcache.hve fills."""

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.rows import PROVENANCE

_KEY_TIME = Column(
    "key_last_write_utc",
    Sql.TIME,
    "Last write of the entry's key, UTC: mostly the inventory run that found it; not a time of running",
)
_REST = tuple(c for c in PROVENANCE if c.name != _KEY_TIME.name)

AMCACHE_FILE = Table(
    "amcache_file",
    "Programs in the application inventory; presence is not a run",
    (
        Column("path", Sql.TEXT, "Full path, lower case in the newer format, as stored"),
        Column("sha1", Sql.TEXT, "SHA-1 of the first 31,457,280 bytes of the file, upper-case hex; NULL where not stored"),
        _KEY_TIME,
        Column("file_modified_utc", Sql.TIME, "Modification time of the file, UTC (older format only)"),
        Column("file_created_utc", Sql.TIME, "Creation time of the file, UTC (older format only)"),
        Column("link_date_utc", Sql.TIME, "Time stamp in the program's header, UTC; set by its maker, may be any"),
        Column("name", Sql.TEXT, "Name of the file"),
        Column("original_name", Sql.TEXT, "Original name from the version resource"),
        Column("size_bytes", Sql.U64, "Size of the file"),
        Column("publisher", Sql.TEXT, "Publisher from the version resource"),
        Column("product_name", Sql.TEXT, "Product name from the version resource"),
        Column("product_version", Sql.TEXT, "Product version from the version resource"),
        Column("file_version", Sql.TEXT, "File version from the version resource"),
        Column("binary_type", Sql.TEXT, "pe32_i386, pe64_amd64, pe32_clr_il, ..."),
        Column("program_id", Sql.TEXT, "Program the file belongs to (amcache_program.program_id)"),
        Column("usn", Sql.U64, "Number of the file's record in the change journal"),
        Column("volume_guid", Sql.TEXT, "Volume the file lies on, lower case, without braces (older format only)"),
        Column("file_reference", Sql.TEXT, "MFT reference, hex: sequence then record (older format only)"),
        *_REST,
    ),
    address="offset",
    time="key_last_write_utc",
    moments=(
        Moment("key_last_write_utc", "amcache_file_written", "concat_ws(' ', path, 'in the inventory', sha1)"),
    ),
)  # fmt: skip

AMCACHE_PROGRAM = Table(
    "amcache_program",
    "Installed programs in the application inventory",
    (
        Column("name", Sql.TEXT, "Name of the program"),
        _KEY_TIME,
        Column("install_date", Sql.TEXT, "Install date, YYYY-MM-DD HH:MM:SS, as the inventory has it; zone not said"),
        Column("version", Sql.TEXT, "Version of the program, as stored"),
        Column("publisher", Sql.TEXT, "Publisher of the program, as stored"),
        Column("source", Sql.TEXT, "Msi, AddRemoveProgram, AppxPackage, File, ..."),
        Column("root_dir", Sql.TEXT, "Folder of the program"),
        Column("uninstall", Sql.TEXT, "Command that removes it"),
        Column("program_id", Sql.TEXT, "Id of the program"),
        *_REST,
    ),
    address="offset",
    time="key_last_write_utc",
    moments=(
        Moment("key_last_write_utc", "amcache_program_written", "concat_ws(' ', name, version, publisher)"),
    ),
)  # fmt: skip

AMCACHE_DRIVER = Table(
    "amcache_driver",
    "Drivers in the inventory",
    (
        Column("path", Sql.TEXT, "Path of the driver, as stored (the name of the key)"),
        Column("sha1", Sql.TEXT, "SHA-1 of the file, upper-case hex; NULL where not stored"),
        _KEY_TIME,
        Column("link_date_utc", Sql.TIME, "Time stamp in the driver's header, UTC; a hash in reproducible builds"),
        Column("name", Sql.TEXT, "Name of the file"),
        Column("service", Sql.TEXT, "Service of the driver"),
        Column("company", Sql.TEXT, "Company from the version resource"),
        Column("product", Sql.TEXT, "Product from the version resource"),
        Column("version", Sql.TEXT, "Driver version"),
        Column("signed", Sql.BOOL, "Signed, by the inventory"),
        Column("in_box", Sql.BOOL, "Came with Windows"),
        *_REST,
    ),
    address="offset",
    time="key_last_write_utc",
    moments=(
        Moment("key_last_write_utc", "amcache_driver_written", "concat_ws(' ', path, sha1)"),
    ),
)  # fmt: skip

AMCACHE_DEVICE = Table(
    "amcache_device",
    "Devices in the inventory; days only, of the host's own clock",
    (
        Column("device_id", Sql.TEXT, "Device as in Enum, with backslashes, lower case"),
        _KEY_TIME,
        Column("install_date", Sql.TEXT, "Install date, YYYY-MM-DD, zone not said"),
        Column("first_install_date", Sql.TEXT, "First install date, YYYY-MM-DD, zone not said"),
        Column("description", Sql.TEXT, "Description of the device, as stored"),
        Column("model", Sql.TEXT, "Model as stored: the name shown to users"),
        Column("manufacturer", Sql.TEXT, "Manufacturer, as the driver gives it"),
        Column("device_class", Sql.TEXT, "Setup class (cdrom, diskdrive, ...)"),
        Column("hardware_ids", Sql.TEXT, "Hardware ids, as stored"),
        Column("container_id", Sql.TEXT, "Container GUID, as stored"),
        Column("parent_id", Sql.TEXT, "Device above, as stored"),
        *_REST,
    ),
    address="offset",
    time="key_last_write_utc",
    moments=(
        Moment(
            "key_last_write_utc",
            "amcache_device_written",
            "concat_ws(' ', device_id, coalesce(model, description))",
            "starts_with(device_id, 'scsi') OR starts_with(device_id, 'usbstor')",
        ),
    ),
)  # fmt: skip
