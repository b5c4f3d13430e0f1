"""Names of the ATT&CK techniques that findings bear, as MITRE ATT&CK for Enterprise gives them."""

VERSION = "19"
"""Of the catalogue; T1685 is one of its techniques since this version."""

NAMES = {
    "T1036.007": "Masquerading: Double File Extension",
    "T1053.005": "Scheduled Task/Job: Scheduled Task",
    "T1055": "Process Injection",
    "T1059.001": "Command and Scripting Interpreter: PowerShell",
    "T1059.003": "Command and Scripting Interpreter: Windows Command Shell",
    "T1059.005": "Command and Scripting Interpreter: Visual Basic",
    "T1059.006": "Command and Scripting Interpreter: Python",
    "T1059.007": "Command and Scripting Interpreter: JavaScript",
    "T1070.004": "Indicator Removal: File Deletion",
    "T1071.001": "Application Layer Protocol: Web Protocols",
    "T1071.004": "Application Layer Protocol: DNS",
    "T1197": "BITS Jobs",
    "T1204.002": "User Execution: Malicious File",
    "T1218.001": "System Binary Proxy Execution: Compiled HTML File",
    "T1218.002": "System Binary Proxy Execution: Control Panel",
    "T1218.004": "System Binary Proxy Execution: InstallUtil",
    "T1218.005": "System Binary Proxy Execution: Mshta",
    "T1218.007": "System Binary Proxy Execution: Msiexec",
    "T1218.010": "System Binary Proxy Execution: Regsvr32",
    "T1218.011": "System Binary Proxy Execution: Rundll32",
    "T1543.003": "Create or Modify System Process: Windows Service",
    "T1546.003": "Event Triggered Execution: Windows Management Instrumentation Event Subscription",
    "T1546.012": "Event Triggered Execution: Image File Execution Options Injection",
    "T1547.001": "Boot or Logon Autostart Execution: Registry Run Keys / Startup Folder",
    "T1547.004": "Boot or Logon Autostart Execution: Winlogon Helper DLL",
    "T1547.014": "Boot or Logon Autostart Execution: Active Setup",
    "T1553.005": "Subvert Trust Controls: Mark-of-the-Web Bypass",
    "T1566.001": "Phishing: Spearphishing Attachment",
    "T1566.002": "Phishing: Spearphishing Link",
    "T1566.003": "Phishing: Spearphishing via Service",
    "T1574.001": "Hijack Execution Flow: DLL",
    "T1685.005": "Disable or Modify Tools: Clear Windows Event Logs",
}


def name_of(technique: str) -> str:
    """The technique's name, after that of what it is a part of; empty where it is not known here."""
    return NAMES.get(technique, "")
