"""Bundled case `classic-iso`: a downloaded image whose shortcut runs a hidden library.

The image was downloaded twice; the first copy was mounted and later deleted by what ran from it,
the second still
lies there untouched. A USB stick takes the freed letter afterwards. All contents are inert text.
"""

from datetime import UTC, datetime, timedelta

from tests.builders import sysmon_events as sysmon
from tests.builders import system_events as logs
from tests.builders.background import EDGE, SYSTEM32, working_day
from tests.builders.collection import Collection, Truth
from tests.builders.host import SYSTEM, Host, Process, User
from tests.builders.iso import IsoFile, build_iso, cdfs_serial
from tests.builders.lnk import DRIVE_CDROM, DRIVE_FIXED, Shortcut, VolumeId, build_lnk
from tests.builders.mft import MftBuilder, Times
from tests.builders.storage_events import (
    Disk,
    mount,
    open_for_information,
    partition_event,
    unmount,
)
from tests.builders.volume_tree import system_volume, zone_identifier

DAY = datetime(2024, 5, 14, tzinfo=UTC)
INSTALLED = datetime(2023, 9, 4, 8, 12, 30, tzinfo=UTC)
USER = User("NORDLICHT", "h.brandt", "S-1-5-21-1409082233-2718281828-3141592653-1107", 0x5A31C)
HOME = "C:\\Users\\h.brandt"
IMAGE = f"{HOME}\\Downloads\\Shipping Documents 40771.iso"
SECOND = f"{HOME}\\Downloads\\Shipping Documents 40771 (1).iso"
URL = "https://files.freight-desk.example.net/dl/8c41/Shipping%20Documents%2040771.iso"
REFERRER = "https://mail.example.org/"
LABEL = "SHIP_DOCS"
LIBRARY = b"Inert sample text in the place of a library. There is no program here.\r\n" * 60
ARGUMENTS = "/c rundll32.exe viewer\\layout.dll,Render"
DROPPED = f"{HOME}\\AppData\\Roaming\\Freight\\sync.dat"
RUN_KEY = f"HKU\\{USER.sid}\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\FreightSync"
RUN_LINE = f"rundll32.exe {DROPPED},Render"
NAME, ADDRESS = "cdn.trackfreight.example.com", "203.0.113.77"


def at(hour: int, minute: int, second: float = 0.0) -> datetime:
    """A time of the day of the story."""
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second)


def the_image() -> bytes:
    """The image: a shortcut to click, a hidden folder with the library, a decoy."""
    made = DAY - timedelta(days=1, hours=7)
    system_disk = VolumeId(DRIVE_FIXED, 0x6E12A4D0, "")
    shortcut = build_lnk(
        Shortcut(
            "C:\\Windows\\System32\\cmd.exe",
            system_disk,
            ARGUMENTS,
            icon="C:\\Windows\\System32\\imageres.dll",
            icon_index=2,
            name="Shipping Documents",
            target_created_utc=INSTALLED,
            target_modified_utc=INSTALLED,
            target_accessed_utc=made,
            target_size=289_792,
            machine="build-pc",
        )
    )
    files = [
        IsoFile("Shipping Documents.lnk", shortcut, made),
        IsoFile("viewer\\layout.dll", LIBRARY, made, hidden=True),
        IsoFile("viewer\\packing list.txt", b"Sample packing list.\r\n" * 12, made, hidden=True),
    ]
    return build_iso(LABEL, files, made, frozenset({"viewer"}))


def _morning(host: Host) -> tuple[Process, Process]:
    logs.booted(host, at(5, 41, 12.301))
    system = host.process(at(5, 41, 13), "System", 4, SYSTEM)
    services = host.start(
        at(5, 41, 15.2),
        system,
        SYSTEM32 + "services.exe",
        SYSTEM32 + "services.exe",
        732,
        user=SYSTEM,
        integrity="System",
    )
    disk = Disk(
        0,
        17,
        512_110_190_592,
        "NULL",
        "Example NVMe 512",
        "EX512-00417",
        "PCI Slot 3 : Bus 1 : Device 0",
        "PCI\\VEN_1E0F&DEV_0009\\4&2b1f04&0&0008",
        system=True,
    )
    partition_event(host, at(5, 41, 14.1), disk)
    logs.logon(host, at(5, 52, 3.44), USER, 2, "127.0.0.1")
    userinit = host.start(
        at(5, 52, 4),
        services,
        SYSTEM32 + "userinit.exe",
        SYSTEM32 + "userinit.exe",
        4112,
        user=USER,
    )
    explorer = host.start(
        at(5, 52, 4.6), userinit, "C:\\Windows\\explorer.exe", "C:\\Windows\\explorer.exe", 4180
    )
    host.end(at(5, 52, 30), userinit)
    logs.service_install(
        host,
        at(6, 14, 8),
        "Example Print Helper",
        '"C:\\Program Files\\Example Print\\helper.exe" /service',
        SYSTEM,
    )
    text = (
        "function Mount-LabImage {\n  param($Path)\n  Mount-DiskImage -ImagePath $Path -PassThru\n}"
    )
    logs.script_block(host, at(6, 30, 2.5), USER, text, 5116)
    return services, explorer


