"""What a shortcut says (MS-SHLLINK), as plain values."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something cut or wrong at a byte offset of the shortcut."""

    code: str
    offset: int
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Volume:
    """Volume of the target. `drive_type` as GetDriveType: 2 removable, 3 fixed, 4 remote, 5 CD-ROM."""

    drive_type: int
    serial: int
    label: str | None


@dataclass(frozen=True, slots=True)
class Share:
    """Network share of the target."""

    name: str | None
    device: str | None
    provider: int | None


@dataclass(frozen=True, slots=True)
class Info:
    """Link information: where the target was when the link was last made or mended.

    `is_ansi`: the path was only there in 8 bits and holds characters that depend on a code page.
    """

    volume: Volume | None = None
    share: Share | None = None
    local_path: str | None = None
    suffix: str | None = None
    is_ansi: bool = False

    @property
    def path(self) -> str | None:
        """Whole path: local base, else share, and the common suffix."""
        rest = self.suffix or ""
        if self.local_path:
            return self.local_path + rest
        if self.share is not None and self.share.name:
            return f"{self.share.name}\\{rest}" if rest else self.share.name
        return None


@dataclass(frozen=True, slots=True)
class Item:
    """One part of the ID list. `path` is its text; times are DOS times, two seconds fine, UTC.

    `kind`: root, volume, folder, file, network, uri, delegate, other.
    """

    kind: str
    text: str | None
    offset: int
    size: int | None = None
    modified: int | None = None
    created: int | None = None
    accessed: int | None = None
    attributes: int | None = None
    mft_reference: int | None = None


@dataclass(frozen=True, slots=True)
class Tracker:
    """Distributed link tracking: the machine and the object ids of volume and file."""

    machine: str | None
    volume_droid: str | None
    file_droid: str | None
    birth_volume_droid: str | None
    birth_file_droid: str | None


@dataclass(frozen=True, slots=True)
class Extra:
    """Extra data blocks."""

    tracker: Tracker | None = None
    environment_target: str | None = None
    environment_icon: str | None = None
    darwin: str | None = None
    shim: str | None = None
    known_folder: str | None = None
    special_folder: int | None = None
    properties: dict[str, str] = field(default_factory=dict)
    vista_items: tuple[Item, ...] = ()
    signatures: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lnk:
    """A shortcut. Times are FILETIMEs, 0 where none; `end` is the place behind its last byte."""

    flags: int
    attributes: int
    created: int
    accessed: int
    modified: int
    file_size: int
    icon_index: int
    show_command: int
    hot_key: int
    items: tuple[Item, ...]
    info: Info
    name: str | None
    relative_path: str | None
    working_directory: str | None
    arguments: str | None
    icon_location: str | None
    extra: Extra
    end: int
    troubles: tuple[Trouble, ...]
