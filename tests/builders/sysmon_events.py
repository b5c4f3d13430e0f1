"""Sysmon events of a host beyond process starts and ends (schema 4.90)."""

from datetime import datetime

from tests.builders.evtx_values import u16
from tests.builders.host import Host, Process, hashes, head, sysmon_time


def module(
    host: Host, when: datetime, process: Process, path: str, content: bytes, signature: str = "-"
) -> None:
    """Sysmon 7: a module is loaded. No signature: unsigned."""
    signed = signature != "-"
    host.sysmon(
        when,
        7,
        [
            *head(when, process),
            ("ImageLoaded", path),
            ("FileVersion", "-"),
            ("Description", "-"),
            ("Product", "-"),
            ("Company", "-"),
            ("OriginalFileName", "-"),
            ("Hashes", hashes(content, False)),
            ("Signed", "true" if signed else "false"),
            ("Signature", signature),
            ("SignatureStatus", "Valid" if signed else "Unavailable"),
            ("User", process.user.account),
        ],
    )


def dns(host: Host, when: datetime, process: Process, name: str, address: str) -> None:
    """Sysmon 22: a name was asked for."""
    first = head(when, process)
    host.sysmon(
        when,
        22,
        [
            *first[:4],
            ("QueryName", name),
            ("QueryStatus", "0"),
            ("QueryResults", f"::ffff:{address};"),
            first[4],
            ("User", process.user.account),
        ],
    )


def connect(
    host: Host,
    when: datetime,
    process: Process,
    address: str,
    port: int = 443,
    source_port: int = 50000,
) -> None:
    """Sysmon 3: an outgoing TCP connection."""
    service = {443: "https", 80: "http", 445: "microsoft-ds"}.get(port, "-")
    host.sysmon(
        when,
        3,
        [
            *head(when, process),
            ("User", process.user.account),
            ("Protocol", "tcp"),
            ("Initiated", True),
            ("SourceIsIpv6", False),
            ("SourceIp", "192.0.2.57"),
            ("SourceHostname", host.fqdn),
            ("SourcePort", u16(source_port)),
            ("SourcePortName", "-"),
            ("DestinationIsIpv6", False),
            ("DestinationIp", address),
            ("DestinationHostname", "-"),
            ("DestinationPort", u16(port)),
            ("DestinationPortName", service),
        ],
    )


def file_create(
    host: Host, when: datetime, process: Process, path: str, created: datetime | None = None
) -> None:
    """Sysmon 11: a file was created."""
    host.sysmon(
        when,
        11,
        [
            *head(when, process),
            ("TargetFilename", path),
            ("CreationUtcTime", sysmon_time(created or when)),
            ("User", process.user.account),
        ],
    )


def stream(
    host: Host,
    when: datetime,
    process: Process,
    path: str,
    created: datetime,
    content: bytes,
    shown: str = "-",
) -> None:
    """Sysmon 15: a stream, or its file, was written; `shown`: Contents, line ends as blanks."""
    host.sysmon(
        when,
        15,
        [
            *head(when, process),
            ("TargetFilename", path),
            ("CreationUtcTime", sysmon_time(created)),
            ("Hash", hashes(content, False)),
            ("Contents", shown),
            ("User", process.user.account),
        ],
    )


def set_value(host: Host, when: datetime, process: Process, key: str, details: str) -> None:
    """Sysmon 13: a registry value was set."""
    first = head(when, process)
    host.sysmon(
        when,
        13,
        [
            first[0],
            ("EventType", "SetValue"),
            *first[1:],
            ("TargetObject", key),
            ("Details", details),
            ("User", process.user.account),
        ],
    )


def delete(host: Host, when: datetime, process: Process, path: str, content: bytes) -> None:
    """Sysmon 26: a file was deleted, no copy kept."""
    first = head(when, process)
    host.sysmon(
        when,
        26,
        [
            *first[:4],
            ("User", process.user.account),
            first[4],
            ("TargetFilename", path),
            ("Hashes", hashes(content, False)),
            ("IsExecutable", "false"),
        ],
    )
