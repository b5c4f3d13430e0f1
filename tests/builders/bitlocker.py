"""Encrypts a volume as BitLocker does (AES-XTS 128), after libbde's description of the format.

One protector: a recovery password, a password, a startup key (.bek file), or a clear key (a suspended volume).

Made without Windows: what a reader of the same description accepts, not a proof that Windows would.
"""

import hashlib
import struct
import uuid

SECTOR = 512
METADATA = 65_536
HEADER_SECTORS = 16
XTS_128 = 0x8004
_CCM_256 = 0x2003
_STRETCH = 0x1000
RECOVERY = "-".join(
    f"{k * 11:06}" for k in (10_001, 20_002, 30_003, 40_004, 50_005, 60_006, 1_007, 8)
)
PASSWORD = "Pässword 1"
_STARTUP = bytes(range(60, 92))
_PROTECTOR = uuid.UUID("11223344-5566-7788-99aa-bbccddeeff00").bytes_le
_KINDS = {"recovery": 0x0800, "password": 0x2000, "startup": 0x0200, "clear": 0x0000}
_VMK, _FVEK = bytes(range(32)), bytes(range(100, 132))
_SALT = bytes(range(50, 66))
_TIME = 133_541_118_000_000_000


def encrypt(plain: bytes, protector: str = "recovery") -> bytes:
    """The volume's bytes, encrypted; it gives up 5 * 64 KiB at its end for the metadata."""
    size = len(plain)
    areas = [size - (k + 1) * METADATA for k in range(3)]
    header_at = size - 4 * METADATA
    disk = bytearray(_xts(plain, 0))
    disk[header_at : header_at + HEADER_SECTORS * SECTOR] = _xts(
        plain[: HEADER_SECTORS * SECTOR], header_at
    )
    block = _metadata(size, areas, header_at, protector)
    for at in areas:
        disk[at : at + METADATA] = block.ljust(METADATA, b"\0")
    disk[:SECTOR] = _boot(areas, size)
    return bytes(disk)


def _boot(areas: list[int], size: int) -> bytes:
    boot = bytearray(SECTOR)
    boot[:11] = b"\xeb\x58\x90-FVE-FS-"
    struct.pack_into("<HBH5xB2xHHIIIQ", boot, 11, SECTOR, 8, 0, 0xF8, 63, 255, 0, 0, 0x800080, 0)
    boot[160:176] = uuid.UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001").bytes_le
    struct.pack_into("<3Q", boot, 176, *areas)
    boot[510:] = b"\x55\xaa"
    return bytes(boot)


def _xts(data: bytes, at: int) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    out = bytearray()
    for k in range(0, len(data), SECTOR):
        tweak = ((at + k) // SECTOR).to_bytes(16, "little")
        cipher = Cipher(algorithms.AES(_FVEK), modes.XTS(tweak)).encryptor()
        out += cipher.update(data[k : k + SECTOR])
    return bytes(out)


def _entry(kind: int, value: int, data: bytes) -> bytes:
    return struct.pack("<HHHH", 8 + len(data), kind, value, 1) + data


def _sealed(key: bytes, secret: bytes, method: int, counter: int) -> bytes:
    """A key inside an AES-CCM envelope."""
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

    nonce = struct.pack("<QI", _TIME, counter)
    body = struct.pack("<III", 12 + len(secret), 1, method) + secret
    sealed = AESCCM(key, tag_length=16).encrypt(nonce, body, None)
    return nonce + sealed[-16:] + sealed[:-16]


def bek() -> bytes:
    """The startup key's file."""
    key = _entry(0, 1, struct.pack("<I", 0x2002) + _STARTUP)
    entry = _entry(6, 9, _PROTECTOR + struct.pack("<Q", _TIME) + key)
    length = 48 + len(entry)
    return struct.pack("<IIII16sIIQ", length, 1, 48, length, _PROTECTOR, 1, 0, _TIME) + entry


def _stretched(secret: bytes) -> bytes:
    """The key out of a password or recovery password: a million rounds of SHA-256."""
    first, last = hashlib.sha256(secret).digest(), bytes(32)
    for count in range(0x100000):
        last = hashlib.sha256(last + first + _SALT + struct.pack("<Q", count)).digest()
    return last


def _protected(protector: str) -> bytes:
    """The volume's master key, sealed with the protector's key."""
    if protector in ("startup", "clear"):
        key, before = _STARTUP, b""
        if protector == "clear":
            before = _entry(0, 1, struct.pack("<I", 0x2002) + key)
    else:
        secret = b"".join(struct.pack("<H", int(part) // 11) for part in RECOVERY.split("-"))
        if protector == "password":
            secret = hashlib.sha256(PASSWORD.encode("utf-16-le")).digest()
        key = _stretched(secret)
        sealed = _entry(0, 5, _sealed(_VMK, key, _STRETCH, 1))
        before = _entry(0, 3, struct.pack("<I", _STRETCH) + _SALT + sealed)
    inner = before + _entry(0, 5, _sealed(key, _VMK, _CCM_256, 2))
    return _entry(2, 8, _PROTECTOR + struct.pack("<QHH", _TIME, 0, _KINDS[protector]) + inner)


def _metadata(size: int, areas: list[int], header_at: int, protector: str) -> bytes:
    vmk = _protected(protector)
    fvek = _entry(3, 5, _sealed(_VMK, _FVEK, XTS_128, 3))
    description = _entry(7, 2, "TEST C: 5/14/2024\0".encode("utf-16-le"))
    place = _entry(15, 15, struct.pack("<QQ", header_at, HEADER_SECTORS * SECTOR))
    entries = description + vmk + fvek + place
    length = 48 + len(entries)
    head = struct.pack("<IIII16sIIQ", length, 1, 48, length, b"\x42" * 16, 4, XTS_128, _TIME)
    block = struct.pack("<8sHHHHQII3QQ", b"-FVE-FS-", 64 + length, 2, 4, 4, size, 0, HEADER_SECTORS,
                        *areas, header_at)  # fmt: skip
    return block + head + entries
