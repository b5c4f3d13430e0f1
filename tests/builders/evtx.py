"""EVTX writer for tests: chunks, binary XML templates with substitution arrays, checksums.

Written from the public descriptions: [MS-EVEN6] 2.2.12 to 2.2.16 (BinXml) and the layout of the
file, chunk and
record headers as published by the libevtx project. Shares no code with the parsers it tests.

Each event is written as Windows writes it: an outer template per provider (System) whose last value
is embedded
binary XML, itself an instance of a template per field list (EventData or UserData). Names and
templates are stored
once in a chunk and referred to by offset afterwards.
"""

import hashlib
import struct
import uuid
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.builders.evtx_values import (
    Kind,
    Value,
    as_value,
    filetime,
    guid,
    hex64,
    sid,
    u8,
    u16,
    u32,
    u64,
)

CHUNK_BYTES = 65536
CHUNK_HEADER_BYTES = 512
FILE_HEADER_BYTES = 4096
EVENT_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
CLASSIC_KEYWORD = 0x0080000000000000
ZERO_GUID = uuid.UUID(int=0)

FieldList = Sequence[tuple[str, object]]


@dataclass(frozen=True, slots=True)
class Sub:
    """A place that a value of the array fills; `optional`: nothing is rendered for a NULL."""

    index: int
    kind: Kind
    optional: bool = True


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a template; children are elements, literal text or substitutions."""

    name: str
    attributes: tuple[tuple[str, "str | Sub"], ...] = ()
    children: tuple["Element | str | Sub", ...] = ()


@dataclass(frozen=True, slots=True)
class UserData:
    """Contents of UserData: the element's name, its namespace and its fields as child elements."""

    name: str
    namespace: str
    fields: FieldList


@dataclass(frozen=True, slots=True)
class Event:
    """One event as given to the writer. `time_ns` counts from 1970, UTC."""

    provider: str
    provider_guid: str | None
    event_id: int
    time_ns: int
    fields: tuple[tuple[str, Value], ...]
    system: tuple[Value, ...]
    channel: str
    computer: str
    record_id: int
    binary: bytes | None = None
    user_data: UserData | None = None
    named_by_values: bool = False


def to_ns(when: datetime | int) -> int:
    """Nanoseconds since 1970 of an aware or naive (= UTC) datetime; integers pass."""
    if isinstance(when, int):
        return when
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    span = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (span.days * 86400 + span.seconds) * 1_000_000_000 + span.microseconds * 1000


def name_hash(name: str) -> int:
    """Hash of an element's or attribute's name ([MS-EVEN6] 2.2.12): 65599 * h + c, low 16 bits."""
    value = 0
    for unit in struct.unpack(f"<{len(name.encode('utf-16-le')) // 2}H", name.encode("utf-16-le")):
        value = (value * 65599 + unit) & 0xFFFFFFFF
    return value & 0xFFFF


