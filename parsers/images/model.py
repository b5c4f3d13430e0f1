"""What a reader of one file system gives: the volume, its entries, and what was odd about them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from parsers.contract import Problem, Severity
from parsers.evtx.problems import Problems
from parsers.images.media import Extents, Media

MAX_ENTRIES = 1_000_000
"""Files and folders of one volume; the largest real discs hold some hundred thousand."""
MAX_DEPTH = 255
MAX_PATH = 32_767
"""Characters of a path, as in Windows."""
MAX_DIRECTORY_BYTES = 64 << 20
PROBLEMS_OF_ONE_CODE = 100


def directory_budget(size: int) -> int:
    """Bytes of folders that are read of an image of that size: folders may overlap, but not at will."""
    return 2 * size + MAX_DIRECTORY_BYTES


@dataclass(frozen=True, slots=True)
class Times:
    """Times of an entry in ns since 1970; `local` says that they name no zone."""

    recorded: int | None = None
    created: int | None = None
    modified: int | None = None
    accessed: int | None = None
    changed: int | None = None
    local: bool = False
    zone_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder. `address` is the offset of its record in the media, `extents` its content.

    `open` reads the content where extents alone do not give it; `there`: bytes that the image holds of it, where
    not all.
    """

    path: str
    name: str
    address: int
    is_directory: bool
    size: int
    extents: Extents = ()
    times: Times = field(default_factory=Times)
    hidden: bool = False
    system: bool | None = None
    read_only: bool | None = None
    deleted: bool = False
    shown: bool = True
    stream: bool = False
    short_name: str | None = None
    unix_name: str | None = None
    unix_mode: int | None = None
    zone_identifier: bytes | None = None
    remarks: tuple[str, ...] = ()
    open: Callable[[], BinaryIO] | None = None
    there: int | None = None

    def cut(self, there: int) -> "Entry":
        """The entry of which the image holds only so many bytes."""
        return replace(self, there=there)

    def remarked(self, *remarks: str) -> "Entry":
        """The entry with more remarks."""
        return replace(self, remarks=(*self.remarks, *remarks))


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume, or one of the namespaces that a disc has of the same files. Times are ns since 1970."""

    filesystem: str
    name_form: str
    address: int
    size: int
    label: str | None = None
    serial: str | None = None
    serial_basis: str | None = None
    revision: str | None = None
    created: int | None = None
    modified: int | None = None
    created_local: int | None = None
    application: str | None = None
    publisher: str | None = None
    preparer: str | None = None
    system: str | None = None
    volume_set: str | None = None
    partition_guid: str | None = None
    boot_catalog: int | None = None
    boot_images: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """A volume with its entries. `media` is what their extents count in, if not the image itself.

    `mounted`: Windows gives it a letter. `secondary`: it lists the files of another tree again.
    """

    volume: Volume
    entries: Callable[[], Iterator[Entry]]
    mounted: bool
    secondary: bool = False
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on the way down; the path is put together when it is asked for."""

    name: str = ""
    above: "Folder | None" = None
    depth: int = 0
    length: int = 0

    def below(self, name: str) -> "Folder":
        """The folder `name` in this one."""
        return Folder(name, self, self.depth + 1, self.length + len(name) + 1)

    @property
    def path(self) -> str:
        """Path below the root, backslashes, without a leading one."""
        names = []
        at: Folder | None = self
        while at is not None and at.above is not None:
            names.append(at.name)
            at = at.above
        return "\\".join(reversed(names))


class Notes:
    """Problems of one image. `inside` names the image within the image that is being read."""

    def __init__(self, inside: str | None = None, problems: Problems | None = None) -> None:
        self.problems = problems or Problems(PROBLEMS_OF_ONE_CODE)
        self._inside = inside

    def within(self, path: str) -> "Notes":
        """The same list, for an image inside the image."""
        return Notes(path, self.problems)

    def add(
        self,
        code: str,
        at: int,
        expected: str,
        found: str,
        message: str,
        severity: Severity = Severity.WARNING,
    ) -> None:
        """Take a problem at a byte offset."""
        place = f"offset {at}" + (f" of {_short(self._inside)}" if self._inside else "")
        self.problems.add(Problem(code, place, expected, _short(found), _short(message), severity))


def _short(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."
