"""The SYSTEM hive: the host's name and zone, volumes and letters, devices, services, traces of running programs."""

from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Problem
from parsers.hives.control_sets import computer_name, control_sets, current_set
from parsers.hives.deleted_forms import SYSTEM_FORMS
from parsers.hives.devices import SCSI_DEVICE, USB_STORAGE_DEVICE, devices
from parsers.hives.executed import BAM_ENTRY, bam
from parsers.hives.firewall import FIREWALL_RULE, firewall_rules
from parsers.hives.mounted import MOUNTED_DEVICE, mounted_devices
from parsers.hives.regf import Hive
from parsers.hives.rows import BESIDE as BESIDE
from parsers.hives.rows import Row, is_hive, read_hive, text
from parsers.hives.services import SERVICE, services
from parsers.hives.settings import Kind, Setting, all_below, setting_row, settings
from parsers.hives.shimcache import SHIMCACHE_ENTRY, shimcache
from parsers.hives.storage_volumes import STORAGE_VOLUME, storage_volumes
from parsers.hives.tables import HOST_SETTING
from parsers.hives.time_zone import LOCAL_TIME_OFFSET, local_time_offsets

KIND = "hive_system"
VERSION = 2
LABEL = "Registry"
NAMES_HOST = True
HOST_WITNESS = True
TABLES = (
    HOST_SETTING,
    MOUNTED_DEVICE,
    SCSI_DEVICE,
    USB_STORAGE_DEVICE,
    STORAGE_VOLUME,
    SHIMCACHE_ENTRY,
    BAM_ENTRY,
    SERVICE,
    FIREWALL_RULE,
    LOCAL_TIME_OFFSET,
)

_TCPIP = r"Services\Tcpip\Parameters"
_ZONE = r"Control\TimeZoneInformation"
_FILE_SYSTEM = r"Control\FileSystem"
_PREFETCH = r"Control\Session Manager\Memory Management\PrefetchParameters"
_STARTS = {"0": "boot", "1": "system", "2": "auto", "3": "manual", "4": "disabled"}
_PREFETCHER = {"0": "off", "1": "programs", "2": "boot", "3": "programs and boot"}
_LAST_ACCESS = {
    "0": "last access times updated",
    "1": "last access times not updated",
    "2147483648": "updated, set by the user",
    "2147483649": "not updated, set by the user",
    "2147483650": "updated, set by the system",
    "2147483651": "not updated, set by the system",
}
_HIVE_SETTINGS = (
    Setting("control_set_current", "Select", "Current"),
    Setting("control_set_last_known_good", "Select", "LastKnownGood"),
    Setting("setup_type", "Setup", "SetupType"),
    Setting("system_partition", "Setup", "SystemPartition"),
)
_SETTINGS = (
    Setting("computer_name", r"Control\ComputerName\ComputerName", "ComputerName"),
    Setting("hostname", _TCPIP, "Hostname"),
    Setting("domain", _TCPIP, "Domain"),
    Setting("dhcp_domain", _TCPIP, "DhcpDomain"),
    Setting("time_zone", _ZONE, "TimeZoneKeyName"),
    Setting("time_zone_standard_name", _ZONE, "StandardName"),
    Setting("active_time_bias_minutes", _ZONE, "ActiveTimeBias", kind=Kind.SIGNED),
    Setting("time_bias_minutes", _ZONE, "Bias", kind=Kind.SIGNED),
    Setting("daylight_bias_minutes", _ZONE, "DaylightBias", kind=Kind.SIGNED),
    Setting("real_time_is_universal", _ZONE, "RealTimeIsUniversal"),
    Setting(
        "product_type",
        r"Control\ProductOptions",
        "ProductType",
        {"WinNT": "workstation", "LanmanNT": "domain controller", "ServerNT": "server"},
    ),
    Setting("shutdown_time", r"Control\Windows", "ShutdownTime", kind=Kind.FILETIME),
    Setting("last_access_update", _FILE_SYSTEM, "NtfsDisableLastAccessUpdate", _LAST_ACCESS),
    Setting("short_names", _FILE_SYSTEM, "NtfsDisable8dot3NameCreation"),
    Setting("prefetcher", _PREFETCH, "EnablePrefetcher", _PREFETCHER),
    Setting("superfetch", _PREFETCH, "EnableSuperfetch", _PREFETCHER),
    Setting(
        "clear_page_file",
        r"Control\Session Manager\Memory Management",
        "ClearPageFileAtShutdown",
        {"0": "kept", "1": "cleared at shutdown"},
    ),
    Setting("vhdmp_start", r"Services\vhdmp", "Start", _STARTS),
    Setting("cdrom_start", r"Services\cdrom", "Start", _STARTS),
    Setting("cdrom_autorun", r"Services\cdrom", "AutoRun", {"0": "off", "1": "on"}),
    Setting("usbstor_start", r"Services\USBSTOR", "Start", _STARTS),
    Setting("bam_start", r"Services\bam", "Start", _STARTS),
    Setting("event_log_start", r"Services\EventLog", "Start", _STARTS),
    Setting("sysmon_hashing", r"Services\SysmonDrv\Parameters", "HashingAlgorithm"),
    Setting("sysmon_options", r"Services\SysmonDrv\Parameters", "Options"),
    Setting(
        "write_protect",
        r"Control\StorageDevicePolicies",
        "WriteProtect",
        {"0": "off", "1": "on for USB"},
    ),
    Setting(
        "remote_desktop",
        r"Control\Terminal Server",
        "fDenyTSConnections",
        {"0": "allowed", "1": "denied"},
    ),
    Setting("last_boot_crash_dump", r"Control\CrashControl", "CrashDumpEnabled"),
    Setting("code_integrity_policy", r"Control\CI\Config", "VulnerableDriverBlocklistEnable"),
    Setting("hypervisor_integrity", r"Control\DeviceGuard", "EnableVirtualizationBasedSecurity"),
)
_SOURCE_OS = "source os (updated on"
_SOURCE_OS_VALUES = (
    Setting("earlier_product", "", "ProductName"),
    Setting("earlier_build", "", "CurrentBuildNumber"),
    Setting("earlier_ubr", "", "UBR"),
    Setting("earlier_install_date", "", "InstallDate", kind=Kind.UNIX),
)


