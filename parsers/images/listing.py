"""Rows of an image: its volumes, their entries with content, and images inside it one level down."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from parsers.contract import Severity, Table
from parsers.images import content as contents
from parsers.images import iso, iso_scan, udf, volumes
from parsers.images.content import Content
from parsers.images.media import Media, Pieces, Whole, blocks
from parsers.images.model import Entry, Notes, Tree
from parsers.images.names import UNSAFE, oddities
from parsers.images.rows import content_row, volume_row
from parsers.images.tables import IMAGE_CONTENT, IMAGE_VOLUME
from parsers.rows import Row
from parsers.volumes import VolumeRefused

MAX_NESTED = 64
MAX_DIGEST_BYTES = 64 << 30
"""Digested of one artifact at most; never more than four times its size and a little."""
MAX_VOLUMES = 128
MAX_PATH_CHARACTERS = 256 << 20
_MAX_CACHED = 200_000
VIRTUAL_DISKS = (".vhd", ".vhdx", ".avhd", ".avhdx")
_MAX_NESTED_BYTES = 8 << 30


@dataclass(slots=True)
class Budget:
    """What is left for one artifact, nested images included."""

    digest_bytes: int
    path_characters: int = MAX_PATH_CHARACTERS
    spent: bool = False


@dataclass(slots=True)
class _Image:
    """One image that is being read, and what was seen of its content."""

    media: Media
    notes: Notes
    budget: Budget
    container: str | None = None
    known: dict[object, Content | None] = field(default_factory=dict)
    shown: set[object] = field(default_factory=set)
    nested: list[tuple[Entry, Tree]] = field(default_factory=list)


def rows(media: Media, name: str, notes: Notes) -> Iterator[tuple[Table, Row]]:
    """All rows of an image; `name` helps where the content does not tell the format."""
    image = _Image(media, notes, Budget(min(4 * media.size + (256 << 20), MAX_DIGEST_BYTES)))
    trees = find_trees(media, name, notes)
    if not trees:
        notes.add(
            "image_no_volume",
            0,
            "ISO 9660, UDF, NTFS, FAT or exFAT",
            "none",
            "nothing can be listed",
            Severity.ERROR,
        )
    yield from _trees(image, trees)
    for entry, tree in image.nested:
        yield from _inner(image, entry, tree)


def find_trees(media: Media, name: str, notes: Notes) -> list[Tree]:
    """The trees of an image, the one that Windows takes first."""
    head = media.read(0, contents.HEAD_BYTES)
    if not contents.is_udf_or_iso(head) and _is_disk(head, name):
        return volumes.trees(media, name, notes)
    first = udf.trees(media, notes)
    second = iso.trees(media, notes)
    if any(t.mounted for t in first):
        return first + [replace(t, mounted=False, secondary=True) for t in second]
    if second:
        return second + [replace(t, secondary=True) for t in first]
    return first or volumes.trees(media, name, notes) or iso_scan.trees(media, notes)


def _is_disk(head: bytes, name: str) -> bool:
    known = head.startswith((b"vhdxfile", b"conectix")) or contents.is_volume(head)
    return known or name.casefold().endswith(VIRTUAL_DISKS)


def _inner(image: _Image, entry: Entry, tree: Tree) -> Iterator[tuple[Table, Row]]:
    size = min(entry.size, _MAX_NESTED_BYTES)
    notes = image.notes.within(entry.path)
    media: Media
    if entry.extents or entry.open is None:
        media = Pieces.of(tree.media or image.media, entry.extents, size)
    else:
        media = Whole(entry.open(), size)
    inside = _Image(media, notes, image.budget, entry.path)
    yield from _trees(inside, find_trees(media, entry.name, notes))


def _trees(image: _Image, trees: list[Tree]) -> Iterator[tuple[Table, Row]]:
    several = any(t.secondary for t in trees)
    for number, tree in enumerate(trees[:MAX_VOLUMES], 1):
        here = image if tree.media is None else replace(image, media=tree.media)
        yield from _tree(here, tree, number, several)


def _tree(image: _Image, tree: Tree, number: int, several: bool) -> Iterator[tuple[Table, Row]]:
    files = folders = 0
    for entry in tree.entries():
        image.budget.path_characters -= len(entry.path)
        if image.budget.path_characters < 0:
            _spent(image, entry)
            break
        folders, files = folders + entry.is_directory, files + (not entry.is_directory)
        content = None if entry.is_directory else _content(image, entry)
        if tree.secondary:
            if entry.is_directory or _seen(image, entry, content):
                continue
            entry = replace(entry.remarked("not in the namespace that Windows takes"), shown=False)
        if several and not entry.is_directory:
            image.shown.update(_keys(entry, content))
        yield (
            IMAGE_CONTENT,
            content_row(image.media, image.container, tree, number, _named(image, entry), content),
        )
        _keep_nested(image, tree, entry, content)
    yield IMAGE_VOLUME, volume_row(image.container, tree, number, files, folders)


def _spent(image: _Image, entry: Entry) -> None:
    if not image.budget.spent:
        image.budget.spent = True
        image.notes.add(
            "image_paths_too_long",
            entry.address,
            f"at most {MAX_PATH_CHARACTERS} characters of paths",
            "more",
            "the rest is left out",
            Severity.ERROR,
        )


def _keys(entry: Entry, content: Content | None) -> Iterator[object]:
    """By what a file is known again in another namespace: where it lies, and its digest."""
    yield entry.extents
    if content is not None:
        yield content.sha256


def _seen(image: _Image, entry: Entry, content: Content | None) -> bool:
    if not entry.size:
        return True
    return any(key in image.shown for key in _keys(entry, content))


def _named(image: _Image, entry: Entry) -> Entry:
    remarks = tuple(oddities(entry.name))
    if any(r in UNSAFE for r in remarks):
        image.notes.add(
            "image_name_unsafe",
            entry.address,
            "a name within its folder",
            entry.name,
            "; ".join(remarks),
        )
    return entry.remarked(*remarks) if remarks else entry


def _content(image: _Image, entry: Entry) -> Content | None:
    """Digests of an entry; None: not all of it is there, or the budget is spent."""
    key = (id(image.media), entry.extents, entry.size)
    if entry.extents and key in image.known:
        return image.known[key]
    if entry.size > image.budget.digest_bytes:
        image.notes.add(
            "image_not_digested",
            entry.address,
            f"at most {image.budget.digest_bytes} bytes more",
            f"{entry.size} bytes",
            f"no hash of {entry.path}: the image claims more content than it can hold",
        )
        return None
    image.budget.digest_bytes -= entry.size
    found = _digest(image, entry)
    if len(image.known) < _MAX_CACHED and entry.extents:
        image.known[key] = found if found is None else replace(found, whole=None)
    return found


def _digest(image: _Image, entry: Entry) -> Content | None:
    there = entry.there
    if there is None:
        try:
            found = contents.digest(_parts(image, entry))
        except VolumeRefused as e:
            if not entry.deleted:
                image.notes.add(
                    e.code, entry.address, e.expected, e.found, f"no hash of {entry.path}"
                )
            return None
        if found.size == entry.size:
            return found
        there = found.size
    image.notes.add(
        "image_file_cut",
        entry.address,
        f"{entry.size} bytes",
        f"{there} bytes",
        f"no hash of {entry.path}",
    )
    return None


def _parts(image: _Image, entry: Entry) -> Iterator[bytes]:
    if entry.open is None:
        media = Pieces.of(image.media, entry.extents, entry.size)
        yield from blocks(media, 0, media.size)
        return
    with entry.open() as stream:
        yield from blocks(Whole(stream, entry.size), 0, entry.size)
        for problem in getattr(stream, "problems", ()):
            image.notes.problems.add(problem)


def _keep_nested(image: _Image, tree: Tree, entry: Entry, content: Content | None) -> None:
    if image.container is not None or content is None or entry.stream:
        return
    if contents.kind(content.head) in contents.NESTED:
        if len(image.nested) < MAX_NESTED:
            image.nested.append((entry, tree))
        else:
            image.notes.add(
                "image_too_many_inside",
                entry.address,
                f"at most {MAX_NESTED} images inside",
                "more",
                f"{entry.path} is not read as an image",
            )
