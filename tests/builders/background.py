"""Ordinary activity of a working day: services, browsing, documents, logons; seeded."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.builders import sysmon_events as sysmon
from tests.builders import system_events as logs
from tests.builders.host import SYSTEM, Host, Process, User

SYSTEM32 = "C:\\Windows\\System32\\"
OFFICE = "C:\\Program Files\\Microsoft Office\\root\\Office16\\"
EDGE = "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe"
SITES = (
    ("intranet.nordlicht.example", "198.51.100.10"),
    ("mail.nordlicht.example", "198.51.100.12"),
    ("news.example.org", "198.51.100.83"),
    ("weather.example.com", "198.51.100.140"),
    ("updates.vendor.example", "198.51.100.201"),
)
SYSTEM_PROGRAMS = (
    ("svchost.exe", "svchost.exe -k netsvcs -p -s Schedule"),
    ("svchost.exe", "svchost.exe -k LocalService -p"),
    ("taskhostw.exe", "taskhostw.exe -RegisterDevice -ProtectionStateChanged"),
    ("wermgr.exe", "wermgr.exe -upload"),
    ("sppsvc.exe", "sppsvc.exe"),
    ("TrustedInstaller.exe", "TrustedInstaller.exe"),
)
USER_PROGRAMS = (
    (OFFICE + "OUTLOOK.EXE", "/recycle"),
    (OFFICE + "EXCEL.EXE", '"C:\\Users\\{user}\\Documents\\Budget {n}.xlsx"'),
    (OFFICE + "WINWORD.EXE", '/n "C:\\Users\\{user}\\Documents\\Letter {n}.docx"'),
    (SYSTEM32 + "notepad.exe", "C:\\Users\\{user}\\Documents\\notes {n}.txt"),
    (SYSTEM32 + "backgroundTaskHost.exe", "-ServerName:App.AppX"),
    (SYSTEM32 + "rundll32.exe", "shell32.dll,Control_RunDLL intl.cpl"),
    (EDGE, "--type=renderer --lang=en-US"),
)


def _system_work(
    rng: random.Random, host: Host, when: datetime, services: Process, pid: int
) -> None:
    name, line = rng.choice(SYSTEM_PROGRAMS)
    process = host.start(
        when, services, SYSTEM32 + name, SYSTEM32 + line, pid, user=SYSTEM, integrity="System"
    )
    if rng.random() < 0.4:
        site, address = rng.choice(SITES)
        sysmon.dns(host, when + timedelta(seconds=1), process, site, address)
        sysmon.connect(
            host,
            when + timedelta(seconds=1.2),
            process,
            address,
            source_port=rng.randrange(49700, 65000),
        )
    if rng.random() < 0.5:
        logs.service_state(
            host, when, rng.choice(("Windows Update", "Software Protection")), "running"
        )
    host.end(when + timedelta(seconds=rng.randrange(20, 300)), process)


def _user_work(rng: random.Random, host: Host, when: datetime, explorer: Process, pid: int) -> None:
    image, rest = rng.choice(USER_PROGRAMS)
    user = explorer.user.name
    line = f'"{image}" {rest.format(user=user, n=rng.randrange(1, 40))}'
    process = host.start(when, explorer, image, line, pid, directory=f"C:\\Users\\{user}\\")
    if rng.random() < 0.6:
        site, address = rng.choice(SITES)
        sysmon.dns(host, when + timedelta(seconds=2), process, site, address)
        sysmon.connect(
            host,
            when + timedelta(seconds=2.3),
            process,
            address,
            source_port=rng.randrange(49700, 65000),
        )
    for _ in range(rng.randrange(3)):
        at = when + timedelta(seconds=rng.randrange(3, 40))
        sysmon.file_create(
            host,
            at,
            process,
            f"C:\\Users\\{user}\\AppData\\Local\\Temp\\{rng.getrandbits(40):010x}.tmp",
        )
    if rng.random() < 0.2:
        office = "Software\\Microsoft\\Office\\16.0\\Common\\Toolbars\\Settings"
        key = f"HKU\\{explorer.user.sid}\\{office}"
        sysmon.set_value(host, when + timedelta(seconds=4), process, key, "Binary Data")
    host.end(when + timedelta(seconds=rng.randrange(60, 1800)), process)


def _service_logon(rng: random.Random, host: Host, when: datetime, user: User) -> None:
    logs.logon(host, when, SYSTEM, 5)
    if rng.random() < 0.3:
        unlocked = User(
            user.domain, user.name, user.sid, user.logon_id + rng.randrange(0x1000, 0xFFFF)
        )
        logs.logon(host, when + timedelta(seconds=2), unlocked, 7, "127.0.0.1")
        logs.logoff(host, when + timedelta(seconds=3), unlocked, 7)


def working_day(
    seed: int,
    host: Host,
    services: Process,
    explorer: Process,
    start: datetime,
    end: datetime,
    acts: int,
) -> None:
    """Spread `acts` pieces of work between two times, with process ids from 12,000 on."""
    rng = random.Random(seed)
    span = (end - start).total_seconds()
    work: tuple[Callable[[random.Random, Host, datetime, Process, int], None], ...] = (
        _system_work,
        _user_work,
    )
    for i in range(acts):
        when = start + timedelta(seconds=round(rng.uniform(0, span), 3))
        kind = rng.randrange(5)
        if kind == 4:
            _service_logon(rng, host, when, explorer.user)
        else:
            work[kind % 2](rng, host, when, explorer if kind % 2 else services, 12_000 + 4 * i)
