"""The fixed words of a report: what verdicts and terms mean."""

VERDICTS = {
    "delivered": "An image arrived; no sign that it was opened.",
    "mounted": "An image was mounted; no sign that anything was run from it.",
    "executed": "Something was run from a mounted image.",
    "active": "Something was run from a mounted image, and it acted on the machine.",
}

SEVERITY_SIGNS = {"critical": "◆◆", "high": "◆", "medium": "▲", "low": "●", "info": "○"}
"""Shapes that stand beside the word, so that colour never carries the meaning alone."""

GLOSSARY = (
    ("Address", "Where the bytes of a row lie inside its file: a byte offset or record number."),
    ("ATT&CK", "MITRE's catalogue of attackers' techniques; ids such as T1553.005."),
    ("Basis", "What a statement rests on: which record says it, or which rule infers it."),
    ("Benign reason", "Independent facts that speak for a harmless cause; such findings are kept and shown lower."),
    ("Confidence", "0 to 1: how sure a row is. That of a finding is the least of the links its verdict needs."),
    ("Coverage", "From when to when a log speaks, how many records lack inside, and whether it was cleared."),
    ("Defanged", "Written so that it cannot be clicked: hxxp for http, [.] for the dots of a name or address."),
    ("Delivery", "Arrival of a disk image on a host: a download, an attachment, a copy, an unpacked archive."),
    ("Disk image", "One file that holds a whole volume (ISO, IMG, VHD, VHDX); Windows mounts it by double click."),
    ("Execution", "Start of a program, load of a module or run of a script that lies on a mounted image."),
    ("Finding", "One image on one host, with how far it came: delivered, mounted, executed, active."),
    ("Kind of an execution", "image_on_volume, module_on_volume: the program or module lies on the mounted volume; script_arg: its argument does; relative_arg_cwd: a relative argument, with the working directory there; content_match, hash_match: a file of the image by name and volume, or by its bytes; lnk_argument: the arguments of a shortcut in the image."),
    ("Follow-on", "What the executed programs and all their descendants did."),
    ("Mark-of-the-Web", "Windows' note on a file that says where it came from; files inside a mounted image carry none."),
    ("Mount session", "The time from the opening of an image to its end, with the volume it was seen as."),
    ("Score", "0 to 100: the points of its reasons added up, multiplied by a factor below 1 where something speaks for a harmless cause, and at most 100. Points and factors stand under Thresholds and weights."),
    ("Severity", "How urgent a finding is, from its score by the thresholds severity_low to severity_critical. An image marked as from the Internet that was run is at least medium, one that acted at least high; what speaks for a harmless cause makes it low at most."),
    ("Verdict", "The last link of the chain that was seen: delivered < mounted < executed < active."),
    ("Weakest link", "The link of a finding that carries least: where a doubt should start."),
    ("Zone", "Where Windows says a file came from: 0 this computer, 1 the local network, 2 trusted sites, 3 the Internet, 4 restricted sites."),
)  # fmt: skip

METHOD = (
    ("Evidence", "Files are opened read-only and never changed. Each is hashed (SHA-256) before it is read."),
    ("Reading", "A parser per kind of artifact turns bytes into rows; each row keeps the address of its bytes. What cannot be read is a problem row, never left out in silence."),
    ("Correlation", "SQL steps build deliveries, mount sessions, executions and follow-on acts from the rows, with thresholds that are listed below. A link that is inferred says so in its basis."),
    ("Times", "All times are UTC as stamped in the evidence; clock changes that were logged are taken into account for order, not rewritten."),
    ("Facts and opinions", "Everything but the section Notes is derived from the evidence by fixed rules. Notes are opinions of the analysts."),
    ("Scope", "The results concern the items listed in the evidence manifest only."),
)  # fmt: skip
