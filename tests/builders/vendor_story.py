"""Bundled case `vendor-install`: a vendor's image is installed from; nothing bad.

A second image, downloaded and marked, was never opened.
"""

from datetime import UTC, datetime, timedelta

from tests.builders import sysmon_events as sysmon
from tests.builders import system_events as logs
from tests.builders.background import EDGE, SYSTEM32, working_day
from tests.builders.collection import Collection, Truth
from tests.builders.host import SYSTEM, Host, Process, User
from tests.builders.iso import IsoFile, build_iso
from tests.builders.mft import Times
from tests.builders.storage_events import mount, unmount
from tests.builders.volume_tree import system_volume, zone_identifier

DAY = datetime(2024, 6, 3, tzinfo=UTC)
INSTALLED = datetime(2024, 1, 9, 10, 2, tzinfo=UTC)
USER = User("KONTOR", "p.adler", "S-1-5-21-507921405-1957994488-839522115-1004", 0x41F0B)
IMAGE = "C:\\Install\\ExampleCAD_2024_x64.iso"
UNOPENED = "C:\\Users\\p.adler\\Downloads\\rescue-disc-12.1.iso"
URL, REFERRER = (
    "https://download.example.org/rescue/rescue-disc-12.1.iso",
    "https://www.example.org/rescue/",
)
SETUP = b"Inert sample text in the place of an installer. There is no program here.\r\n" * 40
RESOURCE = b"Inert sample text in the place of a signed resource library.\r\n" * 30
VENDOR = "Example Software GmbH"


def at(hour: int, minute: int, second: float = 0.0) -> datetime:
    """A time of the day of the story."""
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second)


def _image() -> bytes:
    made = datetime(2024, 2, 20, 12, tzinfo=UTC)
    return build_iso(
        "EXAMPLECAD24",
        [
            IsoFile("setup.exe", SETUP, made),
            IsoFile("x64\\setupres.dll", RESOURCE, made),
            IsoFile(
                "x64\\product.msi", b"Inert sample text in the place of a package.\r\n" * 50, made
            ),
            IsoFile("readme.txt", b"Example CAD 2024. Run setup.\r\n", made),
        ],
        made,
    )


def _install(host: Host, truth: Truth, explorer: Process) -> None:
    opened, closed = at(9, 30, 2.05), at(10, 4, 44.3)
    mounted = mount(host, opened, explorer, IMAGE, 0)
    truth.mount(IMAGE, "D:", opened, closed)
    when = at(9, 30, 21.4)
    setup = host.start(
        when,
        explorer,
        "D:\\setup.exe",
        '"D:\\setup.exe" ',
        7748,
        directory="D:\\",
        integrity="High",
        content=SETUP,
        company=VENDOR,
        product="Example CAD 2024",
    )
    truth.execution(
        IMAGE, when, 7748, setup.image, ["image_on_volume", "content_match", "hash_match"]
    )
    when = at(9, 30, 21.7)
    sysmon.module(host, when, setup, "D:\\x64\\setupres.dll", RESOURCE, VENDOR)
    truth.execution(IMAGE, when, 7748, setup.image, ["module_on_volume"], "D:\\x64\\setupres.dll")
    when = at(9, 31, 40.2)
    line = '"C:\\Windows\\System32\\msiexec.exe" /i "D:\\x64\\product.msi" /qb'
    package = host.start(
        when, setup, SYSTEM32 + "msiexec.exe", line, 7912, directory="D:\\", integrity="High"
    )
    truth.execution(
        IMAGE, when, 7912, package.image, ["script_arg", "relative_arg_cwd", "content_match"]
    )
    truth.follow(IMAGE, when, "child_process", package.image, optional=True)
    installed = "C:\\Program Files\\Example CAD 2024\\license.rtf"
    sysmon.file_create(host, at(9, 33, 8), package, installed)
    truth.follow(IMAGE, at(9, 33, 8), "file_create", installed)
    host.end(at(9, 36), package)
    host.end(at(9, 36, 12), setup)
    unmount(host, closed, mounted)


def _download(host: Host, truth: Truth, explorer: Process) -> dict[str, bytes]:
    edge = host.start(
        at(11, 2, 5), explorer, EDGE, f'"{EDGE}" {REFERRER}', 8312, directory="C:\\Users\\p.adler\\"
    )
    when = at(11, 3, 50.226)
    mark = zone_identifier(REFERRER, URL)
    sysmon.file_create(host, when + timedelta(seconds=0.01), edge, UNOPENED, when)
    sysmon.stream(
        host,
        when + timedelta(seconds=0.8),
        edge,
        UNOPENED,
        when,
        b"rescue disc, contents not collected",
    )
    sysmon.stream(
        host,
        when + timedelta(seconds=0.81),
        edge,
        f"{UNOPENED}:Zone.Identifier",
        when,
        mark,
        mark.decode("ascii").replace("\r\n", "  "),
    )
    truth.delivery(UNOPENED, when, 3, URL, REFERRER)
    host.end(at(11, 20), edge)
    return {"Zone.Identifier": mark}


def vendor_install() -> Collection:
    """The whole case."""
    host = Host(
        "CAD-03",
        "CAD-03.kontor.example",
        "KONTOR",
        0x7730BB19,
        12,
        {
            "Security": 12_007,
            "System": 3_900,
            "Microsoft-Windows-Sysmon/Operational": 51_330,
            "Microsoft-Windows-VHDMP-Operational": 87,
        },
    )
    truth = Truth(
        "vendor-install",
        "A technician installs from a vendor's image; another image is downloaded and not opened",
        host.name,
        host.fqdn,
    )
    logs.booted(host, at(6, 58, 40))
    system = host.process(at(6, 58, 41), "System", 4, SYSTEM)
    services = host.start(
        at(6, 58, 43),
        system,
        SYSTEM32 + "services.exe",
        SYSTEM32 + "services.exe",
        732,
        user=SYSTEM,
        integrity="System",
    )
    logs.logon(host, at(7, 5, 1), USER, 2, "127.0.0.1")
    explorer = host.start(
        at(7, 5, 2),
        services,
        "C:\\Windows\\explorer.exe",
        "C:\\Windows\\explorer.exe",
        3980,
        user=USER,
    )
    _install(host, truth, explorer)
    streams = _download(host, truth, explorer)
    working_day(11, host, services, explorer, at(7, 6), at(14, 0), 40)
    image = _image()
    mft = system_volume(INSTALLED, USER.name)
    copied = at(9, 21, 7.9)
    made = datetime(2024, 2, 20, 12, 0, 41, tzinfo=UTC)
    mft.add_file(IMAGE[3:], Times(copied, made, copied, copied), size=len(image))
    when = at(11, 3, 50.226)
    done = when + timedelta(seconds=0.79)
    mft.add_file(UNOPENED[3:], Times(when, done, done, done), size=734_003_200, streams=streams)
    mft.add_file(
        "Program Files\\Example CAD 2024\\license.rtf", Times.all(at(9, 33, 8)), size=41_220
    )
    truth.delivery(IMAGE, copied, None, None, None, optional=True)
    truth.finding(IMAGE, "executed", benign=True, verdicts=["executed", "active", "mounted"])
    truth.finding(UNOPENED, "delivered")
    collection = Collection(
        host, truth, {"$MFT": mft.build(), "Install/ExampleCAD_2024_x64.iso": image}
    )
    collection.add_logs()
    return collection
