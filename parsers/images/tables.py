"""Tables of what lies inside disk images."""

from parsers.contract import Column, Sql, Table

_VOLUME_NO = "Number of the volume in its image (image_volume.volume_number)"
_CONTAINER = "Path of the image inside the image that holds this; NULL: the image itself"

IMAGE_CONTENT = Table(
    "image_content",
    "Files inside disk images that were found in the evidence; their times are those that the image's maker set. Left out: files of NTFS itself ($MFT and the like)",
    (
        Column(
            "path", Sql.TEXT, "Path below the root of the image, backslashes, without a leading one"
        ),
        Column("name", Sql.TEXT, "Name of the file or folder"),
        Column("container_path", Sql.TEXT, _CONTAINER),
        Column("is_directory", Sql.BOOL, "It is a folder"),
        Column(
            "shown",
            Sql.BOOL,
            "Windows lists it under the letter; false: deleted, or only in a namespace that Windows does not take",
        ),
        Column("hidden", Sql.BOOL, "Hidden flag of the directory record"),
        Column("system", Sql.BOOL, "System flag; NULL: the file system has none (ISO 9660)"),
        Column(
            "read_only", Sql.BOOL, "Read-only flag; NULL: the file system has none (ISO 9660, UDF)"
        ),
        Column("deleted", Sql.BOOL, "The record says deleted; the content may be another's"),
        Column("size_bytes", Sql.I64, "Length of the file"),
        Column(
            "recorded_utc",
            Sql.TIME,
            "Time in the directory record, UTC by its own offset; set by the image's maker",
        ),
        Column("created_utc", Sql.TIME, "Creation, UTC; Rock Ridge, UDF, exFAT, NTFS"),
        Column("modified_utc", Sql.TIME, "Last change of the content, UTC"),
        Column("accessed_utc", Sql.TIME, "Last access, UTC"),
        Column("changed_utc", Sql.TIME, "Last change of the record, UTC"),
        Column("created_local", Sql.TIME, "Creation where no zone is known (FAT): LOCAL time"),
        Column("modified_local", Sql.TIME, "Last change where no zone is known: LOCAL time"),
        Column("accessed_local", Sql.TIME, "Last access where no zone is known: LOCAL time"),
        Column("zone_minutes", Sql.I32, "Offset from UTC in the record, minutes; already applied"),
        Column(
            "md5",
            Sql.TEXT,
            "MD5 of the content, upper-case hex; NULL: not all of it is in the image",
        ),
        Column("sha1", Sql.TEXT, "SHA-1 of the content"),
        Column("sha256", Sql.TEXT, "SHA-256 of the content"),
        Column(
            "content_type",
            Sql.TEXT,
            "By its first bytes, not its name: pe, lnk, zip, ole, iso, ...; NULL: none of the known",
        ),
        Column("pe_machine", Sql.TEXT, "Machine of the PE header: x86, x64, arm64 or hex"),
        Column("pe_is_dll", Sql.BOOL, "The PE header says DLL"),
        Column("lnk_target", Sql.TEXT, "Target of a shortcut, as it says; not resolved"),
        Column("lnk_arguments", Sql.TEXT, "Arguments of a shortcut"),
        Column("lnk_working_directory", Sql.TEXT, "Working directory of a shortcut"),
        Column("zone_id", Sql.I32, "ZoneId of the file's own Zone.Identifier inside the image"),
        Column("zone_referrer_url", Sql.TEXT, "ReferrerUrl of it"),
        Column("zone_host_url", Sql.TEXT, "HostUrl of it"),
        Column("short_name", Sql.TEXT, "8.3 name beside a long one (FAT, NTFS)"),
        Column("unix_name", Sql.TEXT, "Rock Ridge name, which Windows does not show"),
        Column("unix_mode", Sql.U32, "POSIX mode of Rock Ridge"),
        Column("volume_label", Sql.TEXT, "Label of the volume as Windows shows it"),
        Column("volume_serial", Sql.TEXT, "Serial of the volume as Windows shows it, XXXX-XXXX"),
        Column(
            "name_form",
            Sql.TEXT,
            "Which names were read: joliet, iso9660, iso9660_1999, udf, fat, exfat, ntfs",
        ),
        Column("volume_number", Sql.U32, _VOLUME_NO),
        Column("remarks", Sql.TEXT, "What is odd about the entry or its name, joined by ;"),
        Column(
            "extent_offset",
            Sql.I64,
            "Byte offset of the content in the image (of a virtual disk: in the disk it holds)",
        ),
        Column(
            "record_offset",
            Sql.I64,
            "Byte offset of the directory record in the image (of a virtual disk: in the disk it holds)",
        ),
    ),
    address="record_offset",
)

IMAGE_VOLUME = Table(
    "image_volume",
    "Volumes inside disk images: one row per volume, and per namespace where a disc has several of the same files",
    (
        Column("volume_number", Sql.U32, "Number of the row in its image, from 1"),
        Column("container_path", Sql.TEXT, _CONTAINER),
        Column("filesystem", Sql.TEXT, "CDFS, UDF, NTFS, FAT12, FAT16, FAT32, exFAT"),
        Column("revision", Sql.TEXT, "Joliet, ISO 9660 or the UDF revision"),
        Column("name_form", Sql.TEXT, "Key of image_content.name_form"),
        Column(
            "mounted",
            Sql.BOOL,
            "The namespace that Windows takes: UDF before Joliet before ISO 9660",
        ),
        Column("label", Sql.TEXT, "Label as Windows shows it"),
        Column("serial", Sql.TEXT, "Serial, XXXX-XXXX"),
        Column("serial_basis", Sql.TEXT, "How the serial was got"),
        Column("created_utc", Sql.TIME, "Creation of the volume as it says, UTC"),
        Column("created_local", Sql.TIME, "The same where it names no zone: LOCAL time"),
        Column("modified_utc", Sql.TIME, "Modification of the volume as it says, UTC"),
        Column("application", Sql.TEXT, "Application that made it, as it says"),
        Column("publisher", Sql.TEXT, "Publisher, as it says"),
        Column("preparer", Sql.TEXT, "Data preparer, as it says"),
        Column("system", Sql.TEXT, "System or implementation, as it says"),
        Column("volume_set", Sql.TEXT, "Volume set"),
        Column("partition_guid", Sql.TEXT, "Partition GUID, which is the volume GUID on GPT disks"),
        Column("file_count", Sql.U32, "Files listed"),
        Column("directory_count", Sql.U32, "Folders listed"),
        Column("size_bytes", Sql.I64, "Size of the volume as it says"),
        Column("boot_catalog_offset", Sql.I64, "Byte offset of the El Torito boot catalog"),
        Column("boot_images", Sql.TEXT, "Boot images of the catalog, joined by ;"),
        Column("remarks", Sql.TEXT, "What is odd about the volume, joined by ;"),
        Column("volume_offset", Sql.I64, "Byte offset of the descriptor or boot sector"),
    ),
    address="volume_offset",
)
