"""File header, trailer and chunk headers: FORMAT.md's "File header", "Chunk" and "trailer", with the limits that they state."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from capnp_message import Message
from damage import check, refuse
from xxh3 import xxh3_64
from zstd_frames import decompress, parse_frame

FILE_MAGIC = bytes.fromhex("895250520d0a1a0a")
CHUNK_MAGIC = bytes.fromhex("8952505243484e4b")
TRAILER_MAGIC = bytes.fromhex("895250525441494c")
MAJOR = 2
FILE_HEADER = struct.Struct("<8sHHIIIQ")
CHUNK_HEADER = struct.Struct("<8sIHHQqq4Q4QQIIQ")
TRAILER = struct.Struct("<QQQQ8s")

NO_STREAM = 0xFFFFFFFF  # the network's number, too
MOST_GUESTS = 4096
TRACE_FILE = 0
GUEST, NETWORK, RUN, PAGE, ROOT = range(5)
MOST_COLUMN_BYTES = 1 << 20
MOST_MESSAGE_BYTES = 8 << 20
MOST_BODY_BYTES = 8_454_144


@dataclass(frozen=True)
class Chunk:
    offset: int
    stream: int
    kind: int
    ends: int
    number: int
    first_ns: int
    last_ns: int
    counts: tuple[int, int, int, int]  # clock reads, frames sent, frames received, console bytes
    before: tuple[int, int, int, int]
    bytes_received: int
    raw_size: int
    body: bytes

    @property
    def end(self) -> int:
        return self.offset + CHUNK_HEADER.size + len(self.body)

    @property
    def place(self) -> str:
        what = {RUN: "run information", PAGE: "page", ROOT: "root"}.get(self.kind, f"chunk {self.number}")
        where = "" if self.kind in (RUN, ROOT) else " of the network" if self.stream == NO_STREAM else f" of guest {self.stream}"
        return f"{what}{where} at byte {self.offset}"


@dataclass(frozen=True)
class Trailer:
    run_offset: int
    root_offset: int


def parse_file_header(data: bytes) -> tuple[int, int]:
    """(major, minor) of a trace."""
    check(data[:8] == FILE_MAGIC, "byte 0", "not a Reprise file")
    check(len(data) >= FILE_HEADER.size, "byte 0", "file cut in its header")
    _, major, minor, kind, stream, zero, checksum = FILE_HEADER.unpack_from(data)
    check(major == MAJOR, "byte 8", f"version {major}.{minor}, this reader knows {MAJOR}")
    check(checksum == xxh3_64(data[:24]), "byte 24", "checksum of the file header does not match")
    check(kind == TRACE_FILE, "byte 12", f"file of kind {kind}, a trace is of kind {TRACE_FILE}")
    check(stream == NO_STREAM, "byte 16", "file header of a trace with a stream")
    check(zero == 0, "byte 20", "file header with bytes 20 to 23 that are not 0")
    return major, minor


def parse_trailer(data: bytes) -> Trailer:
    at = len(data) - TRAILER.size
    check(at >= FILE_HEADER.size, "byte 0", "file too small for a trailer")
    run_offset, root_offset, file_size, checksum, magic = TRAILER.unpack_from(data, at)
    check(magic == TRAILER_MAGIC, f"byte {at + 32}", "no trailer: the trace is incomplete")
    check(checksum == xxh3_64(data[at : at + 24]), f"byte {at + 24}", "checksum of the trailer does not match")
    check(file_size == len(data), f"byte {at + 16}", f"file of {len(data)} bytes, the trailer says {file_size}")
    check(FILE_HEADER.size <= run_offset < root_offset < at, f"byte {at}", "trailer with offsets out of order")
    return Trailer(run_offset, root_offset)


def chunks(data: bytes) -> Iterator[Chunk]:
    """All chunks between file header and trailer, which must lie without gaps; each is checked before it is given."""
    at, end = FILE_HEADER.size, len(data) - TRAILER.size
    while at < end:
        chunk = parse_chunk(data, at, end)
        yield chunk
        at = chunk.end


def parse_chunk(data: bytes, at: int, end: int) -> Chunk:
    place = f"byte {at}"
    check(data[at : at + 8] == CHUNK_MAGIC, place, "no chunk where one must begin")
    check(at + CHUNK_HEADER.size <= end, place, "chunk header cut")
    fields = CHUNK_HEADER.unpack_from(data, at)
    stream, kind, ends, number, first_ns, last_ns = fields[1:7]
    bytes_received, raw_size, stored_size, checksum = fields[15:]
    body_at = at + CHUNK_HEADER.size
    check(1 <= stored_size <= min(MOST_BODY_BYTES, end - body_at), place, f"chunk body of {stored_size} bytes")
    body = data[body_at : body_at + stored_size]
    check(checksum == xxh3_64(data[at : at + 120] + body), place, "checksum of the chunk does not match")
    chunk = Chunk(at, stream, kind, ends, number, first_ns, last_ns, fields[7:11], fields[11:15], bytes_received, raw_size, body)
    check_header(chunk, data[at + 24 : at + 112])
    return chunk


def check_header(chunk: Chunk, varying: bytes) -> None:
    """`varying`: the header's bytes 24 to 111."""
    kind, place = chunk.kind, chunk.place
    if kind > ROOT:
        return
    check(chunk.stream == NO_STREAM or chunk.stream < MOST_GUESTS, place, f"chunk of stream {chunk.stream}")
    check(chunk.ends <= 1, place, f"last-chunk mark {chunk.ends}")
    if kind in (GUEST, NETWORK):
        check((kind == NETWORK) == (chunk.stream == NO_STREAM), place, "chunk of a guest in the network's stream, or the reverse")
        check(chunk.raw_size <= MOST_COLUMN_BYTES, place, f"columns of {chunk.raw_size} bytes")
        check(0 <= chunk.first_ns <= chunk.last_ns, place, "chunk that ends before it begins")
        quiet = chunk.counts[2:] + chunk.before[2:] + (chunk.bytes_received,)
        check(kind == GUEST or not any(quiet), place, "network's chunk with a guest's counts")
        check(kind == NETWORK or chunk.counts[0] < 1 << 58, place, "more clock reads than a group can count")
        check(all(a + b < 1 << 64 for a, b in zip(chunk.counts, chunk.before)), place, "counts that are too large together")
        return
    check(not any(varying), place, "times or counts in a chunk that has none")
    check(chunk.raw_size % 8 == 0 and chunk.raw_size <= MOST_MESSAGE_BYTES, place, f"message of {chunk.raw_size} bytes")
    check(chunk.ends == 0, place, "last-chunk mark in a chunk without events")
    if kind != PAGE:
        check(chunk.stream == NO_STREAM and chunk.number == 0, place, "stream or number in a chunk of no stream")


def compressed_message(chunk: Chunk) -> Message:
    """The message in a chunk of kind run, page or root."""
    frame = parse_frame(chunk.body, chunk.place, chunk.raw_size)
    if frame.content_size != chunk.raw_size:
        refuse(chunk.place, f"message of {frame.content_size} bytes, the header says {chunk.raw_size}")
    return Message(decompress([frame])[0], 2 * (chunk.raw_size // 8) + 1024, chunk.place)


def plain_message(chunk: Chunk) -> Message:
    """The message in a chunk of events."""
    return Message(chunk.body, len(chunk.body) // 8 + 64, chunk.place)