def _download(host: Host, truth: Truth, explorer: Process, image: bytes) -> None:
    edge = host.start(
        at(8, 12, 40.2), explorer, EDGE, f'"{EDGE}" {REFERRER}', 6920, directory=f"{HOME}\\"
    )
    sysmon.dns(host, at(8, 14, 29.9), edge, "files.freight-desk.example.net", "203.0.113.20")
    sysmon.connect(host, at(8, 14, 30.1), edge, "203.0.113.20", source_port=51422)
    mark = zone_identifier(REFERRER, URL)
    shown = mark.decode("ascii").replace("\r\n", "  ")
    for path, when in ((IMAGE, at(8, 14, 31.482)), (SECOND, at(8, 14, 58.107))):
        sysmon.file_create(host, when + timedelta(seconds=0.01), edge, path, when)
        sysmon.stream(host, when + timedelta(seconds=0.71), edge, path, when, image)
        sysmon.stream(
            host, when + timedelta(seconds=0.72), edge, f"{path}:Zone.Identifier", when, mark, shown
        )
        truth.delivery(path, when, 3, URL, REFERRER)
    host.end(at(9, 2), edge)


def _run(host: Host, truth: Truth, explorer: Process) -> Process:
    cmd_line = f'"{SYSTEM32}cmd.exe" {ARGUMENTS}'
    when = at(8, 16, 25.412)
    kinds = ["relative_arg_cwd", "lnk_argument", "content_match", "script_arg"]
    cmd = host.start(when, explorer, SYSTEM32 + "cmd.exe", cmd_line, 9044, directory="E:\\")
    truth.execution(IMAGE, when, 9044, cmd.image, kinds)
    host.start(
        when + timedelta(seconds=0.04),
        cmd,
        SYSTEM32 + "conhost.exe",
        "\\??\\C:\\Windows\\system32\\conhost.exe 0xffffffff -ForceV1",
        9060,
        directory="C:\\Windows",
    )
    truth.follow(
        IMAGE,
        when + timedelta(seconds=0.04),
        "child_process",
        SYSTEM32 + "conhost.exe",
        optional=True,
    )
    when = at(8, 16, 25.73)
    rundll = host.start(
        when,
        cmd,
        SYSTEM32 + "rundll32.exe",
        "rundll32.exe viewer\\layout.dll,Render",
        9128,
        directory="E:\\",
    )
    truth.execution(IMAGE, when, 9128, rundll.image, [*kinds, "module_on_volume"])
    truth.follow(IMAGE, when, "child_process", rundll.image, optional=True)
    when = at(8, 16, 25.968)
    sysmon.module(host, when, rundll, "E:\\viewer\\layout.dll", LIBRARY)
    truth.execution(
        IMAGE,
        when,
        9128,
        rundll.image,
        ["module_on_volume"],
        "E:\\viewer\\layout.dll",
        optional=True,
    )
    host.end(at(8, 16, 27), cmd)
    return rundll


def _afterwards(host: Host, truth: Truth, rundll: Process, image: bytes) -> None:
    sysmon.dns(host, at(8, 16, 29.4), rundll, NAME, ADDRESS)
    truth.follow(IMAGE, at(8, 16, 29.4), "dns", NAME)
    sysmon.connect(host, at(8, 16, 29.61), rundll, ADDRESS, source_port=51507)
    truth.follow(IMAGE, at(8, 16, 29.61), "network", ADDRESS, alt=[NAME])
    sysmon.file_create(host, at(8, 16, 33.2), rundll, DROPPED)
    truth.follow(IMAGE, at(8, 16, 33.2), "file_create", DROPPED)
    sysmon.set_value(host, at(8, 16, 34.05), rundll, RUN_KEY, RUN_LINE)
    truth.follow(
        IMAGE,
        at(8, 16, 34.05),
        "persistence",
        RUN_KEY,
        alt=[RUN_LINE],
        kinds=["persistence", "registry"],
    )
    who = host.start(
        at(8, 18, 2.3), rundll, SYSTEM32 + "whoami.exe", "whoami /groups", 9312, directory="E:\\"
    )
    truth.follow(IMAGE, at(8, 18, 2.3), "child_process", who.image)
    host.end(at(8, 18, 2.6), who)
    line = f'cmd.exe /c del "{IMAGE}"'
    remove = host.start(
        at(8, 43, 20.1),
        rundll,
        SYSTEM32 + "cmd.exe",
        line,
        9640,
        directory="C:\\Windows\\system32\\",
    )
    truth.follow(IMAGE, at(8, 43, 20.1), "child_process", remove.image)
    sysmon.delete(host, at(8, 43, 20.38), remove, IMAGE, image)
    truth.follow(IMAGE, at(8, 43, 20.38), "image_delete", IMAGE)
    host.end(at(8, 43, 20.6), remove)


