"""Which rows a rule's log source speaks of: channels, event ids, and the face of the rows.

Channel names and event ids are those of Windows and Sysmon; the words for them are Sigma's (appendix of the taxonomy).
A category that several logs tell of reads all of them: process_creation is Sysmon 1 and Security 4688.
"""

from dataclasses import dataclass

EVENT = "event"
"""Face of a row: fields as the log names them."""
PROCESS_AUDIT = "process_audit"
"""Security 4688 with the names of Sysmon 1."""
REGISTRY_AUDIT = "registry_audit"
"""Security 4657 with the names of Sysmon 12 to 14."""
ANTIVIRUS = "antivirus"
"""Defender's detections with the names of Sigma's category antivirus."""

MDE = "mde"
"""Rows of Defender's exports with the names of Sysmon."""

OWN_PRODUCTS = frozenset({"forensic_iso", "forensic-iso"})

SYSMON = "Microsoft-Windows-Sysmon/Operational"
SECURITY = "Security"
POWERSHELL = ("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational")
CLASSIC = "Windows PowerShell"
DEFENDER = "Microsoft-Windows-Windows Defender/Operational"


@dataclass(frozen=True, slots=True)
class Scope:
    """Events of some channels (None: all) with some ids (None: all), or rows of a `table`, seen by a face."""

    channels: tuple[str, ...] | None = None
    event_ids: frozenset[int] | None = None
    face: str = EVENT
    where: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of the case by its own name and columns."""

    table: str


def _operational(name: str) -> tuple[str, ...]:
    return (f"Microsoft-Windows-{name}/Operational",)


SERVICES: dict[str, tuple[str, ...]] = {
    "application": ("Application",),
    "security": (SECURITY,),
    "system": ("System",),
    "sysmon": (SYSMON,),
    "powershell": POWERSHELL,
    "powershell-classic": (CLASSIC,),
    "windefend": (DEFENDER,),
    "vhdmp": _operational("VHDMP"),
    "ntfs": _operational("Ntfs"),
    "partition-diagnostic": ("Microsoft-Windows-Partition/Diagnostic",),
    "taskscheduler": _operational("TaskScheduler"),
    "wmi": _operational("WMI-Activity"),
    "bits-client": _operational("Bits-Client"),
    "ntlm": _operational("NTLM"),
    "dhcp": _operational("DHCP-Server"),
    "driver-framework": _operational("DriverFrameworks-UserMode"),
    "printservice-admin": ("Microsoft-Windows-PrintService/Admin",),
    "printservice-operational": _operational("PrintService"),
    "codeintegrity-operational": _operational("CodeIntegrity"),
    "smbclient-security": ("Microsoft-Windows-SmbClient/Security",),
    "smbclient-connectivity": ("Microsoft-Windows-SmbClient/Connectivity",),
    "smbserver-security": ("Microsoft-Windows-SMBServer/Security",),
    "firewall-as": ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",),
    "terminalservices-localsessionmanager": _operational("TerminalServices-LocalSessionManager"),
    "security-mitigations": (
        "Microsoft-Windows-Security-Mitigations/KernelMode",
        "Microsoft-Windows-Security-Mitigations/UserMode",
        "Microsoft-Windows-Security-Mitigations/Kernel Mode",
        "Microsoft-Windows-Security-Mitigations/User Mode",
    ),
    "diagnosis-scripted": _operational("Diagnosis-Scripted"),
    "shell-core": _operational("Shell-Core"),
    "openssh": ("OpenSSH/Operational",),
    "bitlocker": ("Microsoft-Windows-BitLocker/BitLocker Management",),
    "appxdeployment-server": _operational("AppXDeploymentServer"),
    "appxpackaging-om": _operational("AppxPackaging"),
    "appmodel-runtime": ("Microsoft-Windows-AppModel-Runtime/Admin",),
    "lsa-server": _operational("LSA"),
    "dns-client": _operational("DNS Client Events"),
    "dns-server": ("DNS Server",),
    "dns-server-audit": ("Microsoft-Windows-DNS-Server/Audit",),
    "dns-server-analytic": ("Microsoft-Windows-DNS-Server/Analytical",),
    "capi2": _operational("CAPI2"),
    "certificateservicesclient-lifecycle-system": _operational(
        "CertificateServicesClient-Lifecycle-System"
    ),
    "application-experience": (
        "Microsoft-Windows-Application-Experience/Program-Telemetry",
        "Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant",
    ),
    "applocker": (
        "Microsoft-Windows-AppLocker/MSI and Script",
        "Microsoft-Windows-AppLocker/EXE and DLL",
        "Microsoft-Windows-AppLocker/Packaged app-Deployment",
        "Microsoft-Windows-AppLocker/Packaged app-Execution",
    ),
    "ldap": ("Microsoft-Windows-LDAP-Client/Debug",),
    "ldap_debug": ("Microsoft-Windows-LDAP-Client/Debug",),
    "msexchange-management": ("MSExchange Management",),
    "servicebus-client": (
        "Microsoft-ServiceBus-Client/Operational",
        "Microsoft-ServiceBus-Client/Admin",
    ),
    "microsoft-servicebus-client": (
        "Microsoft-ServiceBus-Client/Operational",
        "Microsoft-ServiceBus-Client/Admin",
    ),
    "hyper-v-worker": (
        "Microsoft-Windows-Hyper-V-Worker",
        "Microsoft-Windows-Hyper-V-Worker-Admin",
        "Microsoft-Windows-Hyper-V-Worker-Operational",
    ),
    "iis-configuration": ("Microsoft-IIS-Configuration/Operational",),
    "kernel-event-tracing": (
        "Microsoft-Windows-Kernel-EventTracing",
        "Microsoft-Windows-Kernel-EventTracing/Admin",
    ),
    "kernel-shimengine": (
        "Microsoft-Windows-Kernel-ShimEngine/Operational",
        "Microsoft-Windows-Kernel-ShimEngine/Diagnostic",
    ),
    "sense": _operational("SENSE"),
}
"""Service of product windows -> channels."""


def _sysmon(*ids: int) -> Scope:
    return Scope((SYSMON,), frozenset(ids))


def _registry(*operations: str) -> Scope:
    """Security 4657 by OperationType: %%1904 new value, %%1905 changed, %%1906 deleted."""
    words = ", ".join(f"'{o}'" for o in operations)
    where = f"json_extract_string(data, '$.OperationType') IN ({words})"
    return Scope((SECURITY,), frozenset({4657}), REGISTRY_AUDIT, where)


def _mde(kind: str, *actions: str) -> Scope:
    """Rows of a Device...Events export by ActionType."""
    words = ", ".join(f"'{a.lower()}'" for a in actions)
    where = f"lower(action_type) IN ({words})" if actions else ""
    return Scope(face=MDE, where=where, table=f"mde_device_{kind}_events")


CATEGORIES: dict[str, tuple[Scope, ...]] = {
    "process_creation": (
        _sysmon(1),
        Scope((SECURITY,), frozenset({4688}), PROCESS_AUDIT),
        _mde("process", "ProcessCreated"),
    ),
    "file_change": (_sysmon(2),),
    "network_connection": (_sysmon(3), _mde("network")),
    "sysmon_status": (_sysmon(4, 16),),
    "process_termination": (_sysmon(5),),
    "driver_load": (_sysmon(6),),
    "image_load": (_sysmon(7), _mde("image_load")),
    "create_remote_thread": (_sysmon(8),),
    "raw_access_thread": (_sysmon(9),),
    "process_access": (_sysmon(10),),
    "file_event": (_sysmon(11), _mde("file", "FileCreated")),
    "registry_add": (_sysmon(12), _registry("%%1904"), _mde("registry", "RegistryKeyCreated")),
    "registry_delete": (
        _sysmon(12),
        _registry("%%1906"),
        _mde("registry", "RegistryKeyDeleted", "RegistryValueDeleted"),
    ),
    "registry_set": (
        _sysmon(13),
        _registry("%%1904", "%%1905"),
        _mde("registry", "RegistryValueSet"),
    ),
    "registry_rename": (_sysmon(14), _mde("registry", "RegistryKeyRenamed")),
    "registry_event": (
        _sysmon(12, 13, 14),
        _registry("%%1904", "%%1905", "%%1906"),
        _mde("registry"),
    ),
    "create_stream_hash": (_sysmon(15),),
    "pipe_created": (_sysmon(17, 18),),
    "wmi_event": (_sysmon(19, 20, 21),),
    "dns_query": (_sysmon(22),),
    "file_delete": (_sysmon(23, 26), _mde("file", "FileDeleted")),
    "clipboard_capture": (_sysmon(24),),
    "process_tampering": (_sysmon(25),),
    "file_delete_detected": (_sysmon(26),),
    "file_block_executable": (_sysmon(27),),
    "file_block_shredding": (_sysmon(28),),
    "file_executable_detected": (_sysmon(29),),
    "sysmon_error": (_sysmon(255),),
    "ps_module": (Scope(POWERSHELL, frozenset({4103})),),
    "ps_script": (Scope(POWERSHELL, frozenset({4104})),),
    "ps_classic_start": (Scope((CLASSIC,), frozenset({400})),),
    "ps_classic_provider_start": (Scope((CLASSIC,), frozenset({600})),),
    "ps_classic_script": (Scope((CLASSIC,), frozenset({800})),),
    "antivirus": (Scope((DEFENDER,), frozenset({1006, 1007, 1116, 1117}), ANTIVIRUS),),
}
"""Category -> events of all logs that tell of it."""


class NoSuchLog(Exception):
    """No table of a case holds the log source; the message says which it is."""


def scopes(
    product: str | None, category: str | None, service: str | None, own: frozenset[str]
) -> tuple[Scope, ...] | OwnTable:
    """What a log source speaks of.

    Args:
        product: of the rule; `own` tables are those of product forensic_iso.
        category: of the rule.
        service: of the rule.
        own: names of the case's tables.

    Raises:
        NoSuchLog: nothing in a case is of that log source.
    """
    if product is not None and product.lower() in OWN_PRODUCTS:
        name = (service or category or "").lower()
        if name not in own:
            raise NoSuchLog(f"product {product} has no table {name!r}")
        return OwnTable(name)
    if product is not None and product.lower() != "windows":
        raise NoSuchLog(f"a case holds no logs of product {product}")
    found: tuple[Scope, ...] | None = None
    if category is not None:
        found = CATEGORIES.get(category.lower())
        if found is None:
            raise NoSuchLog(f"no log of a case tells of category {category}")
    if service is not None:
        channels = SERVICES.get(service.lower())
        if channels is None:
            raise NoSuchLog(f"the channel of service {service} is not known")
        if found is None:
            return (Scope(channels),)
        found = tuple(s for s in found if s.channels and set(s.channels) & set(channels))
        if not found:
            raise NoSuchLog(f"service {service} does not tell of category {category}")
    if found is None:
        if product is None:
            raise NoSuchLog("the rule names no log source of Windows")
        return (Scope(),)
    return found
