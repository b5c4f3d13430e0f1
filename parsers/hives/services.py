r"""Services and drivers (`ControlSet00N\Services`)."""

from collections.abc import Iterator

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.control_sets import control_sets
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, number, provenance, text

SERVICE = Table(
    "service",
    "Services and drivers that the registry knows",
    (
        Column("name", Sql.TEXT, "Name of the service"),
        Column("key_last_write_utc", Sql.TIME, "Last write of the service's key, UTC: installed, or changed later"),
        Column("display_name", Sql.TEXT, "Display name, as stored"),
        Column("image_path", Sql.TEXT, "Program or driver, as stored"),
        Column("service_dll", Sql.TEXT, "Library of a shared service, from the service's key or its Parameters"),
        Column("start", Sql.TEXT, "boot, system, auto, manual, disabled, or the number"),
        Column("type", Sql.TEXT, "kernel_driver, file_system_driver, own_process, share_process, ..., or hex"),
        Column("account", Sql.TEXT, "Account it runs as"),
        Column("control_set", Sql.TEXT, "Control set the key stands in"),
        Column("current", Sql.BOOL, "That control set was the one in use"),
        *(c for c in PROVENANCE if c.name != "key_last_write_utc"),
    ),
    address="offset",
    time="key_last_write_utc",
    moments=(
        Moment(
            "key_last_write_utc",
            "service_key_written",
            "concat_ws(' ', name, start, coalesce(service_dll, image_path))",
            "current AND image_path IS NOT NULL",
        ),
    ),
)  # fmt: skip

MAX_SERVICES = 50_000
_START = {0: "boot", 1: "system", 2: "auto", 3: "manual", 4: "disabled"}
_TYPE = {
    0x01: "kernel_driver",
    0x02: "file_system_driver",
    0x04: "adapter",
    0x08: "recognizer_driver",
    0x10: "own_process",
    0x20: "share_process",
    0x50: "user_own_process",
    0x60: "user_share_process",
    0x110: "own_process_interactive",
    0x120: "share_process_interactive",
}


def services(hive: Hive) -> Iterator[Row]:
    """One row per service key of every control set."""
    for control_set in control_sets(hive):
        top = control_set.key.find("Services")
        for key in (top.subkeys() if top is not None else [])[:MAX_SERVICES]:
            if not key.values():
                continue
            start, kind = number(key, "Start"), number(key, "Type")
            yield SERVICE, {
                **provenance(key),
                "name": key.name,
                "display_name": text(key, "DisplayName"),
                "image_path": text(key, "ImagePath"),
                "service_dll": text(key, "ServiceDll") or text(key.find("Parameters"), "ServiceDll"),
                "start": None if start is None else _START.get(start, str(start)),
                "type": None if kind is None else _TYPE.get(kind, hex(kind)),
                "account": text(key, "ObjectName"),
                "control_set": control_set.key.name,
                "current": control_set.current,
            }  # fmt: skip
