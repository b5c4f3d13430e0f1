"""Volume shadow copies: older states of a volume, as volumes of their own (libvshadow)."""

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, BinaryIO

from parsers.disks.streams import Doubts, placed

MAX_STORES = 512
"""Windows keeps at most 64 shadow copies of a volume."""


@dataclass(frozen=True, slots=True)
class Store:
    """One shadow copy, number 1 being the oldest. `created` is a FILETIME, UTC."""

    number: int
    created: int
    identifier: str
    stream: BinaryIO
    size: int


def stores(volume: BinaryIO, doubts: Doubts | None = None) -> list[Store]:
    """The shadow copies of a volume whose bytes are given; an empty list: there are none.

    Blocks that cannot be read raise OSError at reading.
    """
    handle = import_module("pyvshadow").volume()
    try:
        handle.open_file_object(volume)
        count = min(int(handle.get_number_of_stores()), MAX_STORES)
    except OSError as error:
        text = str(error).partition("\n")[0][:200]
        if doubts is not None and "identifier" not in text:
            doubts.add(
                "shadow_copies_unreadable", "volume", "shadow copies or none", text, "not read"
            )
        return []
    found: list[Store] = []
    for k in range(count):
        try:
            found.append(_store(handle, k))
        except OSError as error:
            if doubts is not None:
                text = str(error).partition("\n")[0][:200]
                doubts.add(
                    "shadow_copies_unreadable",
                    f"shadow copy {k + 1}",
                    "a sound one",
                    text,
                    "not read",
                )
    return found


def _store(handle: Any, k: int) -> Store:
    store = handle.get_store(k)
    size = int(store.get_volume_size())
    read = partial(_read, handle, store)
    created = int(store.get_creation_time_as_integer())
    return Store(k + 1, created, str(store.get_identifier()), placed(size, read), size)


def _read(_handle: Any, store: Any, at: int, n: int) -> bytes:
    """The handle goes along: a store does not keep its volume open."""
    return bytes(store.read_buffer_at_offset(n, at))