@dataclass(slots=True)
class _Chunk:
    """A chunk being filled."""

    buf: bytearray = field(default_factory=lambda: bytearray(CHUNK_HEADER_BYTES))
    names: dict[str, int] = field(default_factory=dict)
    templates: dict[uuid.UUID, int] = field(default_factory=dict)
    name_heads: dict[int, int] = field(default_factory=dict)
    template_heads: dict[int, int] = field(default_factory=dict)
    records: list[tuple[int, int]] = field(default_factory=list)
    """(record number, offset) of each record."""

    def snapshot(self) -> "_Chunk":
        return _Chunk(
            bytearray(self.buf),
            dict(self.names),
            dict(self.templates),
            dict(self.name_heads),
            dict(self.template_heads),
            list(self.records),
        )

    def put(self, data: bytes) -> None:
        self.buf += data

    def put_name(self, name: str) -> None:
        """Reference to a name; the name itself follows at its first use in the chunk."""
        if name in self.names:
            self.put(struct.pack("<I", self.names[name]))
            return
        offset = len(self.buf) + 4
        hashed, text = name_hash(name), name.encode("utf-16-le")
        bucket = hashed % 64
        head = struct.pack("<IIHH", offset, self.name_heads.get(bucket, 0), hashed, len(text) // 2)
        self.put(head + text + b"\0\0")
        self.names[name] = self.name_heads[bucket] = offset

    def patch_size(self, at: int) -> None:
        """Fill the u32 at `at` with the number of bytes behind it."""
        struct.pack_into("<I", self.buf, at, len(self.buf) - at - 4)

    def put_content(self, item: "Element | str | Sub") -> None:
        if isinstance(item, Element):
            self.put_element(item)
        elif isinstance(item, Sub):
            self.put(struct.pack("<BHB", 0x0E if item.optional else 0x0D, item.index, item.kind))
        else:
            text = item.encode("utf-16-le")
            self.put(struct.pack("<BBH", 0x05, Kind.STRING, len(text) // 2) + text)

    def put_element(self, element: Element) -> None:
        has = bool(element.attributes)
        self.put(struct.pack("<BHI", 0x41 if has else 0x01, 0xFFFF, 0))
        size_at = len(self.buf) - 4
        self.put_name(element.name)
        if has:
            self.put_attributes(element.attributes)
        if element.children:
            self.put(b"\x02")
            for child in element.children:
                self.put_content(child)
            self.put(b"\x04")
        else:
            self.put(b"\x03")
        self.patch_size(size_at)

    def put_attributes(self, attributes: tuple[tuple[str, "str | Sub"], ...]) -> None:
        size_at = len(self.buf)
        self.put(bytes(4))
        for i, (name, content) in enumerate(attributes):
            self.put(b"\x46" if i + 1 < len(attributes) else b"\x06")
            self.put_name(name)
            self.put_content(content)
        self.patch_size(size_at)

    def put_instance(self, root: Element, values: Sequence["Value | Callable[[], None]"]) -> None:
        """Fragment with an instance of the template `root`; callables write embedded XML."""
        key = uuid.UUID(bytes=hashlib.sha256(repr(root).encode()).digest()[:16])
        template_id = struct.unpack("<I", key.bytes_le[:4])[0]
        self.put(b"\x0f\x01\x01\x00" + struct.pack("<BBI", 0x0C, 1, template_id))
        if key in self.templates:
            self.put(struct.pack("<I", self.templates[key]))
        else:
            self.put_template(key, template_id % 32, root)
        self.put(struct.pack("<I", len(values)))
        descriptors_at = len(self.buf)
        self.put(bytes(4 * len(values)))
        for i, value in enumerate(values):
            start = len(self.buf)
            if isinstance(value, Value):
                self.put(value.data)
                kind = value.kind
            else:
                value()
                kind = Kind.BINXML
            size = len(self.buf) - start
            if size > CHUNK_BYTES - 1:
                raise ValueError(f"a value of {size} bytes does not fit into one chunk")
            struct.pack_into("<HBB", self.buf, descriptors_at + 4 * i, size, kind, 0)
        self.put(b"\0")

    def put_template(self, key: uuid.UUID, bucket: int, root: Element) -> None:
        offset = len(self.buf) + 4
        self.put(
            struct.pack("<II", offset, self.template_heads.get(bucket, 0)) + key.bytes_le + bytes(4)
        )
        size_at = len(self.buf) - 4
        self.put(b"\x0f\x01\x01\x00")
        self.put_element(root)
        self.put(b"\0")
        self.patch_size(size_at)
        self.templates[key] = self.template_heads[bucket] = offset

    def put_record(self, event: Event, number: int) -> None:
        start = len(self.buf)
        when = event.time_ns // 100 + 116444736000000000
        self.put(struct.pack("<4sIQQ", b"**\0\0", 0, number, when))
        inner, inner_values = _payload(event)
        values: list[Value | Callable[[], None]] = [*event.system]
        if inner:
            values.append(lambda: self.put_instance(inner, inner_values))
        else:
            values.append(Value(Kind.NULL, b""))
        self.put_instance(_system_template(event), values)
        self.put(bytes(-(len(self.buf) - start + 4) % 8))
        size = len(self.buf) - start + 4
        struct.pack_into("<I", self.buf, start + 4, size)
        self.put(struct.pack("<I", size))
        self.records.append((number, start))

    def finish(self) -> bytes:
        """The chunk's 65,536 bytes with header and both checksums."""
        free = len(self.buf)
        first, last = self.records[0][0], self.records[-1][0]
        struct.pack_into(
            "<8sQQQQIIII",
            self.buf,
            0,
            b"ElfChnk\0",
            first,
            last,
            first,
            last,
            128,
            self.records[-1][1],
            free,
            zlib.crc32(self.buf[CHUNK_HEADER_BYTES:free]),
        )
        for bucket, offset in self.name_heads.items():
            struct.pack_into("<I", self.buf, 128 + 4 * bucket, offset)
        for bucket, offset in self.template_heads.items():
            struct.pack_into("<I", self.buf, 384 + 4 * bucket, offset)
        crc = zlib.crc32(self.buf[128:512], zlib.crc32(self.buf[:120]))
        struct.pack_into("<I", self.buf, 124, crc)
        return bytes(self.buf) + bytes(CHUNK_BYTES - free)


SYSTEM_KINDS = (
    Kind.U8,
    Kind.U8,
    Kind.U16,
    Kind.U16,
    Kind.U16,
    Kind.HEX64,
    Kind.FILETIME,
    Kind.GUID,
    Kind.U32,
    Kind.U32,
    Kind.U64,
    Kind.U8,
    Kind.SID,
    Kind.GUID,
)
"""Level, opcode, task, id, qualifiers, keywords, time, activity, process, thread, record,
version, user, related activity."""


def _system_template(event: Event) -> Element:
    s = [Sub(i, kind) for i, kind in enumerate(SYSTEM_KINDS)]
    provider: tuple[tuple[str, str | Sub], ...] = (("Name", event.provider),)
    if event.provider_guid:
        provider = (*provider, ("Guid", "{" + event.provider_guid.strip("{}") + "}"))
    system = Element(
        "System",
        (),
        (
            Element("Provider", provider),
            Element("EventID", (("Qualifiers", s[4]),), (s[3],)),
            Element("Version", (), (s[11],)),
            Element("Level", (), (s[0],)),
            Element("Task", (), (s[2],)),
            Element("Opcode", (), (s[1],)),
            Element("Keywords", (), (s[5],)),
            Element("TimeCreated", (("SystemTime", s[6]),)),
            Element("EventRecordID", (), (s[10],)),
            Element("Correlation", (("ActivityID", s[7]), ("RelatedActivityID", s[13]))),
            Element("Execution", (("ProcessID", s[8]), ("ThreadID", s[9]))),
            Element("Channel", (), (event.channel,)),
            Element("Computer", (), (event.computer,)),
            Element("Security", (("UserID", s[12]),)),
        ),
    )
    return Element("Event", (("xmlns", EVENT_NAMESPACE),), (system, Sub(len(s), Kind.BINXML)))


def _payload(event: Event) -> tuple[Element | None, list[Value]]:
    """Template and values of EventData or UserData; None: the event has neither."""
    if event.user_data is not None:
        given = event.user_data
        values = [as_value(v) for _, v in given.fields]
        children = tuple(
            Element(name, (), (Sub(i, values[i].kind, optional=False),))
            for i, (name, _) in enumerate(given.fields)
        )
        return Element(
            "UserData", (), (Element(given.name, (("xmlns", given.namespace),), children),)
        ), values
    values = [v for _, v in event.fields]
    names: list[str | Sub] = [name for name, _ in event.fields]
    if event.named_by_values:
        names = [Sub(len(values) + i, Kind.STRING, optional=False) for i in range(len(names))]
        values += [as_value(name) for name, _ in event.fields]
    data = [
        Element("Data", (("Name", name),) if name else (), (Sub(i, value.kind, optional=False),))
        for i, (name, (_, value)) in enumerate(zip(names, event.fields, strict=True))
    ]
    if event.binary is not None:
        data.append(Element("Binary", (), (Sub(len(values), Kind.BINARY, optional=False),)))
        values.append(as_value(event.binary))
    return (Element("EventData", (), tuple(data)), values) if data else (None, [])


class EvtxWriter:
    """Collects events of one log and builds the file.

    Record numbers in the headers count from `first_record_id`; `System/EventRecordID` is the same
    unless `record_id`
    is given for an event.
    """

    def __init__(self, channel: str, computer: str, first_record_id: int = 1) -> None:
        self.channel = channel
        self.computer = computer
        self.first_record_id = first_record_id
        self._events: list[Event] = []

    def add(
        self,
        provider: str,
        event_id: int,
        time_utc: datetime | int,
        fields: FieldList = (),
        user_sid: str | None = None,
        pid: int = 4,
        tid: int = 8,
        level: int = 4,
        version: int = 0,
        keywords: int = 0x8000000000000000,
        record_id: int | None = None,
        user_data: UserData | None = None,
        *,
        provider_guid: str | None = None,
        task: int = 0,
        opcode: int = 0,
        qualifiers: int | None = None,
        activity_id: str | None = None,
        related_activity_id: str | None = None,
        binary: bytes | None = None,
        named_by_values: bool = False,
    ) -> None:
        """Add one event.

        Values of `fields`: str, bool, int (unsigned, 32 bits where it fits), bytes, UUID, datetime,
        None, list of str, or a `Value` of
        `evtx_values` for an exact type. A field without a name becomes `<Data>` without the
        attribute.
        `keywords` with the classic bit set belongs to events that have `qualifiers`.
        `named_by_values`: the names are values of the record, `<Data Name="%1">` in the template.
        """
        number = self.first_record_id + len(self._events) if record_id is None else record_id
        ns = to_ns(time_utc)
        none = Value(Kind.NULL, b"")
        system = (
            u8(level),
            u8(opcode),
            u16(task),
            u16(event_id),
            none if qualifiers is None else u16(qualifiers),
            hex64(keywords),
            filetime(ns),
            guid(activity_id) if activity_id else none,
            u32(pid),
            u32(tid),
            u64(number),
            u8(version),
            sid(user_sid) if user_sid else none,
            guid(related_activity_id) if related_activity_id else none,
        )
        typed = tuple((name, as_value(value)) for name, value in fields)
        self._events.append(
            Event(
                provider,
                provider_guid,
                event_id,
                ns,
                typed,
                system,
                self.channel,
                self.computer,
                number,
                binary,
                user_data,
                named_by_values,
            )
        )

    def __len__(self) -> int:
        return len(self._events)

    def build(self) -> bytes:
        """The file: header block of 4,096 bytes and as many chunks as the events need.

        Raises:
            ValueError: an event does not fit into an empty chunk.
        """
        chunks: list[bytes] = []
        chunk = _Chunk()
        for i, event in enumerate(self._events):
            number = self.first_record_id + i
            before = chunk.snapshot()
            chunk.put_record(event, number)
            if len(chunk.buf) <= CHUNK_BYTES:
                continue
            if not before.records:
                raise ValueError(f"event {number} does not fit into one chunk")
            chunks.append(before.finish())
            chunk = _Chunk()
            chunk.put_record(event, number)
            if len(chunk.buf) > CHUNK_BYTES:
                raise ValueError(f"event {number} does not fit into one chunk")
        if chunk.records:
            chunks.append(chunk.finish())
        return _file_header(len(chunks), self.first_record_id + len(self._events)) + b"".join(
            chunks
        )


def _file_header(chunks: int, next_id: int) -> bytes:
    head = bytearray(FILE_HEADER_BYTES)
    struct.pack_into(
        "<8sQQQIHHHH",
        head,
        0,
        b"ElfFile\0",
        0,
        max(chunks - 1, 0),
        next_id,
        128,
        1,
        3,
        FILE_HEADER_BYTES,
        chunks,
    )
    struct.pack_into("<I", head, 124, zlib.crc32(head[:120]))
    return bytes(head)
