"""Rows of the prefetch tables out of one file."""

import re
from collections.abc import Iterator

from parsers.contract import Artifact, Table
from parsers.prefetch import own_path
from parsers.prefetch.own_path import Own
from parsers.prefetch.scca import Report, Scca, Volume
from parsers.prefetch.tables import PREFETCH, PREFETCH_FILE, PREFETCH_RUN, PREFETCH_VOLUME
from parsers.rows import Row, filetime_ns

_NAME_HASH = re.compile(r"-([0-9A-F]{8})\.pf", re.IGNORECASE)
_MAX_VOLUMES_TEXT = 16
_ENTRY_MASK = (1 << 48) - 1


def serial_text(serial: int) -> str:
    """A volume serial number as Windows shows it."""
    return f"{serial >> 16:04X}-{serial & 0xFFFF:04X}"


def all_rows(
    artifact: Artifact, found: Scca, compressed: bool, whole: bool, report: Report
) -> Iterator[tuple[Table, Row]]:
    """The row of the file itself, then its run times, files and volumes."""
    own = own_path.find(found)
    common: Row = {
        "executable_name": found.name,
        "name_hash": f"{found.hash:08X}",
        "pf_path": artifact.windows_path or artifact.name,
    }
    program: Row = {**common, "own_path": own.path, "own_device_path": own.device_path}
    created = {v.offset: _time(v.created, v.offset, report) for v in found.volumes}
    runs = list(_runs(found, program, report))
    volume = _volume_of(own.path, found.volumes)
    row = _summary(artifact.name, found, own, created)
    if volume is not None:
        row["own_volume_serial"] = serial_text(volume.serial)
        row["own_volume_created_utc"] = created[volume.offset]
    times = [t for r in runs if isinstance(t := r["run_utc"], int)]
    row |= {
        "last_run_utc": max(times, default=None),
        "run_times": len(times),
        "is_compressed": compressed,
        "is_whole": whole,
    }
    yield PREFETCH, {**program, **row}
    yield from ((PREFETCH_RUN, run) for run in runs)
    yield from _files(found, own, common)
    for v in found.volumes:
        yield (
            PREFETCH_VOLUME,
            {
                **common,
                "device_path": v.device_path,
                "serial": serial_text(v.serial),
                "created_utc": created[v.offset],
                "directory_count": v.directories,
                "is_own": v is volume,
                "offset": v.offset,
            },
        )


def _summary(name: str, found: Scca, own: Own, created: dict[int, int | None]) -> Row:
    told = _NAME_HASH.search(name)
    file_hash = told[1].upper() if told else None
    own_hash = f"{found.hash:08X}"
    return {
        "run_count": found.run_count,
        "file_name_hash": file_hash,
        "hash_agrees": None if file_hash is None else file_hash == own_hash,
        "hash_matches_path": own.agrees,
        "hash_basis": own.basis.value,
        "hash_remainder": None if own.remainder is None else f"{own.remainder:08X}",
        "command_line": own.command_line,
        "is_hosting": own_path.is_hosting(found.name),
        "volumes": _volumes_text(found.volumes, created),
        "volume_count": len(found.volumes),
        "file_count": len(found.files),
        "format_version": found.version,
        "offset": 0,
    }


def _volumes_text(volumes: tuple[Volume, ...], created: dict[int, int | None]) -> str | None:
    texts = [
        f"{v.device_path} {serial_text(v.serial)}"
        + (" without creation time" if created[v.offset] is None else "")
        for v in volumes[:_MAX_VOLUMES_TEXT]
    ]
    if len(volumes) > _MAX_VOLUMES_TEXT:
        texts.append(f"{len(volumes) - _MAX_VOLUMES_TEXT} more")
    return "; ".join(texts) or None


def _runs(found: Scca, program: Row, report: Report) -> Iterator[Row]:
    for index, time in enumerate(found.runs):
        ns = _time(time.filetime, time.offset, report)
        if ns is not None:
            yield {
                **program,
                "run_utc": ns,
                "run_index": index,
                "run_count": found.run_count,
                "offset": time.offset,
            }


def _files(found: Scca, own: Own, common: Row) -> Iterator[tuple[Table, Row]]:
    by_prefix: dict[str, tuple[str, str]] = {
        v.device_path.upper(): (v.device_path, serial_text(v.serial)) for v in found.volumes
    }
    for file in found.files:
        device, serial = by_prefix.get(_device(file.path), (None, None))
        row: Row = {
            **common,
            "path": file.path,
            "volume_device_path": device,
            "volume_serial": serial,
            "is_own": file.path == own.path,
            "flags": file.flags,
            "offset": file.offset,
        }
        if file.reference is not None:
            row["mft_entry"] = file.reference & _ENTRY_MASK
            row["mft_sequence"] = file.reference >> 48
        yield PREFETCH_FILE, row


def _volume_of(path: str | None, volumes: tuple[Volume, ...]) -> Volume | None:
    device = None if path is None else _device(path)
    return next((v for v in volumes if v.device_path.upper() == device), None)


def _device(path: str) -> str:
    r"""The device of a path, upper case: `\VOLUME{...}` or `\DEVICE\x`."""
    up = path.upper()
    parts = up.split("\\", 3)
    if len(parts) > 2 and parts[1] == "DEVICE":
        return f"\\DEVICE\\{parts[2]}"
    return f"\\{parts[1]}" if len(parts) > 1 else up


def _time(filetime: int, offset: int, report: Report) -> int | None:
    ns = filetime_ns(filetime)
    if filetime and ns is None:
        report("prefetch_time", f"offset {offset}", "a FILETIME up to 2262", f"{filetime:#x}")
    return ns
