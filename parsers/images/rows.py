"""Rows of the two tables from what was read."""

from parsers.images import content as contents
from parsers.images import shortcut
from parsers.images.content import Content
from parsers.images.media import Extents, Media
from parsers.images.model import Entry, Tree
from parsers.rows import Row
from parsers.zone_identifier import parse_zone_identifier

_MAX_SIZE = (1 << 63) - 1


def content_row(
    media: Media,
    container: str | None,
    tree: Tree,
    number: int,
    entry: Entry,
    content: Content | None,
) -> Row:
    """Row of an entry; `container` names the image inside the image."""
    times, local = entry.times, entry.times.local
    row: Row = {
        "path": entry.path,
        "name": entry.name,
        "container_path": container,
        "is_directory": entry.is_directory,
        "shown": entry.shown,
        "hidden": entry.hidden,
        "system": entry.system,
        "read_only": entry.read_only,
        "deleted": entry.deleted,
        "size_bytes": min(entry.size, _MAX_SIZE) if not entry.is_directory else 0,
        "recorded_utc": None if local else times.recorded,
        "created_utc": None if local else times.created,
        "modified_utc": None if local else times.modified,
        "accessed_utc": None if local else times.accessed,
        "changed_utc": None if local else times.changed,
        "created_local": times.created if local else None,
        "modified_local": times.modified if local else None,
        "accessed_local": times.accessed if local else None,
        "zone_minutes": times.zone_minutes,
        "short_name": entry.short_name,
        "unix_name": entry.unix_name,
        "unix_mode": entry.unix_mode,
        "volume_label": tree.volume.label,
        "volume_serial": tree.volume.serial,
        "name_form": tree.volume.name_form,
        "volume_number": number,
        "remarks": "; ".join(dict.fromkeys(entry.remarks)) or None,
        "extent_offset": _first(media, entry.extents),
        "record_offset": media.address(entry.address),
    }
    if content is not None:
        row |= {"md5": content.md5, "sha1": content.sha1, "sha256": content.sha256}
        row |= _told(content)
    return row | _zone(entry)


def _first(media: Media, extents: Extents) -> int | None:
    start = next((s for s, _ in extents if s is not None), None)
    if start is None or start >= media.size:
        return start
    return media.address(start)


def _told(content: Content) -> Row:
    """What the content itself says: its type, a program's machine, a shortcut's words."""
    kind = contents.kind(content.head)
    row: Row = {"content_type": kind}
    if (pe := contents.pe(content.head)) is not None:
        row |= {"pe_machine": pe.machine, "pe_is_dll": pe.is_dll}
    if kind == "lnk":
        words = shortcut.read(content.whole or content.head)
        row |= {
            "lnk_target": words.target,
            "lnk_arguments": words.arguments,
            "lnk_working_directory": words.folder,
        }
    return row


def _zone(entry: Entry) -> Row:
    if entry.zone_identifier is None:
        return {}
    mark = parse_zone_identifier(entry.zone_identifier)
    return {
        "zone_id": mark.zone_id,
        "zone_referrer_url": mark.referrer_url,
        "zone_host_url": mark.host_url,
    }


def volume_row(container: str | None, tree: Tree, number: int, files: int, folders: int) -> Row:
    """Row of a volume with what was counted in it."""
    of = tree.volume
    return {
        "volume_number": number,
        "container_path": container,
        "filesystem": of.filesystem,
        "revision": of.revision,
        "name_form": of.name_form,
        "mounted": tree.mounted,
        "label": of.label,
        "serial": of.serial,
        "serial_basis": of.serial_basis,
        "created_utc": of.created,
        "created_local": of.created_local,
        "modified_utc": of.modified,
        "application": of.application,
        "publisher": of.publisher,
        "preparer": of.preparer,
        "system": of.system,
        "volume_set": of.volume_set,
        "partition_guid": of.partition_guid,
        "file_count": files,
        "directory_count": folders,
        "size_bytes": min(of.size, _MAX_SIZE),
        "boot_catalog_offset": of.boot_catalog,
        "boot_images": of.boot_images,
        "remarks": "; ".join(of.remarks) or None,
        "volume_offset": of.address,
    }
