"""Which files of an older state of a volume differ from those that were given already."""

import hashlib
from collections import defaultdict

from forensic_iso.evidence.select import Chosen
from forensic_iso.evidence.volume import open_node
from parsers.volumes import Volume


class Given:
    """Contents that were given, by path: hashed only where an older state has a file of the same size."""

    def __init__(self) -> None:
        self.again = 0
        self._known: defaultdict[tuple[str, int], list[tuple[Volume, Chosen, list[bytes]]]]
        self._known = defaultdict(list)

    def is_new(self, volume: Volume, item: Chosen) -> bool:
        """Whether no file of this path and content was given before."""
        key = (item.path.casefold(), item.size)
        mine: list[bytes] = []
        for other_volume, other, digest in self._known[key]:
            if _digest(volume, item, mine) == _digest(other_volume, other, digest):
                self.again += 1
                return False
        self._known[key].append((volume, item, mine))
        return True


def _digest(volume: Volume, item: Chosen, kept: list[bytes]) -> bytes:
    if not kept:
        digest = hashlib.sha256()
        with open_node(volume, item.node, item.stream) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        kept.append(digest.digest())
    return kept[0]
