"""Writes disks as E01, VHD, VHDX, QCOW2 and VMDK. Shares no code with the readers it tests.

Sources: EWF specification (libewf project), Virtual Hard Disk Image Format Specification 1.0, MS-VHDX, QEMU's
docs/interop/qcow2, VMware's Virtual Disk Format 5.0.
"""

import hashlib
import struct
import uuid
import zlib
from collections.abc import Callable

SECTOR = 512
E01_CHUNK = 64 * SECTOR
BLOCK = 1 << 21
MB = 1 << 20


def e01(disk: bytes, pack: bool = True, segments: int = 1) -> list[bytes]:
    """Segments of an EnCase image: chunks of 32 KiB, each packed or with its Adler-32."""
    chunks = [disk[i : i + E01_CHUNK] for i in range(0, len(disk), E01_CHUNK)]
    share = -(-len(chunks) // segments)
    out = []
    for k in range(segments):
        last = k == segments - 1
        part = chunks[k * share : (k + 1) * share]
        file = bytearray(b"EVF\x09\x0d\x0a\xff\0" + struct.pack("<BHH", 1, k + 1, 0))
        if k == 0:
            text = "1\nmain\nc\tn\ta\te\tt\tav\tov\tm\tu\tp\n\t\t\t\t\t\t\t2024 1 1 0 0 0\t2024 1 1 0 0 0\t0\n\n"
            _section(file, b"header", zlib.compress(text.encode()))
            volume = struct.pack("<IIIIQ", 1, len(chunks), 64, SECTOR, len(disk) // SECTOR)
            volume = volume.ljust(1048, b"\0")
            _section(file, b"volume", volume + struct.pack("<I", zlib.adler32(volume)))
        _chunks(file, part, pack)
        if last:
            _hashes(file, disk)
        _section(file, b"done" if last else b"next", b"", end=True)
        out.append(bytes(file))
    return out


def _section(file: bytearray, kind: bytes, body: bytes, end: bool = False) -> int:
    """Append a section; returns the offset of its body."""
    start = len(file)
    size = 76 + len(body)
    head = struct.pack("<16sQQ40x", kind, start if end else start + size, 0 if end else size)
    file += head + struct.pack("<I", zlib.adler32(head)) + body
    return start + 76


def _chunks(file: bytearray, chunks: list[bytes], pack: bool) -> None:
    body, entries = bytearray(), []
    start = len(file) + 76
    for chunk in chunks:
        entries.append(len(body) + start | (1 << 31 if pack else 0))
        body += zlib.compress(chunk) if pack else chunk + struct.pack("<I", zlib.adler32(chunk))
    _section(file, b"sectors", bytes(body))
    head = struct.pack("<I4xQ4x", len(entries), 0)
    listed = struct.pack(f"<{len(entries)}I", *entries)
    table = head + struct.pack("<I", zlib.adler32(head)) + listed
    table += struct.pack("<I", zlib.adler32(listed))
    _section(file, b"table", table)
    _section(file, b"table2", table)


def _hashes(file: bytearray, disk: bytes) -> None:
    md5 = hashlib.md5(disk).digest()
    for kind, body in (
        (b"digest", md5 + hashlib.sha1(disk).digest() + bytes(40)),
        (b"hash", md5 + bytes(16)),
    ):
        _section(file, kind, body + struct.pack("<I", zlib.adler32(body)))


def vhd_footer(size: int, kind: int, identity: bytes = b"\x11" * 16) -> bytes:
    """A footer: kind 2 fixed, 3 dynamic, 4 differencing."""
    at = 0xFFFF_FFFF_FFFF_FFFF if kind == 2 else 512
    raw = bytearray(
        struct.pack(
            ">8sIIQI4sI4sQQIII16sB", b"conectix", 2, 0x10000, at, 0, b"win ", 0xA0000, b"Wi2k", size, size,
            0, kind, 0, identity, 0,
        ).ljust(512, b"\0")
    )  # fmt: skip
    struct.pack_into(">I", raw, 64, ~sum(raw) & 0xFFFF_FFFF)
    return bytes(raw)


def vhd_fixed(disk: bytes) -> bytes:
    """A fixed VHD."""
    return disk + vhd_footer(len(disk), 2)


def vhd_dynamic(
    disk: bytes,
    identity: bytes = b"\x11" * 16,
    parent: tuple[bytes, str, bytes] | None = None,
) -> bytes:
    """A dynamic VHD without its empty blocks; with (identity, name, disk) of a parent only the sectors that differ."""
    base = parent[2] if parent else bytes(len(disk))
    count = -(-len(disk) // BLOCK)
    table, body = [], bytearray()
    first = 512 + 1024 + -(-4 * count // SECTOR) * SECTOR
    for k in range(count):
        new, old = disk[k * BLOCK : (k + 1) * BLOCK], base[k * BLOCK : (k + 1) * BLOCK]
        if new == old:
            table.append(0xFFFF_FFFF)
            continue
        table.append((first + len(body)) // SECTOR)
        body += _vhd_block(new, old, parent is not None)
    footer = vhd_footer(len(disk), 4 if parent else 3, identity)
    header = bytearray(
        struct.pack(">8sQQIII", b"cxsparse", (1 << 64) - 1, 1536, 0x10000, count, BLOCK).ljust(1024, b"\0")
    )  # fmt: skip
    if parent:
        header[40:56] = parent[0]
        name = parent[1].encode("utf-16-be")
        header[64 : 64 + len(name)] = name
    struct.pack_into(">I", header, 36, ~sum(header) & 0xFFFF_FFFF)
    listed = struct.pack(f">{count}I", *table).ljust(first - 1536, b"\xff")
    return footer + bytes(header) + listed + bytes(body) + footer


def _vhd_block(new: bytes, old: bytes, differing: bool) -> bytes:
    bits = bytearray(BLOCK // SECTOR // 8)
    data = bytearray()
    for k in range(len(new) // SECTOR):
        sector = new[k * SECTOR : (k + 1) * SECTOR]
        own = not differing or sector != old[k * SECTOR : (k + 1) * SECTOR]
        bits[k // 8] |= own << (7 - k % 8)
        data += sector if own else bytes(SECTOR)
    return bytes(bits) + bytes(data).ljust(BLOCK, b"\0")


def vhdx(
    disk: bytes,
    data_guid: uuid.UUID,
    parent: tuple[uuid.UUID, str, bytes] | None = None,
    log: uuid.UUID | None = None,
) -> bytes:
    """A dynamic VHDX with blocks of 2 MiB; with (GUID, name, disk) of a parent only the sectors that differ."""
    items = [
        ("caa16737-fa36-4d43-b3b6-33f0aa44e76b", struct.pack("<II", BLOCK, 2 if parent else 0)),
        ("2fa54224-cd1b-4876-b211-5dbed83bf4b8", struct.pack("<Q", len(disk))),
        ("8141bf1d-a96f-4709-ba47-f233a8faab5f", struct.pack("<I", SECTOR)),
        ("cda348c7-445d-4471-9cc9-e9885251c556", struct.pack("<I", SECTOR)),
        ("beca12ab-b2e6-4523-93ef-c309e000c746", b"\x77" * 16),
    ]
    if parent:
        items.append(("a8d35f2d-b30b-454d-abf7-d3d84834ab0c", _locator(parent[0], parent[1])))
    table, blocks = _vhdx_blocks(disk, parent[2] if parent else None)
    regions = struct.pack("<4sIII", b"regi", 0, 2, 0)
    for guid, at in (
        ("2dc27766-f623-4200-9d64-115e9bfd4a08", 3 * MB),
        ("8b7ca206-4790-4b9a-b8fe-575f050f886e", 2 * MB),
    ):
        regions += uuid.UUID(guid).bytes_le + struct.pack("<QII", at, MB, 1)
    regions = with_crc(regions.ljust(65536, b"\0"))
    file = bytearray(4 * MB)
    file[0:8] = b"vhdxfile"
    for k, at in enumerate((1 << 16, 2 << 16)):
        head = struct.pack("<4sIQ16s16s16sHHIQ", b"head", 0, k + 1, b"\x01" * 16, data_guid.bytes_le,
                           log.bytes_le if log else bytes(16), 0, 1, MB, MB)  # fmt: skip
        file[at : at + 4096] = with_crc(head.ljust(4096, b"\0"))
    for at in (3 << 16, 4 << 16):
        file[at : at + 65536] = regions
    file[2 * MB : 3 * MB] = _metadata(items)
    file[3 * MB : 3 * MB + len(table)] = table
    return bytes(file) + blocks


def _vhdx_blocks(disk: bytes, base: bytes | None) -> tuple[bytes, bytes]:
    ratio = (1 << 23) * SECTOR // BLOCK
    count = -(-len(disk) // BLOCK)
    table = [0] * (count + -(-count // ratio) + 1)
    blocks, bits = bytearray(), bytearray(MB)
    for k in range(count):
        new = disk[k * BLOCK : (k + 1) * BLOCK]
        old = bytes(len(new)) if base is None else base[k * BLOCK : (k + 1) * BLOCK]
        if new == old:
            continue
        state = 6 if base is None else 7
        table[k] = 4 * MB + len(blocks) | state
        data = bytearray()
        for i in range(len(new) // SECTOR):
            sector = new[i * SECTOR : (i + 1) * SECTOR]
            own = base is None or sector != old[i * SECTOR : (i + 1) * SECTOR]
            at = k * BLOCK // SECTOR + i
            bits[at // 8] |= own << at % 8
            data += sector if own else b"\xdd" * SECTOR
        blocks += bytes(data).ljust(BLOCK, b"\0")
    assert count <= ratio
    if base is not None:
        table += [0] * (ratio + 1 - len(table))
        table[ratio] = 4 * MB + len(blocks) | 6
        blocks += bits
    return struct.pack(f"<{len(table)}Q", *table), bytes(blocks)


def _locator(guid: uuid.UUID, name: str) -> bytes:
    pairs = [("parent_linkage", f"{{{guid}}}"), ("relative_path", name)]
    at = 20 + 12 * len(pairs)
    entries, texts = b"", b""
    for key, value in pairs:
        k, v = key.encode("utf-16-le"), value.encode("utf-16-le")
        entries += struct.pack("<IIHH", at + len(texts), at + len(texts) + len(k), len(k), len(v))
        texts += k + v
    kind = uuid.UUID("b04aefb7-d19e-4a81-b789-25b8e9445913").bytes_le
    return kind + struct.pack("<HH", 0, len(pairs)) + entries + texts


def _metadata(items: list[tuple[str, bytes]]) -> bytes:
    table = struct.pack("<8sHH20x", b"metadata", 0, len(items))
    body = bytearray()
    for guid, value in items:
        flags = 4 if guid.startswith(("caa", "a8d")) else 6
        place = struct.pack("<IIII", 65536 + len(body), len(value), flags, 0)
        table += uuid.UUID(guid).bytes_le + place
        body += value.ljust(-(-len(value) // 8) * 8, b"\0")
    return (table.ljust(65536, b"\0") + bytes(body)).ljust(MB, b"\0")


def with_crc(raw: bytes) -> bytes:
    """The bytes with their CRC-32C in bytes 4 to 7."""
    crc = 0xFFFF_FFFF
    for byte in raw:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return raw[:4] + struct.pack("<I", crc ^ 0xFFFF_FFFF) + raw[8:]


def qcow2(disk: bytes, pack: Callable[[bytes], bytes] | None = None, backing: str = "") -> bytes:
    """A QCOW2 of version 3 without its empty clusters; `pack` stores them compressed."""
    bits = 16
    size = 1 << bits
    count = -(-len(disk) // size)
    tables = -(-count // (size // 8))
    body, entries = bytearray(), []
    first = (3 + tables) * size
    for k in range(count):
        cluster = disk[k * size : (k + 1) * size].ljust(size, b"\0")
        if not any(cluster):
            entries.append(0)
        elif pack is None:
            body += bytes(-(first + len(body)) % size)
            entries.append(first + len(body) | 1 << 63)
            body += cluster
        else:
            packed, at = pack(cluster), first + len(body)
            sectors = (at % 512 + len(packed) - 1) // 512
            entries.append(1 << 62 | sectors << (62 - (bits - 8)) | at)
            body += packed
    body += bytes(-len(body) % 512)
    head = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, 112 if backing else 0, len(backing), bits,
                       len(disk), 0, tables, size, 2 * size, 1, 0, 0)  # fmt: skip
    head += struct.pack(">QQQII", 0, 0, 0, 4, 104) + bytes(8) + backing.encode()
    l1 = struct.pack(f">{tables}Q", *((3 + k) * size | 1 << 63 for k in range(tables)))
    l2 = struct.pack(f">{count}Q", *entries).ljust(tables * size, b"\0")
    return head.ljust(size, b"\0") + l1.ljust(size, b"\0") + bytes(size) + l2 + bytes(body)


def deflated(data: bytes) -> bytes:
    """A raw deflate stream."""
    state = zlib.compressobj(9, zlib.DEFLATED, -12)
    return state.compress(data) + state.flush()


def vmdk_sparse(disk: bytes, parent_cid: str = "ffffffff") -> bytes:
    """A monolithic sparse VMDK with grains of 64 KiB."""
    grain, sectors = 128, len(disk) // SECTOR
    grains = -(-sectors // grain)
    tables = -(-grains // 512)
    text = vmdk_text(f'RW {sectors} SPARSE "disk.vmdk"', "monolithicSparse", parent_cid)
    directory = 21
    first_table = directory + -(-tables * 4 // SECTOR)
    overhead = -(-(first_table + tables * 4) // grain) * grain
    entries, body = [], bytearray()
    for k in range(grains):
        piece = disk[k * grain * SECTOR : (k + 1) * grain * SECTOR].ljust(grain * SECTOR, b"\0")
        if not any(piece):
            entries.append(0)
            continue
        entries.append(overhead + len(body) // SECTOR)
        body += piece
    head = struct.pack("<4sIIQQQQIQQQB4sH", b"KDMV", 1, 3, sectors, grain, 1, 20, 512, directory,
                       directory, overhead, 0, b"\n \r\n", 0).ljust(SECTOR, b"\0")  # fmt: skip
    listed = struct.pack(f"<{tables}I", *(first_table + 4 * k for k in range(tables)))
    file = head + text.encode().ljust(20 * SECTOR, b"\0")
    file += listed.ljust((first_table - directory) * SECTOR, b"\0")
    file += struct.pack(f"<{grains}I", *entries).ljust(tables * 4 * SECTOR, b"\0")
    return file.ljust(overhead * SECTOR, b"\0") + bytes(body)


def vmdk_text(extents: str, kind: str, parent_cid: str = "ffffffff") -> str:
    """The descriptor of a VMDK."""
    return (
        f"# Disk DescriptorFile\nversion=1\nCID=11223344\nparentCID={parent_cid}\n"
        f'createType="{kind}"\n\n# Extent description\n{extents}\n\n# The Disk Data Base\n#DDB\n\n'
        'ddb.virtualHWVersion = "4"\nddb.adapterType = "ide"\n'
    )
