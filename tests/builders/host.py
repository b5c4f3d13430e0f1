"""A Windows host that writes its event logs: processes, logons, files, names.

Field lists follow what Windows logs.

Events may be added in any order; `logs()` sorts them by time and numbers them. All times are UTC.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.builders.evtx import EvtxWriter, to_ns
from tests.builders.evtx_values import guid, hex32, hex64, sid

Fields = Sequence[tuple[str, object]]
MS = timedelta(milliseconds=1)
AUDIT_SUCCESS = 0x8020000000000000
CLASSIC = 0x0080000000000000
SYSTEM_SID = "S-1-5-18"
NO_GUID = "00000000-0000-0000-0000-000000000000"

SYSMON = "Microsoft-Windows-Sysmon"
AUDIT = "Microsoft-Windows-Security-Auditing"
VHDMP = "Microsoft-Windows-VHDMP"
PARTITION = "Microsoft-Windows-Partition"
POWERSHELL = "Microsoft-Windows-PowerShell"
KERNEL_GENERAL = "Microsoft-Windows-Kernel-General"
SERVICES = "Service Control Manager"
EVENTLOG = "EventLog"

CHANNELS = {
    SYSMON: "Microsoft-Windows-Sysmon/Operational",
    AUDIT: "Security",
    VHDMP: "Microsoft-Windows-VHDMP-Operational",
    PARTITION: "Microsoft-Windows-Partition/Diagnostic",
    POWERSHELL: "Microsoft-Windows-PowerShell/Operational",
    KERNEL_GENERAL: "System",
    SERVICES: "System",
    EVENTLOG: "System",
}
PROVIDER_GUIDS = {
    SYSMON: "5770385f-c22a-43e0-bf4c-06f5698ffbd9",
    AUDIT: "54849625-5478-4994-a5ba-3e3b0328c30d",
    VHDMP: "e2816346-87f4-4f85-95c3-0c79409aa89d",
    PARTITION: "412bdff2-a8c4-470d-8f33-63fe0d8c20e2",
    POWERSHELL: "a0c1253b-5c40-4b15-8766-3cabc58f985a",
    KERNEL_GENERAL: "a68ca8b7-004f-d7b6-a698-07e2de0f1f5d",
    SERVICES: "555908d1-a6d7-4695-8e1e-26931d2012f4",
}
SYSMON_VERSIONS = {1: 5, 2: 5, 3: 5, 5: 3, 7: 3, 11: 2, 12: 2, 13: 2, 15: 2, 22: 5, 23: 5, 26: 5}
WINDOWS_PRODUCT = "Microsoft® Windows® Operating System"
DESCRIPTIONS = {
    "cmd.exe": "Windows Command Processor",
    "rundll32.exe": "Windows host process (Rundll32)",
    "conhost.exe": "Console Window Host",
    "svchost.exe": "Host Process for Windows Services",
    "explorer.exe": "Windows Explorer",
    "msiexec.exe": "Windows® installer",
    "whoami.exe": "whoami - displays logged on user information",
    "notepad.exe": "Notepad",
    "taskhostw.exe": "Host Process for Windows Tasks",
    "backgroundTaskHost.exe": "Background Task Host",
}


@dataclass(frozen=True, slots=True)
class User:
    """An account with its logon session."""

    domain: str
    name: str
    sid: str
    logon_id: int
    session: int = 1

    @property
    def account(self) -> str:
        """Domain and name with a backslash between."""
        return f"{self.domain}\\{self.name}"


SYSTEM = User("NT AUTHORITY", "SYSTEM", SYSTEM_SID, 0x3E7, 0)


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the host."""

    guid: str
    pid: int
    image: str
    command_line: str
    user: User


def hashes(content: bytes, is_program: bool = True) -> str:
    """Sysmon's list of hashes; IMPHASH is zeros where the content is no program."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest().upper()
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest().upper()
    sha256 = hashlib.sha256(content).hexdigest().upper()
    imphash = hashlib.md5(b"imports" + content, usedforsecurity=False).hexdigest().upper()
    return f"SHA1={sha1},MD5={md5},SHA256={sha256},IMPHASH={imphash if is_program else '0' * 32}"


def sysmon_time(when: datetime) -> str:
    """Sysmon's text of a time, cut to milliseconds."""
    return f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03d}"


