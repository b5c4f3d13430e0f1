"""Opens any file of the evidence, in any process: on this machine, in an archive, on a volume of a disk image.

What opens a file inside a container may itself have to open that container, which lies in another one: each kind of
container is a module of its own, found here by name and using only this door.
"""

from importlib import import_module
from typing import BinaryIO, Protocol, cast

from forensic_iso.evidence.found import TAR, VOLUME, ZIP, Found
from forensic_iso.evidence.streams import open_readonly

LAYERS = {ZIP: "archive", TAR: "tars", VOLUME: "volume"}
"""By kind of container: the module of this package that opens what lies in it."""
HELD = ("tars", "volume")
"""Those that hold files open."""


class Layer(Protocol):
    """What the module of a kind of container offers."""

    def open_inside(self, found: Found) -> BinaryIO:
        """A fresh seekable read-only stream over a file in such a container; raises as `open_found`."""
        ...

    def forget(self) -> None:
        """Drop what this process holds of such containers."""
        ...


def open_found(found: Found) -> BinaryIO:
    """A fresh seekable read-only stream over a file of the evidence, in any process.

    Damage inside a container shortens the stream: see `streams.stream_problems`.

    Raises:
        OSError: the file is gone or cannot be read.
        BadArchive: the container changed, or the member is not to be opened.
    """
    if not found.containers:
        return open_readonly(found.member)
    return _layer(LAYERS[found.kind.partition(":")[0]]).open_inside(found)


def forget_layers() -> None:
    """Drop the images and archives that this process holds open."""
    for name in HELD:
        _layer(name).forget()


def _layer(name: str) -> Layer:
    return cast(Layer, import_module(f"{__package__}.{name}"))
