"""Builds text logs as Windows writes them: setupapi.dev.log, MPLog, PCA. Plain text, no parser's code."""

DVD = r"SCSI\CdRom&Ven_Msft&Prod_Virtual_DVD-ROM\2&1f4adffe&0&000001"
DISK = r"SCSI\Disk&Ven_Msft&Prod_Virtual_Disk\2&1f4adffe&0&000002"
GUEST = r"SCSI\CdRom&Ven_Msft&Prod_Virtual_DVD-ROM\000006"


def setupapi(*devices: str, closed: bool = True) -> str:
    """A log with one hardware-initiated installation per device, ten seconds apart."""
    out = "[Device Install Log]\r\n     OS Version = 10.0.19045\r\n\r\n[BeginLog]\r\n\r\n"
    out += "[Boot Session: 2024/03/05 08:00:00.500]\r\n\r\n"
    for n, device in enumerate(devices):
        out += (
            f">>>  [Device Install (Hardware initiated) - {device}]\r\n"
            f">>>  Section start 2024/03/05 12:30:{n}0.123\r\n"
            "      cmd: C:\\Windows\\explorer.exe\r\n"
            "     dvi:      Install Device: Configuring device (cdrom.inf:GenCdRom,cdrom_install). 12:30:01.100\r\n"
        )
        if closed:
            out += (
                f"<<<  Section end 2024/03/05 12:30:{n}1.456\r\n<<<  [Exit status: SUCCESS]\r\n\r\n"
            )
    return out


MPLOG = "\r\n".join(
    (
        "",
        "Microsoft Defender Antivirus (77BDAF73-B396-481F-9042-AD358843EC24) Service Log",
        "Started On 03-05-2024 12:00:00",
        r"2024-03-05T11:30:00.123Z [Mini-filter] First scan on a volume: \Device\CdRom1\setup.exe",
        r"2024-03-05T11:30:01.000Z OnMountDetection for \Device\CdRom1 ...",
        r"2024-03-05T11:30:02.000Z Issuing SDN query for E:\a b.dll (\Device\CdRom1\a b.dll)",
        r"2024-03-05T11:30:03.000Z [MpRtp] Engine VFZ block: \Device\CdRom1\a.dll. status=0x8070022, statusex=0x2",
        r"2024-03-05T11:30:04.000Z [Mini-filter] Blocked file: \Device\CdRom1\a.dll. Process: \Device\X\cmd.exe, Status: 0x0",
        r"2024-03-05T11:30:05.000Z DETECTIONEVENT MPSOURCE_REALTIME Trojan:Win32/A containerfile:C:\x.iso;file:C:\x.iso->a.dll;",
        r"2024-03-05T11:30:06.000Z ProcessImageName: setup.exe, Pid: 6532, TotalTime: 1, Count: 2, MaxTime: 3,"
        r" MaxTimeFile: \Device\CdRom1\a, b.dll, EstimatedImpact: 65%",
        "Begin Resource Scan",
        "Scan ID:{A}",
        "Start Time:03-05-2024 12:30:07",
        "Threat Name:Trojan:Win32/A",
        "Resource Schema:file",
        r"Resource Path:C:\x.iso->a.dll",
        "End Scan",
        "BEGIN BM telemetry",
        "ProcessID:4711",
        "ProcessCreationTime:133541118000000001",
        "CreationTime:03-05-2024 12:30:08",
        r"ImagePath:E:\setup.exe",
        "END BM telemetry",
        r"Action remove successful on file:\\?\C:\Program Files (x86)\x (1).iso",
        "2024-03-05T11:30:09.000Z [Cloud] nothing to see",
        r"2024-03-05T11:30:10.000Z [RTP] [Mini-filter] Blocked file(#7): \Device\CdRom1\b.dll. Process: cmd.exe, Status: 0x0",
        r"2024-03-05T11:30:11.000Z SDN:Issuing SDN query for E:\c (1).dll (\Device\CdRom1\c (1).dll)"
        f" (sha1={'ab' * 20}, sha2={'cd' * 32})",
        r"2024-03-05T11:30:12.000Z Engine:command line reported as lowfi: C:\Windows\reg.exe(reg add (x))",
        r'2024-03-05T11:30:13.000Z Engine:Setting original file name "psexec.c" for "e:\svc.exe", hr=0x0',
        "2024-03-05T11:30:14.000Z Engine:EMS detection: HackTool:Win64/A!!A, sigseq=0x1, pid=6108",
        r"2024-03-05T11:30:15.000Z DETECTION_ADD#1 HackTool:Win32/A file:E:\t.exe PropBag [length: 0, data: (null)]",
        "2024-03-05T11:30:16.000Z DETECTION_ADD Behavior:Win32/A process:pid:79,ProcessStart:133541118000000001",
        r"2024-03-05T11:30:17.000Z DETECTION_CLEANEVENT MPSOURCE_REALTIME MP_THREAT_ACTION_QUARANTINE 0x8 T:W/A file:E:\t.exe;",
        "Beginning threat actions",
        "Start time:03-05-2024 12:30:18",
        "Threat Name:HackTool:Win32/A",
        "Action:quarantine",
        "Resource action complete:Quarantine",
        r"Path:\\?\E:\t.exe",
        "Finished threat actions",
        r"2024-03-05T12:30:19.000+01:00 Filter caching disabled for \Device\CdRom1\p.exe (runtime MpDisableCaching from 0x0)",
        "",
    )
)

PCA_LAUNCH = "E:\\setup.exe|2024-03-05 11:30:00.123\nC:\\é\\b.exe|2024-03-05 11:30:01.000"
PCA_EVENT = "2024-03-05 11:30:00.123|2|\\program files\\x\\y.exe|y|the y team|1.2|0006abc|Abnormal process exit with code 0x1\n"
