"""Hashes of Zone.Identifier streams whose whole text is known.

A log's hash alone then proves the text.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from itertools import product

_ENDS = ("\r\n", "\n")
ALGORITHMS = ("md5", "sha1", "sha256")


@dataclass(frozen=True, slots=True)
class KnownStream:
    """A stream with this hash: its zone (None: it says none) and its text."""

    zone_id: int | None
    text: str


def zone_text(zone_id: int, *lines: str, end: str = "\r\n", last_end: bool = True) -> str:
    """Text of a stream: section, zone, further lines; the last line end may be missing."""
    text = end.join(("[ZoneTransfer]", f"ZoneId={zone_id}", *lines))
    return text + end if last_end else text


def minimal_texts() -> list[KnownStream]:
    """Streams that need no knowledge of the case.

    Zones 0 to 4 alone or with about:internet, and the empty stream.
    """
    further: tuple[tuple[str, ...], ...] = ((), ("HostUrl=about:internet",))
    variants = product(range(5), further, _ENDS, (True, False))
    return [
        KnownStream(None, ""),
        *(
            KnownStream(z, zone_text(z, *lines, end=e, last_end=last))
            for z, lines, e, last in variants
        ),
    ]


def url_texts(zone_id: int, host_url: str, referrer_url: str | None = None) -> list[KnownStream]:
    """Streams that browsers and archivers write for URLs known from elsewhere.

    A match proves the URL.
    """
    orders: list[tuple[str, ...]] = [(f"HostUrl={host_url}",)]
    if referrer_url is not None:
        orders += [
            (f"ReferrerUrl={referrer_url}", f"HostUrl={host_url}"),
            (f"HostUrl={host_url}", f"ReferrerUrl={referrer_url}"),
            (f"ReferrerUrl={referrer_url}",),
        ]
    return [
        KnownStream(zone_id, zone_text(zone_id, *lines, end=end, last_end=last))
        for lines in orders
        for end, last in product(_ENDS, (True, False))
    ]


def hashes_of(stream: KnownStream) -> dict[str, str]:
    """Hashes of the UTF-8 bytes by algorithm, lower-case hex."""
    data = stream.text.encode()
    return {
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "sha1": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def by_hash(streams: list[KnownStream]) -> dict[str, KnownStream]:
    """Streams by each of their hashes (lower-case hex; the length tells the algorithm)."""
    return {digest: stream for stream in streams for digest in hashes_of(stream).values()}


@cache
def minimal_hashes() -> dict[str, KnownStream]:
    """The minimal streams by hash."""
    return by_hash(minimal_texts())


def known_zone(digest: str) -> KnownStream | None:
    """The minimal stream with this MD5, SHA-1 or SHA-256 (any case).

    None: the hash proves no text.
    """
    return minimal_hashes().get(digest.strip().lower())
