"""The columns of a chunk: the three ways to store one, and the varints in it (head of trace.capnp)."""

import struct
from dataclasses import dataclass

from damage import check, refuse
from framing import GUEST, Chunk, plain_message
from xxh3 import xxh3_128
from zstd_frames import Frame, decompress, parse_frame

PLAIN, COMPRESSED, PLANES = range(3)
GUEST_COLUMNS = [
    "order", "clockGroup", "clockTime", "clockValue", "sentTime", "sentSize", "sentPayload", "receivedTime", "receivedSender",
    "receivedFrame", "embeddedSize", "embeddedPayload", "consoleTime", "consoleBytes", "end",
]  # fmt: skip
INPUT_COLUMNS = ["inputTime", "inputBytes"]  # behind those, in chunks with console input only
GUEST_BODY, NETWORK_BODY, INPUT_BODY = range(3)  # alternatives of Chunk
NETWORK_COLUMNS = ["verdict", "time", "transit", "sender", "frame", "receiver"]
VARINT_BYTES = 10
WRAP = 1 << 64


@dataclass(frozen=True)
class StoredColumn:
    place: str
    way: int
    stored_size: int
    plain: bytes  # way 0 only
    frame: Frame | None
    varints: int  # way 2 only

    @property
    def raw_size(self) -> int:
        return self.frame.content_size if self.frame else len(self.plain)


@dataclass(frozen=True)
class Columns:
    """One chunk's, uncompressed."""

    chunk: Chunk
    raw: dict[str, bytes]
    stored_sizes: list[int]

    def digest(self) -> bytes:
        parts = [struct.pack("<qq", self.chunk.first_ns, self.chunk.last_ns)]
        for column in self.raw.values():
            parts += [struct.pack("<Q", len(column)), column]
        return xxh3_128(b"".join(parts))


def stored_columns(chunk: Chunk) -> list[StoredColumn]:
    body = plain_message(chunk).root()
    alternative = body.number(0, 2)
    fits = alternative == NETWORK_BODY if chunk.kind != GUEST else alternative in (GUEST_BODY, INPUT_BODY)
    check(fits, chunk.place, "body of another kind than the chunk")
    held = body.struct(0)
    inner = held.struct(0) if alternative == INPUT_BODY else held
    data = [inner.data(i) for i in range(len(GUEST_COLUMNS if chunk.kind == GUEST else NETWORK_COLUMNS))]
    if alternative == INPUT_BODY:
        data += [held.data(1), held.data(2)]
    columns = [parse_column(stored, f"{chunk.place}: column {name}") for name, stored in zip(column_names(chunk), data)]
    check(all(column.raw_size for column in columns[len(GUEST_COLUMNS) :]), chunk.place, "columns of console input without any")
    total = sum(column.raw_size for column in columns)
    check(total == chunk.raw_size, chunk.place, f"columns of {total} bytes, the header says {chunk.raw_size}")
    return columns


def column_names(chunk: Chunk) -> list[str]:
    """All that it may have: the last two only with console input."""
    return GUEST_COLUMNS + INPUT_COLUMNS if chunk.kind == GUEST else NETWORK_COLUMNS


def parse_column(stored: bytes, place: str) -> StoredColumn:
    if not stored:
        return StoredColumn(place, PLAIN, 0, b"", None, 0)
    way, at, varints = stored[0], 1, 0
    if way == PLAIN:
        return StoredColumn(place, way, len(stored), stored[1:], None, 0)
    check(way in (COMPRESSED, PLANES), place, f"column stored in way {way}")
    if way == PLANES:
        varints, at = varint_at(stored, at, place)
    frame = parse_frame(stored[at:], place, 1 << 20)
    return StoredColumn(place, way, len(stored), b"", frame, varints)


def open_columns(chunks: list[Chunk]) -> list[Columns]:
    """Of all chunks at once: starting a process for each column would take most of the time."""
    stored = [stored_columns(chunk) for chunk in chunks]
    contents = iter(decompress([column.frame for columns in stored for column in columns if column.frame]))
    opened = []
    for chunk, columns in zip(chunks, stored):
        raw = {}
        for name, column in zip(column_names(chunk), columns):
            content = next(contents) if column.frame else column.plain
            raw[name] = joined_planes(content, column.varints, column.place) if column.way == PLANES else content
        opened.append(Columns(chunk, raw, [column.stored_size for column in columns]))
    return opened


def joined_planes(content: bytes, count: int, place: str) -> bytes:
    """All first bytes, then all second bytes of the varints that have one, and so on: back to varints one after another."""
    check(count <= len(content), place, f"{count} varints in {len(content)} bytes")
    varints = [bytearray() for _ in range(count)]
    going_on, at = varints, 0
    while going_on:
        plane = content[at : at + len(going_on)]
        check(len(plane) == len(going_on), place, "planes of varints cut")
        at += len(plane)
        for varint, byte in zip(going_on, plane):
            varint.append(byte)
        going_on = [varint for varint, byte in zip(going_on, plane) if byte & 0x80]
        check(not going_on or len(going_on[0]) < VARINT_BYTES, place, "varint of more than 10 bytes")
    check(at == len(content), place, "bytes behind the planes of the last varints")
    return b"".join(varints)


def varint_at(data: bytes, at: int, place: str) -> tuple[int, int]:
    """(value, where the next begins)"""
    value = shift = 0
    while True:
        check(at < len(data), place, "column ends in a varint, or before it")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        check(shift < 7 * VARINT_BYTES, place, "varint of more than 10 bytes")
    check(byte != 0 or shift == 0, place, "varint that is not in its shortest form")
    check(value < WRAP, place, "varint above 64 bits")
    return value, at


def unzigzag(varint: int) -> int:
    return varint >> 1 ^ -(varint & 1)


class ColumnReader:
    """Takes a column from its beginning to its end."""

    def __init__(self, columns: Columns, name: str) -> None:
        self.data = columns.raw.get(name, b"")
        self.at = 0
        self.place = f"{columns.chunk.place}: column {name}"

    def varint(self) -> int:
        value, self.at = varint_at(self.data, self.at, self.place)
        return value

    def zigzag(self) -> int:
        return unzigzag(self.varint())

    def bytes(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            refuse(self.place, f"column ends {count - (len(self.data) - self.at)} bytes too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def byte(self) -> int:
        return self.bytes(1)[0]

    @property
    def used_up(self) -> bool:
        return self.at == len(self.data)

    def check_used_up(self) -> None:
        check(self.used_up, self.place, f"{len(self.data) - self.at} bytes too many")
