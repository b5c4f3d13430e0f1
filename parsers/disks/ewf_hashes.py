"""Sections of an EnCase image that hold hashes of the whole disk (EWF specification, libewf project)."""

import zlib

from parsers.disks.streams import Doubts

HASHES = {b"hash": 36, b"digest": 80}
"""Section names, and the length of the body with its Adler-32 at the end."""


def read_hashes(
    stored: dict[str, str], kind: bytes, body: bytes, where: str, doubts: Doubts
) -> None:
    """Take hashes of the acquired bytes: MD5 in a hash section, MD5 and SHA-1 in a digest section; zeros: none."""
    if zlib.adler32(body[:-4]) != int.from_bytes(body[-4:], "little"):
        doubts.add(
            "stored_hash_damaged",
            where,
            "a section that fits its checksum",
            "another Adler-32",
            "the hash that is stored for the whole disk was not taken",
        )
        return
    found = {"MD5": body[:16]} | ({"SHA-1": body[16:36]} if kind == b"digest" else {})
    for name, digest in found.items():
        text = digest.hex()
        if not any(digest):
            continue
        if stored.setdefault(name, text) != text:
            doubts.add(
                "stored_hashes_differ",
                where,
                f"{name} {stored[name]}, as in the section before",
                text,
                "the first one is what the disk is compared with",
            )
