"""Writes traces that our writer would not, but that FORMAT.md allows: for tests of both readers. No trace of a run is written with this."""

import struct
import subprocess
from dataclasses import dataclass, field

from canonical import canonical_guest_columns, canonical_network_columns, varint
from columns import COMPRESSED, PLAIN, Columns
from framing import CHUNK_HEADER, CHUNK_MAGIC, FILE_HEADER, FILE_MAGIC, TRAILER, TRAILER_MAGIC
from framing import GUEST, NETWORK, NO_STREAM, PAGE, ROOT, RUN, Chunk
from guest_events import ABORTED, ClockReads, ConsoleBytes, End, Event, FrameSent, last_time
from layout import CHUNKS_IN_PAGE
from network_events import DELIVERED, NetworkEvent
from xxh3 import xxh3_64, xxh3_128


@dataclass(frozen=True)
class Node:
    """A struct to be written: its data section, its pointers. Pointers are Node, bytes (Data), list[Node], list[int] or None."""

    data: bytes
    pointers: list = field(default_factory=list)


def message(root: Node) -> bytes:
    segment = bytearray(8)
    place(segment, 0, root)
    return struct.pack("<II", 0, len(segment) // 8) + segment


def place(segment: bytearray, at: int, value: object) -> None:
    """Appends `value`; writes the pointer to it at byte `at`."""
    offset = (len(segment) - at) // 8 - 1
    if isinstance(value, Node):
        set_word(segment, at, offset << 2 | len(value.data) // 8 << 32 | len(value.pointers) << 48)
        place_contents(segment, [value])
    elif isinstance(value, bytes) and value:
        set_word(segment, at, 1 | offset << 2 | 2 << 32 | len(value) << 35)
        segment += value + bytes(-len(value) % 8)
    elif isinstance(value, list) and value and isinstance(value[0], int):
        set_word(segment, at, 1 | offset << 2 | 5 << 32 | len(value) << 35)
        segment += struct.pack(f"<{len(value)}Q", *value)
    elif isinstance(value, list) and value:
        words = len(value[0].data) // 8 + len(value[0].pointers)
        set_word(segment, at, 1 | offset << 2 | 7 << 32 | len(value) * words << 35)
        segment += struct.pack("<Q", len(value) << 2 | len(value[0].data) // 8 << 32 | len(value[0].pointers) << 48)
        place_contents(segment, value)


def place_contents(segment: bytearray, nodes: list[Node]) -> None:
    """The nodes one after another, then what they point to."""
    begin = len(segment)
    for node in nodes:
        segment += node.data + bytes(8 * len(node.pointers))
    for i, node in enumerate(nodes):
        pointers = begin + (i + 1) * len(node.data) + i * 8 * len(node.pointers)
        for j, value in enumerate(node.pointers):
            place(segment, pointers + 8 * j, value)


def set_word(segment: bytearray, at: int, word: int) -> None:
    segment[at : at + 8] = struct.pack("<Q", word)


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def zstd_frame(content: bytes) -> bytes:
    command = ["zstd", "-q", "-c", f"--stream-size={len(content)}"]
    return subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True).stdout


def stored_column(column: bytes, way: int) -> bytes:
    if not column:
        return b""
    if way == PLAIN:
        return b"\0" + column
    if way == COMPRESSED:
        return b"\1" + zstd_frame(column)
    varints, begin = [], 0
    for at, byte in enumerate(column):
        if byte < 0x80:
            varints.append(column[begin : at + 1])
            begin = at + 1
    planes = b"".join(bytes(each[i] for each in varints if len(each) > i) for i in range(max(map(len, varints))))
    return b"\2" + varint(len(varints)) + zstd_frame(planes)


@dataclass
class Stream:
    """What a trace says of one guest, or of the network. `chunks`: their events."""

    chunks: list[list]
    before: tuple[int, int, int, int] = (0, 0, 0, 0)
    received_bytes: list[int] = field(default_factory=list)  # of each chunk
    implied: bool = False
    delivered: int = 0  # network: implied ones
    way: int = PLAIN
    varint_way: int = PLAIN  # of columns of varints alone


NOT_VARINTS = {"sentPayload", "embeddedPayload", "consoleBytes", "end", "verdict"}


def counts_of(events: list[Event | NetworkEvent]) -> list[int]:
    counts = [0] * 4
    for event in events:
        if isinstance(event, NetworkEvent):
            counts[0 if event.verdict == DELIVERED else 1] += 1
        elif isinstance(event, ClockReads):
            counts[0] += event.count
        elif isinstance(event, ConsoleBytes):
            counts[3] += len(event.data)
        elif not isinstance(event, End):
            counts[1 if isinstance(event, FrameSent) else 2] += 1
    return counts


class TraceBuilder:
    def __init__(self, minor: int = 0) -> None:
        header = struct.pack("<8sHHIII", FILE_MAGIC, 2, minor, 0, NO_STREAM, 0)[:24]
        self.file = bytearray(header + bytes(28 - len(header)))
        self.file[24:] = struct.pack("<Q", xxh3_64(header))
        assert len(self.file) == FILE_HEADER.size
        self.kept: list[int] = []
        self.summaries: list[Node] = []

    def add_chunk(self, stream: int, kind: int, number: int, body: bytes, raw_size: int, ends: int = 0, spans: bytes = bytes(88)) -> int:
        """`spans`: the header's bytes 24 to 111. Returns the chunk's offset."""
        offset = len(self.file)
        header = struct.pack("<8sIHHQ", CHUNK_MAGIC, stream, kind, ends, number) + spans + struct.pack("<II", raw_size, len(body))
        self.file += header + struct.pack("<Q", xxh3_64(header + body)) + body
        assert len(self.file) == offset + CHUNK_HEADER.size + len(body)
        return offset

    def add_unknown(self, kind: int, body: bytes) -> None:
        self.kept.append(self.add_chunk(NO_STREAM, kind, 77, body, 12345, ends=9, spans=bytes(range(88))))

    def add_message(self, stream: int, kind: int, number: int, root: Node) -> int:
        content = message(root)
        return self.add_chunk(stream, kind, number, zstd_frame(content), len(content))

    def add_stream(self, number: int, stream: Stream) -> None:
        kind = NETWORK if number == NO_STREAM else GUEST
        before, entries, pages, page_digests, sizes = list(stream.before), [], [], [], None
        time = 0
        for i, events in enumerate(stream.chunks):
            first, last = (events[0].at, last_time(events[-1])) if events else (time, time)
            time = last
            canonical = canonical_network_columns if kind == NETWORK else canonical_guest_columns
            columns = canonical(first, events)
            stored = [stored_column(each, stream.way if name in NOT_VARINTS else stream.varint_way) for name, each in columns.items()]
            body = message(Node(struct.pack("<Q", kind), [Node(b"", stored)]))
            raw, counts, ends = sum(map(len, columns.values())), counts_of(events), int(i == len(stream.chunks) - 1)
            received = stream.received_bytes[i] if stream.received_bytes else 0
            spans = struct.pack("<qq4Q4QQ", first, last, *counts, *before, received)
            offset = self.add_chunk(number, kind, i, body, raw, ends, spans)
            digest = Columns(Chunk(0, 0, kind, 0, 0, first, last, (), (), 0, 0, b""), columns, []).digest()
            high_low = int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")
            entry = Node(struct.pack("<Q", offset) + spans + struct.pack("<QQIIII", *high_low, raw, len(body), ends, 0))
            entries.append((digest, entry, first, last, before[1]))
            pairs = [(len(each), len(held)) for each, held in zip(columns.values(), stored)]
            sizes = pairs if sizes is None else [(a + c, b + d) for (a, b), (c, d) in zip(sizes, pairs)]
            before = [a + b for a, b in zip(before, counts)]
            if len(entries) == CHUNKS_IN_PAGE or ends:
                pages.append(self.add_page(number, len(pages), entries, page_digests))
                entries = []
        statistics = self.statistics(stream) if kind == GUEST else None
        rows = [before[i] - stream.before[i] if kind == NETWORK else 0 for i in range(2)]
        data = struct.pack("<QQQ", len(stream.chunks), rows[0] + stream.delivered, rows[1])
        columns_sizes = [Node(struct.pack("<QQ", *pair)) for pair in sizes or [(0, 0)] * 15]
        self.summaries.append(Node(data, [pages, xxh3_128(b"".join(page_digests)), columns_sizes, statistics]))

    def add_page(self, stream: int, number: int, entries: list[tuple], digests: list[bytes]) -> Node:
        digest = xxh3_128(b"".join(entry[0] for entry in entries))
        digests.append(digest)
        before = len(self.file)
        offset = self.add_message(stream, PAGE, number, Node(b"", [[entry[1] for entry in entries]]))
        stored = len(self.file) - before - CHUNK_HEADER.size
        high_low = int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")
        return Node(struct.pack("<QIIqqQQQ", offset, stored, len(entries), entries[0][2], entries[-1][3], entries[0][4], *high_low))

    def statistics(self, stream: Stream) -> Node:
        events = [event for chunk in stream.chunks for event in chunk]
        counts, reads = counts_of(events), [0] * 6
        for event in events:
            if isinstance(event, ClockReads):
                reads[event.source] += event.count
        sent = sum(len(event.payload) for event in events if isinstance(event, FrameSent))
        times = (events[0].at, last_time(events[-1])) if events else (0, 0)
        ended = bool(events) and isinstance(events[-1], End)
        data = struct.pack("<QQQQQqq", counts[1], counts[2], sent, sum(stream.received_bytes), counts[3], *times)
        data += bytes([ended | stream.implied << 1, events[-1].reason if ended else ABORTED, *bytes(6)])
        return Node(data, [reads])

    def finish(self, run: Node) -> bytes:
        run_offset = self.add_message(NO_STREAM, RUN, 0, run)
        root = Node(b"", [self.summaries[:-1], self.summaries[-1], self.kept])
        root_offset = self.add_message(NO_STREAM, ROOT, 0, root)
        trailer = struct.pack("<QQQ", run_offset, root_offset, len(self.file) + TRAILER.size)
        return bytes(self.file) + trailer + struct.pack("<Q", xxh3_64(trailer)) + TRAILER_MAGIC


def run_info(names: list[str], omitted: list[bool], partial: tuple[int, int] | None = None, more: bytes = b"") -> Node:
    """`more`: fields of a later version, a multiple of 8 bytes."""
    guests = []
    for name, left_out in zip(names, omitted):
        guests.append(Node(struct.pack("<II", 0, left_out), [text(name), text("host"), *[b"\0"] * 5, None, None]))
    from_ns, to_ns = partial or (0, (1 << 63) - 1)
    data = struct.pack("<QqqQqq", 42, 1000, 0, 2 if partial else 0, from_ns, to_ns ^ ((1 << 63) - 1)) + more
    return Node(data, [text("0.1.0"), text("4.0"), None, text("<platform/>"), text("<platform/>"), guests])