def _stick(host: Host, explorer: Process) -> None:
    disk = Disk(
        1,
        7,
        31_042_043_904,
        "Example",
        "USB Stick 32",
        "0400EX7731",
        "Port_#0003.Hub_#0001",
        "USB\\VID_0000&PID_0001\\0400EX7731",
        style=0,
    )
    partition_event(host, at(10, 5, 11.9), disk)
    viewer = host.start(
        at(10, 6, 2.2),
        explorer,
        "E:\\PortableViewer\\viewer.exe",
        '"E:\\PortableViewer\\viewer.exe" ',
        10_420,
        directory="E:\\PortableViewer\\",
        company="Example Software",
        product="Portable Viewer",
    )
    host.end(at(10, 19, 40), viewer)
    partition_event(host, at(10, 21, 5.4), disk, removed=True)


def _files(image: bytes) -> tuple[dict[str, bytes], MftBuilder]:
    mft = system_volume(INSTALLED, USER.name)
    mark = {"Zone.Identifier": zone_identifier(REFERRER, URL)}
    for path, when, gone in ((IMAGE, at(8, 14, 31.482), True), (SECOND, at(8, 14, 58.107), False)):
        done = when + timedelta(seconds=0.69)
        mft.add_file(
            path[3:], Times(when, done, done, done), size=len(image), streams=mark, deleted=gone
        )
    mft.add_file(DROPPED[3:], Times.all(at(8, 16, 33.2)), size=18_112)
    recent = f"{HOME[3:]}\\AppData\\Roaming\\Microsoft\\Windows\\Recent"
    volume = VolumeId(DRIVE_CDROM, cdfs_serial(image), LABEL)
    clicked = at(8, 16, 9.9)
    links = {
        f"{recent}\\DVD Drive (E) SHIP_DOCS.lnk": Shortcut(
            "E:\\", volume, attributes=0x10, machine="fin-ws07"
        ),
        f"{recent}\\Shipping Documents 40771.lnk": Shortcut(
            IMAGE,
            VolumeId(DRIVE_FIXED, 0x2C9E11F4, "Windows"),
            target_created_utc=at(8, 14, 31.482),
            target_modified_utc=at(8, 14, 32.172),
            target_accessed_utc=at(8, 16, 2),
            target_size=len(image),
            working_directory=f"{HOME}\\Downloads",
            machine="fin-ws07",
        ),
    }
    files = {SECOND[3:].replace("\\", "/"): image}
    for path, shortcut in links.items():
        data = build_lnk(shortcut)
        mft.add_file(path, Times.all(clicked), size=len(data))
        files[path.replace("\\", "/")] = data
    files["$MFT"] = mft.build()
    return files, mft


def classic_iso() -> Collection:
    """The whole case."""
    host = Host(
        "FIN-WS07",
        "FIN-WS07.nordlicht.example",
        "NORDLICHT",
        0x4C1E77A2,
        41,
        {
            "Security": 88_120,
            "System": 9_412,
            "Microsoft-Windows-Sysmon/Operational": 240_771,
            "Microsoft-Windows-VHDMP-Operational": 311,
            "Microsoft-Windows-Partition/Diagnostic": 57,
            "Microsoft-Windows-PowerShell/Operational": 1_204,
        },
    )
    description = (
        "An ISO downloaded with a browser is opened; its shortcut runs cmd and rundll32 "
        "with a hidden library, which "
        "calls home, sets a Run key and deletes the image; a second copy was never opened"
    )
    truth = Truth("classic-iso", description, host.name, host.fqdn)
    image = the_image()
    services, explorer = _morning(host)
    _download(host, truth, explorer, image)
    open_for_information(host, at(8, 16, 2.118), explorer, IMAGE)
    mounted = mount(host, at(8, 16, 9.271), explorer, IMAGE, 0)
    rundll = _run(host, truth, explorer)
    unmount(host, at(8, 41, 12.64), mounted)
    truth.mount(IMAGE, "E:", at(8, 16, 9.271), at(8, 41, 12.64))
    _afterwards(host, truth, rundll, image)
    _stick(host, explorer)
    working_day(7, host, services, explorer, at(5, 54), at(15, 30), 150)
    truth.finding(IMAGE, "active")
    truth.finding(
        SECOND, "delivered", optional=True
    )  # same bytes: a product may count it to the first
    collection = Collection(host, truth, *_files(image))
    collection.add_logs()
    return collection
