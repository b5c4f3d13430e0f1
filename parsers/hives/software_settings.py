r"""Settings of the SOFTWARE hive that bear on mounting, marking, logging and on which Windows this is."""

from parsers.hives.settings import Kind, Setting

_NT = r"Microsoft\Windows NT\CurrentVersion"
_EXPLORER = r"Microsoft\Windows\CurrentVersion\Explorer"
_POLICIES = r"Microsoft\Windows\CurrentVersion\Policies"
_GROUP = r"Policies\Microsoft\Windows"
_CHANNELS = r"Microsoft\Windows\CurrentVersion\WINEVT\Channels"
_DEFENDER = r"Microsoft\Windows Defender"
_ON = {"0": "off", "1": "on"}
_DISABLED = {"0": "on", "1": "off"}

ATTACHMENTS = (
    Setting(
        "save_zone_information",
        rf"{_POLICIES}\Attachments",
        "SaveZoneInformation",
        {"1": "downloads are not marked", "2": "downloads are marked"},
    ),
    Setting(
        "hide_zone_info",
        rf"{_POLICIES}\Attachments",
        "HideZoneInfoOnProperties",
        {"1": "users cannot unblock"},
    ),
    Setting(
        "scan_with_antivirus",
        rf"{_POLICIES}\Attachments",
        "ScanWithAntiVirus",
        {"1": "off", "2": "optional", "3": "on"},
    ),
    Setting("low_risk_file_types", rf"{_POLICIES}\Associations", "LowRiskFileTypes"),
    Setting("moderate_risk_file_types", rf"{_POLICIES}\Associations", "ModRiskFileTypes"),
    Setting("high_risk_file_types", rf"{_POLICIES}\Associations", "HighRiskFileTypes"),
    Setting(
        "default_file_type_risk",
        rf"{_POLICIES}\Associations",
        "DefaultFileTypeRisk",
        {"6150": "high", "6151": "moderate", "6152": "low"},
    ),
)
"""Below SOFTWARE of the machine and below Software of a user alike."""

AUTOPLAY = (
    Setting("no_drive_type_autorun", rf"{_POLICIES}\Explorer", "NoDriveTypeAutoRun"),
    Setting("no_drive_autorun", rf"{_POLICIES}\Explorer", "NoDriveAutoRun"),
    Setting("no_autorun", rf"{_POLICIES}\Explorer", "NoAutorun"),
    Setting("honor_autorun_setting", rf"{_POLICIES}\Explorer", "HonorAutorunSetting"),
    Setting("disable_autoplay", rf"{_EXPLORER}\AutoplayHandlers", "DisableAutoplay", _DISABLED),
    Setting("no_autoplay_non_volume", rf"{_GROUP}\Explorer", "NoAutoplayfornonVolume", _DISABLED),
    Setting("hidden_drives", rf"{_POLICIES}\Explorer", "NoDrives"),
)
"""Below SOFTWARE of the machine and below Software of a user alike."""