def head(when: datetime, process: Process) -> list[tuple[str, object]]:
    """RuleName, UtcTime, ProcessGuid, ProcessId, Image: what most Sysmon events begin with."""
    return [
        ("RuleName", "-"),
        ("UtcTime", sysmon_time(when)),
        ("ProcessGuid", guid(process.guid)),
        ("ProcessId", process.pid),
        ("Image", process.image),
    ]


@dataclass(frozen=True, slots=True)
class _Entry:
    when: datetime
    order: int
    provider: str
    event_id: int
    fields: Fields
    pid: int
    tid: int
    user_sid: str | None
    level: int
    version: int
    task: int
    opcode: int
    keywords: int
    qualifiers: int | None
    binary: bytes | None


@dataclass(slots=True)
class Host:
    """One machine. `boot` numbers its starts; `first_ids`: first record id of each channel."""

    name: str
    fqdn: str
    domain: str
    machine_id: int
    boot: int
    first_ids: dict[str, int] = field(default_factory=dict)
    _entries: list[_Entry] = field(default_factory=list)
    _sequence: int = 64

    def emit(
        self,
        when: datetime,
        provider: str,
        event_id: int,
        fields: Fields = (),
        *,
        pid: int = 4,
        user_sid: str | None = None,
        level: int = 4,
        version: int = 0,
        task: int = 0,
        opcode: int = 0,
        keywords: int = 0x8000000000000000,
        qualifiers: int | None = None,
        binary: bytes | None = None,
    ) -> None:
        """Add one event; the thread id follows from its order."""
        order = len(self._entries)
        tid = 4 * (1 + order * 37 % 3000)
        self._entries.append(
            _Entry(
                when,
                order,
                provider,
                event_id,
                fields,
                pid,
                tid,
                user_sid,
                level,
                version,
                task,
                opcode,
                keywords,
                qualifiers,
                binary,
            )
        )

    def logs(self) -> dict[str, bytes]:
        """EVTX files by channel name."""
        writers: dict[str, EvtxWriter] = {}
        for e in sorted(self._entries, key=lambda e: (e.when, e.order)):
            channel = CHANNELS[e.provider]
            if channel not in writers:
                writers[channel] = EvtxWriter(channel, self.fqdn, self.first_ids.get(channel, 1))
            writers[channel].add(
                e.provider,
                e.event_id,
                e.when,
                e.fields,
                e.user_sid,
                e.pid,
                e.tid,
                e.level,
                e.version,
                e.keywords,
                provider_guid=PROVIDER_GUIDS.get(e.provider),
                task=e.task,
                opcode=e.opcode,
                qualifiers=e.qualifiers,
                binary=e.binary,
            )
        return {channel: writer.build() for channel, writer in writers.items()}

    def sysmon(self, when: datetime, event_id: int, fields: Fields) -> None:
        """A Sysmon event, written a few milliseconds after it happened."""
        self.emit(
            when + 3 * MS,
            SYSMON,
            event_id,
            fields,
            pid=2876,
            user_sid=SYSTEM_SID,
            version=SYSMON_VERSIONS[event_id],
            task=event_id,
        )

    def new_guid(self, when: datetime) -> str:
        """ProcessGuid: machine, start second, boot and sequence."""
        self._sequence += 7
        second = int(to_ns(when) // 1_000_000_000)
        tail = (self.boot << 48 | self._sequence).to_bytes(8, "little")
        head = (
            self.machine_id.to_bytes(4, "big")
            + (second & 0xFFFF).to_bytes(2, "big")
            + (second >> 16).to_bytes(2, "big")
        )
        return str(uuid.UUID(bytes=head + tail))

    def process(
        self, when: datetime, image: str, pid: int, user: User, command_line: str = ""
    ) -> Process:
        """A process that started before the logs speak of it: no event."""
        return Process(self.new_guid(when), pid, image, command_line or image, user)

    def start(
        self,
        when: datetime,
        parent: Process,
        image: str,
        command_line: str,
        pid: int,
        *,
        user: User | None = None,
        directory: str = "C:\\Windows\\system32\\",
        integrity: str = "Medium",
        content: bytes | None = None,
        company: str = "Microsoft Corporation",
        product: str = WINDOWS_PRODUCT,
    ) -> Process:
        """A process starts: Sysmon 1 and Security 4688. `content`: the program's bytes."""
        who = user or parent.user
        made = Process(self.new_guid(when), pid, image, command_line, who)
        name = image.rpartition("\\")[2]
        is_windows = company == "Microsoft Corporation"
        self.sysmon(
            when,
            1,
            [
                ("RuleName", "-"),
                ("UtcTime", sysmon_time(when)),
                ("ProcessGuid", guid(made.guid)),
                ("ProcessId", pid),
                ("Image", image),
                (
                    "FileVersion",
                    "10.0.22621.3527 (WinBuild.160101.0800)" if is_windows else "4.2.1.0",
                ),
                ("Description", DESCRIPTIONS.get(name, name)),
                ("Product", product),
                ("Company", company),
                ("OriginalFileName", name.upper() if name == "rundll32.exe" else name),
                ("CommandLine", command_line),
                ("CurrentDirectory", directory),
                ("User", who.account),
                (
                    "LogonGuid",
                    guid(self._logon_guid(who)),
                ),
                ("LogonId", hex64(who.logon_id)),
                ("TerminalSessionId", who.session),
                ("IntegrityLevel", integrity),
                (
                    "Hashes",
                    hashes(
                        content if content is not None else image.lower().encode(), content is None
                    ),
                ),
                ("ParentProcessGuid", guid(parent.guid)),
                ("ParentProcessId", parent.pid),
                ("ParentImage", parent.image),
                ("ParentCommandLine", parent.command_line),
                ("ParentUser", parent.user.account),
            ],
        )
        label = {"System": "S-1-16-16384", "High": "S-1-16-12288", "Medium": "S-1-16-8192"}[
            integrity
        ]
        elevation = {"System": "%%1936", "High": "%%1937", "Medium": "%%1938"}[integrity]
        same = parent.user == who
        self.audit(
            when,
            4688,
            13312,
            [
                *self.subject(parent.user),
                ("NewProcessId", hex64(pid)),
                ("NewProcessName", image),
                ("TokenElevationType", elevation),
                ("ProcessId", hex64(parent.pid)),
                ("CommandLine", command_line),
                ("TargetUserSid", sid("S-1-0-0" if same else who.sid)),
                ("TargetUserName", "-" if same else who.name),
                ("TargetDomainName", "-" if same else who.domain),
                ("TargetLogonId", hex64(0 if same else who.logon_id)),
                ("ParentProcessName", parent.image),
                ("MandatoryLabel", sid(label)),
            ],
            version=2,
        )
        return made

    def _logon_guid(self, user: User) -> str:
        low = user.logon_id & 0xFFFF
        return f"{self.machine_id:08x}-0000-0000-{low:04x}-0000000000{self.boot:02x}"

    def end(self, when: datetime, process: Process) -> None:
        """A process ends: Sysmon 5 and Security 4689."""
        self.sysmon(when, 5, [*head(when, process), ("User", process.user.account)])
        self.audit(
            when,
            4689,
            13313,
            [
                *self.subject(process.user),
                ("Status", hex32(0)),
                ("ProcessId", hex64(process.pid)),
                ("ProcessName", process.image),
            ],
        )

    def audit(
        self, when: datetime, event_id: int, task: int, fields: Fields, version: int = 0
    ) -> None:
        """A Security event (audit success)."""
        self.emit(
            when,
            AUDIT,
            event_id,
            fields,
            level=0,
            version=version,
            task=task,
            keywords=AUDIT_SUCCESS,
        )

    def subject(self, user: User) -> list[tuple[str, object]]:
        """The four Subject fields; the system account is logged by the machine's name."""
        name, domain = (
            (f"{self.name}$", self.domain) if user is SYSTEM else (user.name, user.domain)
        )
        return [
            ("SubjectUserSid", sid(user.sid)),
            ("SubjectUserName", name),
            ("SubjectDomainName", domain),
            ("SubjectLogonId", hex64(user.logon_id)),
        ]
