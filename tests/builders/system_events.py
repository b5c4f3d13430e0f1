"""Logons, boots, services and script blocks of a host (Security, System, PowerShell)."""

import hashlib
import uuid
from datetime import datetime, timedelta

from tests.builders.evtx import to_ns
from tests.builders.evtx_values import filetime, guid, hex64, i32, sid, strings
from tests.builders.host import (
    CLASSIC,
    EVENTLOG,
    KERNEL_GENERAL,
    NO_GUID,
    POWERSHELL,
    SERVICES,
    SYSTEM,
    SYSTEM_SID,
    Host,
    User,
)


def logon(host: Host, when: datetime, user: User, kind: int, address: str = "-") -> None:
    """Security 4624."""
    program = (
        "C:\\Windows\\System32\\services.exe" if kind == 5 else "C:\\Windows\\System32\\svchost.exe"
    )
    host.audit(
        when,
        4624,
        12544,
        [
            *host.subject(SYSTEM),
            ("TargetUserSid", sid(user.sid)),
            ("TargetUserName", user.name),
            ("TargetDomainName", user.domain),
            ("TargetLogonId", hex64(user.logon_id)),
            ("LogonType", kind),
            ("LogonProcessName", "Advapi  " if kind == 5 else "User32 "),
            ("AuthenticationPackageName", "Negotiate"),
            ("WorkstationName", "-" if kind == 5 else host.name),
            ("LogonGuid", guid(NO_GUID)),
            ("TransmittedServices", "-"),
            ("LmPackageName", "-"),
            ("KeyLength", 0),
            ("ProcessId", hex64(0x2C4)),
            ("ProcessName", program),
            ("IpAddress", address),
            ("IpPort", "-" if address == "-" else "0"),
            ("ImpersonationLevel", "%%1833"),
            ("RestrictedAdminMode", "-"),
            ("TargetOutboundUserName", "-"),
            ("TargetOutboundDomainName", "-"),
            ("VirtualAccount", "%%1843"),
            ("TargetLinkedLogonId", hex64(0)),
            ("ElevatedToken", "%%1842" if kind == 5 else "%%1843"),
        ],
        version=2,
    )


def logoff(host: Host, when: datetime, user: User, kind: int) -> None:
    """Security 4634."""
    host.audit(
        when,
        4634,
        12545,
        [
            ("TargetUserSid", sid(user.sid)),
            ("TargetUserName", user.name),
            ("TargetDomainName", user.domain),
            ("TargetLogonId", hex64(user.logon_id)),
            ("LogonType", kind),
        ],
    )


def booted(host: Host, when: datetime) -> None:
    """Kernel-General 12, EventLog 6005 and 6013."""
    host.emit(
        when,
        KERNEL_GENERAL,
        12,
        [
            ("MajorVersion", 10),
            ("MinorVersion", 0),
            ("BuildVersion", 22621),
            ("QfeVersion", 3527),
            ("ServiceVersion", 0),
            ("BootMode", 0),
            ("StartTime", filetime(to_ns(when))),
        ],
        user_sid=SYSTEM_SID,
        task=1,
        keywords=0x8000000000000080,
    )
    later = when + timedelta(seconds=9)
    host.emit(
        later,
        EVENTLOG,
        6005,
        [("", None)],
        binary=bytes(24),
        keywords=CLASSIC,
        qualifiers=32768,
        pid=0,
    )
    uptime = strings(["", "", "", "", "23", "60", "-120 W. Europe Standard Time"])
    host.emit(later, EVENTLOG, 6013, [("", uptime)], keywords=CLASSIC, qualifiers=32768, pid=0)


def service_state(host: Host, when: datetime, name: str, state: str) -> None:
    """Service Control Manager 7036."""
    host.emit(
        when,
        SERVICES,
        7036,
        [("param1", name), ("param2", state)],
        pid=732,
        qualifiers=16384,
        keywords=0x8080000000000000,
        binary=(name + "/4").encode("utf-16-le") + b"\0\0",
    )


def service_install(host: Host, when: datetime, name: str, path: str, user: User) -> None:
    """Service Control Manager 7045."""
    host.emit(
        when,
        SERVICES,
        7045,
        [
            ("ServiceName", name),
            ("ImagePath", path),
            ("ServiceType", "user mode service"),
            ("StartType", "auto start"),
            ("AccountName", "LocalSystem"),
        ],
        pid=732,
        qualifiers=16384,
        keywords=0x8080000000000000,
        user_sid=user.sid,
    )


def script_block(host: Host, when: datetime, user: User, text: str, pid: int) -> None:
    """PowerShell 4104, in one part."""
    ident = str(uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16]))
    host.emit(
        when,
        POWERSHELL,
        4104,
        [
            ("MessageNumber", i32(1)),
            ("MessageTotal", i32(1)),
            ("ScriptBlockText", text),
            ("ScriptBlockId", ident),
            ("Path", ""),
        ],
        pid=pid,
        user_sid=user.sid,
        level=5,
        version=1,
        task=2,
        opcode=15,
        keywords=0,
    )
