"""A finding, and what could not be seen, in words for a reader who knows neither logs nor this tool."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from forensic_iso.report.rows import number_of, text_of, when
from forensic_iso.story import Row, Story

SHOWN = 3
"""Names that a sentence holds at most."""
ACTS = {
    "defender": ("Defender raised an alert about it", "Defender raised {} alerts about it"),
    "injection": ("it reached into another program", "it reached into other programs {} times"),
    "persistence": ("it set itself to start again", "it set itself to start again ({} entries)"),
    "network": ("it contacted an outside address", "it contacted {} outside addresses"),
    "dns": ("it asked for an outside name", "it asked for {} outside names"),
    "inside": ("it contacted an address inside", "it contacted {} addresses inside"),
    "file_create": ("it wrote a file", "it wrote {} files"),
    "registry": ("it changed a setting of Windows", "it changed {} settings of Windows"),
    "log_clear": ("a log was cleared", "{} logs were cleared"),
    "image_delete": ("the image was deleted", "the image was deleted {} times"),
}
"""What followed, gravest first: for one value and for many."""

SENTENCES = (
    ("Mounts were looked for in VHDMP from ", "Mounted images: Windows' log of virtual disks (VHDMP) was read from "),
    (", whole in itself: Windows mounted no other image in that time (drivers of other makers apart).",
     "; no record is missing in it, so Windows itself mounted no other image in that time."),
    (": other mounts cannot be excluded.", ": further images may have been mounted unseen."),
    ("No VHDMP log: mounts of ISO and IMG images cannot be excluded; ",
     "Mounted images: Windows' log of virtual disks (VHDMP) is not in the evidence, so ISO and IMG images may have been mounted unseen; "),
    ("Neither VHDMP nor Partition/Diagnostic: mounts cannot be excluded.",
     "Mounted images: no log of them is in the evidence, so images may have been mounted unseen."),
    ("Program starts: Sysmon from ", "Started programs: the log of Sysmon was read from "),
    (", as far as its filter lets them.", "; what its filter leaves out is not in it."),
    ("Program starts: Security 4688 from ", "Started programs: Windows' security log (event 4688) was read from "),
    (", without command lines: scripts and loaders cannot be excluded.",
     ", without command lines: scripts may have been run unseen."),
    ("Program starts: Defender's export from ", "Started programs: an export of Defender's log was read from "),
    (", as far as its query lets them.", "; what its query left out is not in it."),
    ("Only exports of Defender speak for this host: what their queries left out cannot be excluded.",
     "Only exports of Defender's logs speak for this computer, nothing that was taken from it itself."),
    ("No DeviceImageLoadEvents: loaded modules cannot be excluded.", "Program libraries (DLLs) that were loaded are not in them."),
    ("No log of program starts: runs are told by traces that prove presence and never absence.",
     "Started programs: no log of them is in the evidence; other traces can prove that a program ran, never that none did."),
    ("No Sysmon 7: loaded modules cannot be excluded.", "Program libraries (DLLs) that were loaded are not logged."),
    ("No $MFT: marks of files that no log tells cannot be excluded.",
     "The list of all files ($MFT) is not in the evidence: an arrival that no log tells may be unseen."),
    (" kinds of artifacts are not in the evidence.", " kinds of traces other than event logs were not handed in."),
)  # fmt: skip
"""Sentences of the coverage of a host, and how they are said to a reader who knows no logs."""
TOLD = "Told: "
MOUNTS, STARTS = "Mounts were looked for in VHDMP from ", "Program starts: "


def moment(iso: str | None) -> str:
    """A time inside a sentence, to the second."""
    return f"{iso[:19].replace('T', ' ')} UTC" if iso else "none"


def host_seen(remark: str) -> str:
    """What the evidence of a host can tell, in plain words; its counts stand elsewhere."""
    if TOLD in remark:
        before, _, after = remark.partition(TOLD)
        remark = before + after.partition(". ")[2]
    for said, plain in SENTENCES:
        remark = remark.replace(said, plain)
    return remark


def hosts_seen(remarks: Sequence[str]) -> str:
    """What the evidence of many hosts can tell, summed up."""
    mounts = sum(MOUNTS in r for r in remarks)
    starts = sum(STARTS in r for r in remarks)
    head = f"Of {len(remarks):,} hosts, Windows' log of mounted images was read of {mounts:,}, a log of started programs of {starts:,}."
    if min(mounts, starts) == len(remarks):
        return head
    return f"{head} Of the others, other traces can prove that an image was mounted or a program ran, never that none was."


def told(story: Story) -> str:
    """The finding in a few sentences: how the image came, whether it was opened, what ran and what that did, how sure."""
    f = story.finding
    verdict = str(f["verdict"])
    parts = [f"{_name(f['image_path'])} on {f['host']}.", _arrival(story), _mount(story)]
    if verdict in ("executed", "active"):
        parts.append(_run(story, verdict == "active"))
    elif story.executions:
        parts.append("Whether anything was run from it is not certain: the traces are weak.")
    elif verdict == "mounted":
        parts.append("No sign that anything was run from it was found in what was read.")
    if f["benign_reason"]:
        parts.append(f"Speaks for a harmless cause: {f['benign_reason']}.")
    parts.append(_sure(f))
    return " ".join(p for p in parts if p)


def _name(path: object) -> str:
    return text_of(path).replace("/", "\\").rpartition("\\")[2] or text_of(path)


def _arrival(story: Story) -> str:
    if not story.deliveries:
        return "How it arrived is not told by what was read."
    first = story.deliveries[0]
    at = when(first["time_utc"])
    url = next((text_of(d["host_url"]) for d in story.deliveries if d["host_url"]), "")
    come = f" from {_site(url)}" if url else ""
    on = f" on {moment(at)}" if at else " at a time that is not told"
    zone = max((number_of(d["zone_id"]) or 0 for d in story.deliveries), default=0)
    if zone < 3 and not url and first["trace"] is None:
        return f"Its file was made{on}; how it came is not told by what was read."
    mark = ", marked by Windows as coming from the Internet" if zone >= 3 else ""
    number = len(story.deliveries)
    often = f" {number} times, first" if number > 1 else ""
    return f"It arrived{often}{come}{on}{mark}."


def _site(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _mount(story: Story) -> str:
    if not story.sessions and str(story.finding["verdict"]) in ("executed", "active"):
        return "That it was mounted is not told by what was read."
    if not story.sessions:
        return "No sign that it was opened was found in what was read."
    number = len(story.sessions)
    opened = sorted(t for t in (when(s["opened_utc"]) for s in story.sessions) if t)
    begin = f"on {moment(opened[0])}" if opened else "at a time that is not told"
    return f"It was mounted (opened as a drive) {begin if number == 1 else f'{number} times, first {begin}'}."


def _run(story: Story, active: bool) -> str:
    at = sorted(t for t in (when(e["time_utc"]) for e in story.executions) if t)
    names = list(dict.fromkeys(_name(e["process_path"]) for e in story.executions if e["process_path"]))  # fmt: skip
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")  # fmt: skip
    begin = f" on {moment(at[0])}" if len(at) == 1 else f", first on {moment(at[0])}" if at else ""
    told = f"Something was run from it{begin}" + (f" (by {shown})" if shown else "")
    return f"{told}, and it acted on the machine: {_acts(story.follow_on)}." if active else f"{told}; nothing else that it did was found in what was read."  # fmt: skip


def _acts(follow_on: Sequence[Row]) -> str:
    values: Counter[str] = Counter()
    for kind, _ in {(_act(r), text_of(r["value"])) for r in follow_on}:
        values[kind] += 1
    said = [
        one if values[k] == 1 else many.format(values[k])
        for k, (one, many) in ACTS.items()
        if values[k]
    ]
    return ", ".join(said) or "see the finding"


def _act(row: Row) -> str:
    kind = str(row["kind"])
    return (
        "inside"
        if kind == "network" and not row["external"]
        else kind
        if kind != "dns" or row["external"]
        else ""
    )


def _sure(f: Row) -> str:
    sure = number_of(f["confidence"])
    if sure is None:
        return ""
    weak = f"; weakest link: {f['weakest_link']}" if f["weakest_link"] else ""
    return f"Confidence {sure:.2f} of 1{weak}."