def recognise(name: str, head: bytes) -> bool:
    """A hive by the name SYSTEM, its own or the one inside."""
    return is_hive(name, head, "SYSTEM", r"\config\system")


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """All tables; every row bears the computer's name from inside."""
    yield from read_hive(
        artifact,
        (
            host_settings,
            mounted_devices,
            devices,
            storage_volumes,
            bam,
            shimcache,
            services,
            firewall_rules,
            local_time_offsets,
        ),
        computer_name,
        (mounted_devices, devices, storage_volumes, bam),
        SYSTEM_FORMS,
    )


def host_settings(hive: Hive) -> Iterator[Row]:
    """Settings of the hive and of each control set; earlier versions of Windows; the full name of the host."""
    yield from settings(hive.root, _HIVE_SETTINGS)
    setup = hive.find("Setup")
    for key in setup.subkeys() if setup is not None else ():
        if key.name.lower().startswith(_SOURCE_OS):
            yield from settings(key, _SOURCE_OS_VALUES, current=False)
    for control_set in control_sets(hive):
        yield from settings(control_set.key, _SETTINGS, control_set.key.name, control_set.current)
        yield from all_below(
            control_set.key, "storage_device_policy", r"Control\StorageDevicePolicies",
            control_set.key.name,
        )  # fmt: skip
    yield from _fqdn(hive)


def _fqdn(hive: Hive) -> Iterator[Row]:
    """Host and domain name joined, at the place of the host name."""
    control_set = current_set(hive)
    key = control_set.find(_TCPIP) if control_set is not None else None
    host = key.value("Hostname") if key is not None else None
    domain = text(key, "Domain") or text(key, "NV Domain")
    if control_set is None or key is None or host is None or not host.text() or not domain:
        return
    table, row = setting_row(Setting("fqdn", "", ""), key, host, control_set.name)
    yield (
        table,
        {**row, "value": f"{host.text()}.{domain}", "meaning": "Hostname and Domain joined"},
    )