_VERSION = tuple(
    Setting(word, _NT, value, kind=kind)
    for word, value, kind in (
        ("product_name", "ProductName", Kind.PLAIN),
        ("display_version", "DisplayVersion", Kind.PLAIN),
        ("release_id", "ReleaseId", Kind.PLAIN),
        ("build", "CurrentBuildNumber", Kind.PLAIN),
        ("ubr", "UBR", Kind.PLAIN),
        ("build_lab", "BuildLabEx", Kind.PLAIN),
        ("edition", "EditionID", Kind.PLAIN),
        ("installation_type", "InstallationType", Kind.PLAIN),
        ("install_date", "InstallDate", Kind.UNIX),
        ("install_time", "InstallTime", Kind.FILETIME),
        ("registered_owner", "RegisteredOwner", Kind.PLAIN),
        ("registered_organization", "RegisteredOrganization", Kind.PLAIN),
        ("system_root", "SystemRoot", Kind.PLAIN),
    )
)
_SMARTSCREEN = (
    Setting("smartscreen_policy", rf"{_GROUP}\System", "EnableSmartScreen", _ON),
    Setting("smartscreen_level", rf"{_GROUP}\System", "ShellSmartScreenLevel"),
    Setting("smartscreen_explorer", _EXPLORER, "SmartScreenEnabled"),
)
_LOGGING = (
    *(
        Setting(f"channel_{word}", rf"{_CHANNELS}\{channel}", "Enabled", _ON)
        for word, channel in (
            ("vhdmp", "Microsoft-Windows-VHDMP-Operational"),
            ("vhdmp_slash", "Microsoft-Windows-VHDMP/Operational"),
            ("partition_diagnostic", "Microsoft-Windows-Partition/Diagnostic"),
            ("ntfs", "Microsoft-Windows-Ntfs/Operational"),
            ("kernel_pnp", "Microsoft-Windows-Kernel-PnP/Device Management"),
            ("powershell", "Microsoft-Windows-PowerShell/Operational"),
            ("sysmon", "Microsoft-Windows-Sysmon/Operational"),
            ("defender", "Microsoft-Windows-Windows Defender/Operational"),
        )
    ),
    Setting(
        "command_line_in_4688",
        rf"{_POLICIES}\System\Audit",
        "ProcessCreationIncludeCmdLine_Enabled",
        _ON,
    ),
    Setting(
        "script_block_logging",
        rf"{_GROUP}\PowerShell\ScriptBlockLogging",
        "EnableScriptBlockLogging",
        _ON,
    ),
    Setting(
        "powershell_transcription",
        rf"{_GROUP}\PowerShell\Transcription",
        "EnableTranscripting",
        _ON,
    ),
)
_DEFENDER_SETTINGS = (
    Setting("defender_realtime", rf"{_DEFENDER}\Real-Time Protection", "DisableRealtimeMonitoring", _DISABLED),
    Setting("defender_ioav", rf"{_DEFENDER}\Real-Time Protection", "DisableIOAVProtection", _DISABLED),
    Setting("defender_archive_scan", rf"{_DEFENDER}\Scan", "DisableArchiveScanning", _DISABLED),
    Setting("defender_removable_scan", rf"{_DEFENDER}\Scan", "DisableRemovableDriveScanning", _DISABLED),
    Setting("defender_tamper_protection", rf"{_DEFENDER}\Features", "TamperProtection"),
    Setting("defender_policy_off", r"Policies\Microsoft\Windows Defender", "DisableAntiSpyware", _DISABLED),
    Setting(
        "defender_policy_realtime", r"Policies\Microsoft\Windows Defender\Real-Time Protection",
        "DisableRealtimeMonitoring", _DISABLED,
    ),
)  # fmt: skip
_SYSTEM_POLICIES = (
    Setting("uac", rf"{_POLICIES}\System", "EnableLUA", _ON),
    Setting("uac_admin_prompt", rf"{_POLICIES}\System", "ConsentPromptBehaviorAdmin"),
    Setting("script_host", r"Microsoft\Windows Script Host\Settings", "Enabled", _ON),
    Setting("last_user", r"Microsoft\Windows\CurrentVersion\Authentication\LogonUI", "LastLoggedOnUser"),
    Setting("last_user_sid", r"Microsoft\Windows\CurrentVersion\Authentication\LogonUI", "LastLoggedOnUserSID"),
)  # fmt: skip
SETTINGS = (
    *_VERSION,
    *ATTACHMENTS,
    *AUTOPLAY,
    *_SMARTSCREEN,
    *_LOGGING,
    *_DEFENDER_SETTINGS,
    *_SYSTEM_POLICIES,
)
TREES = (
    ("device_install_restriction", rf"{_GROUP}\DeviceInstall"),
    ("removable_storage_policy", rf"{_GROUP}\RemovableStorageDevices"),
    ("defender_asr_policy", r"Policies\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR"),
    ("defender_asr", r"Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR"),
)  # fmt: skip
"""Keys whose every value matters: (word, key)."""
IMAGE_EXTENSIONS = (".iso", ".img", ".vhd", ".vhdx")
