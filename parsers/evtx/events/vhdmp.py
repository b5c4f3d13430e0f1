"""Microsoft-Windows-VHDMP: virtual disks and images opened, surfaced, closed.

One table for all ids, read by field name: the event version is 0 in every build while the shape changed
(manifests of Windows 7 to 11 26H1). Both channel names occur: Microsoft-Windows-VHDMP/Operational and
Microsoft-Windows-VHDMP-Operational.
"""

from parsers.evtx.events.spec import EventTable, Field, Form

TABLES = (
    EventTable(
        "vhdmp",
        "VHDMP: an image or virtual disk was opened (12), surfaced (1), unsurfaced (2), ...",
        "Microsoft-Windows-VHDMP",
        (
            *range(1, 6),
            *range(11, 37),
            50,
            51,
            *range(300, 305),
        ),
        (
            Field("Status", "NTSTATUS of the operation, 0 = success", Form.INT),
            Field(
                "VhdFileName",
                "Image as the caller typed it; may carry \\\\?\\",
                column_name="vhd_file",
                aliases=("VhdFile",),
                alias_events=(12, 13, 300, 301),
            ),
            Field(
                "VhdDiskNumber", "Disk number; of an optical image n of \\Device\\CdRomN", Form.INT
            ),
            Field("VmId", "Virtual machine; zeros: the host itself"),
            Field("VhdType", "0 undefined, 1 VHD, 2 VHDX, 3 ISO (and IMG), 4 VHD set", Form.INT),
            Field(
                "Version", "Version of the open parameters", Form.INT, column_name="open_version"
            ),
            Field("Flags", "Open flags", Form.INT),
            Field(
                "AccessMask",
                "0x10000 attach read-only, 0x20000 attach, 0x40000 detach, 0x80000 get info",
                Form.INT,
            ),
            Field("WriteDepth", "Differencing levels opened for writing", Form.INT),
            Field("GetInfoOnly", "Opened for information only (counts in version 2)", Form.BOOL),
            Field("ReadOnly", "Opened read-only (counts in version 2)", Form.BOOL),
            Field("HandleContext", "Kernel pointer of the handle; 0 where hidden", Form.HEX),
            Field("VirtualDisk", "Kernel pointer of the disk object; 0 where hidden", Form.HEX),
            Field("FileObject", "Kernel pointer of the file object; 0 where hidden", Form.HEX),
            Field("DesiredAccess", "Access asked for the image file", Form.INT),
            Field("VhdInstanceId", "Instance of the virtual disk"),
            Field("VhdMetaOps", "Operation: Create, Merge, ..."),
            Field("TargetVhdFileName", "Target of the operation"),
            Field("VhdIoType", "Kind of I/O that failed", Form.INT),
        ),
    ),
)
