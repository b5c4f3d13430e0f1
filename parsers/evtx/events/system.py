"""System channel: log clearing, services, start and stop, clock changes."""

from parsers.evtx.events.spec import EventTable, Field, Form

TABLES = (
    EventTable(
        "system_log_cleared",
        "System 104: a log was cleared",
        "Microsoft-Windows-Eventlog",
        (104,),
        (
            Field("SubjectUserName", "Account that cleared it"),
            Field("SubjectDomainName", "Its domain"),
            Field("Channel", "Channel that was cleared", column_name="cleared_channel"),
            Field("BackupPath", "Where the log was saved before, if it was"),
            Field("ClientProcessId", "Process that cleared it", Form.INT),
            Field("ClientProcessStartKey", "Start key of that process", Form.INT),
        ),
    ),
    EventTable(
        "system_service_install",
        "System 7045: a service was installed",
        "Service Control Manager",
        (7045,),
        (
            Field("ServiceName", "Name of the service"),
            Field("ImagePath", "Command of the service"),
            Field("ServiceType", "Kind of service"),
            Field("StartType", "auto start, demand start, ..."),
            Field("AccountName", "Account it runs as"),
        ),
    ),
    EventTable(
        "system_eventlog_service",
        "System 6005 log service started, 6006 stopped, 6008 unexpected stop, 6009 version, 6013 uptime",
        "EventLog",
        (6005, 6006, 6008, 6009, 6013),
        (),
    ),
    EventTable(
        "system_boot",
        "Kernel-General 12, 13: the system started, stopped",
        "Microsoft-Windows-Kernel-General",
        (12, 13),
        (
            Field("MajorVersion", "Windows major version", Form.INT),
            Field("MinorVersion", "Windows minor version", Form.INT),
            Field("BuildVersion", "Windows build", Form.INT),
            Field("QfeVersion", "Update revision", Form.INT),
            Field("ServiceVersion", "Service version", Form.INT),
            Field("BootMode", "Mode of the start", Form.INT),
            Field("StartTime", "Start of the system, UTC (12)", Form.TIME),
            Field("StopTime", "Stop of the system, UTC (13)", Form.TIME),
        ),
    ),
    EventTable(
        "system_time_change",
        "Kernel-General 1: the clock was changed",
        "Microsoft-Windows-Kernel-General",
        (1,),
        (
            Field("NewTime", "Clock after, UTC", Form.TIME),
            Field("OldTime", "Clock before, UTC", Form.TIME),
            Field(
                "Reason",
                "1 application or system component, 2 adjusted, 3 from hardware clock",
                Form.INT,
            ),
            Field("ProcessName", "Program that changed it"),
            Field("ProcessID", "Process that changed it", Form.INT),
        ),
    ),
)
