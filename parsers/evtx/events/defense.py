"""PowerShell 4103, 4104 and Windows Defender 1116, 1117 (and 1006, 1007 of older builds)."""

from parsers.evtx.events.spec import EventTable, Field, Form

DEFENDER = "Microsoft-Windows-Windows Defender"


TABLES = (
    EventTable(
        "powershell_script_block",
        "PowerShell 4104: text of a script block, in parts",
        "Microsoft-Windows-PowerShell",
        (4104,),
        (
            Field("MessageNumber", "Number of this part, from 1", Form.INT),
            Field("MessageTotal", "Number of parts", Form.INT),
            Field("ScriptBlockText", "Text of this part"),
            Field("ScriptBlockId", "Joins the parts"),
            Field("Path", "Script file; empty: typed or in memory"),
        ),
    ),
    EventTable(
        "powershell_pipeline",
        "PowerShell 4103: a command was invoked, with its parameters",
        "Microsoft-Windows-PowerShell",
        (4103,),
        (
            Field("ContextInfo", "Host, runspace, script and user, as lines"),
            Field("UserData", "User data", column_name="user_data"),
            Field("Payload", "CommandInvocation(...) and ParameterBinding(...) lines"),
        ),
    ),
    EventTable(
        "defender_detection",
        "Defender 1116, 1006 found; 1117, 1007 acted",
        DEFENDER,
        (1006, 1007, 1116, 1117),
        (
            Field("Product Name", "Product"),
            Field("Product Version", "Version of the product"),
            Field("Detection ID", "Joins the events of one detection"),
            Field("Detection Time", "When it was found, as Defender writes it"),
            Field("Threat ID", "Threat number", Form.INT),
            Field("Threat Name", "Threat"),
            Field("Severity ID", "Severity number", Form.INT),
            Field("Severity Name", "Severity"),
            Field("Category ID", "Category number", Form.INT),
            Field("Category Name", "Category"),
            Field("Status Code", "Status number", Form.INT),
            Field("Status Description", "Status"),
            Field("State", "State of the detection", Form.INT),
            Field("Source ID", "Source number", Form.INT, column_name="detection_source_id"),
            Field("Source Name", "What scanned: real-time protection, user, ..."),
            Field("Process Name", "Program that touched it"),
            Field("Detection User", "Account"),
            Field("Path", "Items 'kind:_value', joined by '; '"),
            Field("Origin ID", "Origin number", Form.INT),
            Field("Origin Name", "Origin"),
            Field("Execution ID", "Execution number", Form.INT),
            Field("Execution Name", "Execution state"),
            Field("Type ID", "Kind of detection, number", Form.INT),
            Field("Type Name", "Kind of detection"),
            Field("Pre Execution Status", "Status before execution", Form.INT),
            Field("Action ID", "Action number", Form.INT),
            Field("Action Name", "Action"),
            Field("Error Code", "Error of the action"),
            Field("Error Description", "Error of the action, as text"),
            Field("Post Clean Status", "Status after cleaning", Form.INT),
            Field("Additional Actions ID", "Further actions, number", Form.INT),
            Field("Additional Actions String", "Further actions"),
            Field("Remediation User", "Account that acted"),
            Field("Security intelligence Version", "Version of the signatures"),
            Field("Signature Version", "Version of the signatures, older builds"),
            Field("Engine Version", "Version of the engine"),
        ),
    ),
)
