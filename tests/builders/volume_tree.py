"""The system volume of a bundled host: an $MFT with the usual folders, and files of the story."""

from datetime import datetime, timedelta

from tests.builders.mft import MftBuilder, Times

PROGRAMS = (
    "Windows\\explorer.exe",
    "Windows\\System32\\cmd.exe",
    "Windows\\System32\\conhost.exe",
    "Windows\\System32\\rundll32.exe",
    "Windows\\System32\\svchost.exe",
    "Windows\\System32\\msiexec.exe",
    "Windows\\System32\\notepad.exe",
    "Windows\\System32\\whoami.exe",
    "Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE",
    "Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE",
    "Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE",
    "Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
)
USER_FOLDERS = (
    "Desktop",
    "Documents",
    "Downloads",
    "Pictures",
    "AppData\\Local\\Temp",
    "AppData\\Roaming\\Microsoft\\Windows\\Recent",
)


def system_volume(installed: datetime, user: str) -> MftBuilder:
    """Folders and programs as of the installation, and a user with some older documents."""
    mft = MftBuilder(created_utc=installed)
    for i, path in enumerate(PROGRAMS):
        mft.add_file(path, Times.all(installed + timedelta(seconds=i)), size=40_000 + 977 * i)
    for folder in USER_FOLDERS:
        mft.add_directory(f"Users\\{user}\\{folder}", installed + timedelta(days=1))
    for i in range(40):
        made = installed + timedelta(days=3 + 2 * i, seconds=613 * i)
        changed = made + timedelta(days=1, minutes=i)
        kind, ending = (("Budget", "xlsx"), ("Letter", "docx"), ("notes", "txt"))[i % 3]
        mft.add_file(
            f"Users\\{user}\\Documents\\{kind} {i}.{ending}",
            Times(made, changed, changed, changed),
            size=9_000 + 311 * i,
        )
    return mft


def zone_identifier(referrer: str, url: str, zone: int = 3) -> bytes:
    """The stream as Chromium browsers write it: ZoneId, ReferrerUrl, HostUrl, CRLF after each."""
    return f"[ZoneTransfer]\r\nZoneId={zone}\r\nReferrerUrl={referrer}\r\nHostUrl={url}\r\n".encode(
        "ascii"
    )
