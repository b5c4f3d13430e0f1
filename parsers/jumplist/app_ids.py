"""Names of the applications that jump lists belong to.

The name of the file is a CRC-64 of the application's model id (upper case, UTF-16LE): so the list
here holds model ids, and the numbers are computed.
"""

from functools import cache

_POLYNOMIAL = 0x92C64265D32139A4
_START = 0xFFFFFFFFFFFFFFFF
_SYSTEM = "{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}"
_SYSTEM_X86 = "{D65231B0-B2F1-4857-A4CE-A8E7C6EA7D27}"
_PROGRAMS = "{6D809377-6AF0-444B-8957-A3773F02200E}"
_PROGRAMS_X86 = "{7C5A40EF-A0FB-4BFC-874A-C0F2E0B9FA8E}"
_WINDOWS = "{F38BF404-1D43-42F2-9305-67DE0B28FC23}"

MODEL_IDS = {
    "Microsoft.Windows.Explorer": "Explorer",
    f"{_WINDOWS}\\explorer.exe": "Explorer (Windows 7)",
    "Microsoft.Windows.ControlPanel": "Control Panel",
    "Microsoft.Windows.RemoteDesktop": "Remote Desktop",
    "Microsoft.InternetExplorer.Default": "Internet Explorer",
    "Microsoft.Windows.MediaPlayer32": "Windows Media Player",
    "Chrome": "Chrome",
    "MSEdge": "Edge",
    "Microsoft.MicrosoftEdge_8wekyb3d8bbwe!MicrosoftEdge": "Edge (before Chromium)",
    "308046B0AF4A39CB": "Firefox",
    "E7CF176E110C211B": "Firefox (32-bit)",
    "Microsoft.Office.WINWORD.EXE.15": "Word",
    "Microsoft.Office.EXCEL.EXE.15": "Excel",
    "Microsoft.Office.POWERPNT.EXE.15": "PowerPoint",
    "Microsoft.Office.OUTLOOK.EXE.15": "Outlook",
    "Microsoft.VisualStudioCode": "Visual Studio Code",
    "Microsoft.WindowsNotepad_8wekyb3d8bbwe!App": "Notepad (Store)",
    "Microsoft.Paint_8wekyb3d8bbwe!App": "Paint (Store)",
    "Microsoft.WindowsTerminal_8wekyb3d8bbwe!App": "Terminal",
    "Microsoft.Windows.Photos_8wekyb3d8bbwe!App": "Photos",
    f"{_SYSTEM}\\notepad.exe": "Notepad",
    f"{_SYSTEM_X86}\\notepad.exe": "Notepad (32-bit)",
    f"{_SYSTEM}\\mspaint.exe": "Paint",
    f"{_SYSTEM}\\mstsc.exe": "Remote Desktop (by path)",
    f"{_SYSTEM}\\cmd.exe": "Command Prompt",
    f"{_SYSTEM}\\mmc.exe": "Management Console",
    f"{_SYSTEM}\\WindowsPowerShell\\v1.0\\powershell.exe": "PowerShell",
    f"{_PROGRAMS}\\Windows NT\\Accessories\\wordpad.exe": "WordPad",
    f"{_WINDOWS}\\regedit.exe": "Registry Editor",
    f"{_PROGRAMS}\\7-Zip\\7zFM.exe": "7-Zip",
    f"{_PROGRAMS}\\WinRAR\\WinRAR.exe": "WinRAR",
    f"{_PROGRAMS}\\Notepad++\\notepad++.exe": "Notepad++",
    f"{_PROGRAMS_X86}\\Notepad++\\notepad++.exe": "Notepad++ (32-bit)",
    f"{_PROGRAMS}\\VideoLAN\\VLC\\vlc.exe": "VLC",
}

_BY_NUMBER = {"5f7b5f1e01b83767": "Explorer, Quick access"}
"""Model id not known."""


def app_id(model_id: str) -> str:
    """The id of an application as jump list files are named, without leading zeros."""
    table = _table()
    crc = _START
    for byte in model_id.upper().encode("utf-16-le", "surrogatepass"):
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return f"{crc:x}"


def app_name(number: str) -> str | None:
    """Well-known name of an application id; None: not in the list."""
    return _names().get(number.lower().lstrip("0"))


@cache
def _names() -> dict[str, str]:
    return {app_id(model): name for model, name in MODEL_IDS.items()} | _BY_NUMBER


@cache
def _table() -> tuple[int, ...]:
    out = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        out.append(value)
    return tuple(out)
