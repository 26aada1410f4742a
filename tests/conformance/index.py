"""Pages and root against what the chunks say: all of the index can be rebuilt from them."""

from dataclasses import dataclass

from capnp_message import Struct
from columns import GUEST_COLUMNS, INPUT_COLUMNS, NETWORK_COLUMNS, Columns
from damage import check
from framing import Chunk, compressed_message
from layout import CHUNKS_IN_PAGE, Layout, StreamLayout
from xxh3 import xxh3_128


@dataclass(frozen=True)
class StreamDigests:
    chunks: list[bytes]
    pages: list[bytes]
    stream: bytes


def stream_digests(columns: list[Columns]) -> StreamDigests:
    chunks = [each.digest() for each in columns]
    pages = [xxh3_128(b"".join(chunks[i : i + CHUNKS_IN_PAGE])) for i in range(0, len(chunks), CHUNKS_IN_PAGE)]
    return StreamDigests(chunks, pages, xxh3_128(b"".join(pages)))


def check_fields(stored: list[tuple[str, int, int]], place: str) -> None:
    for name, value, expected in stored:
        check(value == expected, place, f"{name} is {value}, the chunks say {expected}")


def digest_of(entry: Struct, at: int) -> bytes:
    return entry.number(at, 8).to_bytes(8, "big") + entry.number(at + 8, 8).to_bytes(8, "big")


def check_page(page: Chunk, described: list[Chunk], digests: list[bytes]) -> None:
    entries = compressed_message(page).root().structs(0)
    check(len(entries) == len(described), page.place, f"{len(entries)} entries for {len(described)} chunks")
    for entry, chunk, digest in zip(entries, described, digests):
        place = f"{page.place}: entry of {chunk.place}"
        fields = [("offset", entry.number(0, 8), chunk.offset), ("firstNs", entry.number(8, 8, signed=True), chunk.first_ns)]
        fields += [("lastNs", entry.number(16, 8, signed=True), chunk.last_ns)]
        fields += [(f"count {i}", entry.number(24 + 8 * i, 8), chunk.counts[i]) for i in range(4)]
        fields += [(f"count {i} before", entry.number(56 + 8 * i, 8), chunk.before[i]) for i in range(4)]
        fields += [("bytesReceived", entry.number(88, 8), chunk.bytes_received)]
        fields += [("rawSize", entry.number(112, 4), chunk.raw_size), ("storedSize", entry.number(116, 4), len(chunk.body))]
        check_fields(fields + [("ends", entry.number(120, 4), chunk.ends)], place)
        check(digest_of(entry, 96) == digest, place, f"digest {digest_of(entry, 96).hex()}, the columns have {digest.hex()}")


def check_stream(summary: Struct, stream: StreamLayout, columns: list[Columns], digests: StreamDigests, place: str) -> None:
    """All of a stream's index but the statistics."""
    check_fields([("chunks", summary.number(0, 8), len(stream.chunks))], place)
    pages = summary.structs(0)
    check(len(pages) == len(stream.pages), place, f"{len(pages)} pages, the trace has {len(stream.pages)}")
    for i, (entry, page) in enumerate(zip(pages, stream.pages)):
        described = stream.chunks[CHUNKS_IN_PAGE * i : CHUNKS_IN_PAGE * (i + 1)]
        fields = [("offset", entry.number(0, 8), page.offset), ("storedSize", entry.number(8, 4), len(page.body))]
        fields += [("chunks", entry.number(12, 4), len(described)), ("firstNs", entry.number(16, 8, signed=True), described[0].first_ns)]
        fields += [("lastNs", entry.number(24, 8, signed=True), described[-1].last_ns)]
        fields += [("framesSentBefore", entry.number(32, 8), described[0].before[1])]
        check_fields(fields, f"{place}: page {i}")
        check(digest_of(entry, 40) == digests.pages[i], f"{place}: page {i}", "digest is not that of its chunks")
        check_page(page, described, digests.chunks[CHUNKS_IN_PAGE * i : CHUNKS_IN_PAGE * (i + 1)])
    check(summary.data(1) == digests.stream, place, f"digest {summary.data(1).hex()}, the pages have {digests.stream.hex()}")
    check_column_sizes(summary, columns, place)


def check_column_sizes(summary: Struct, columns: list[Columns], place: str) -> None:
    names = NETWORK_COLUMNS if place.endswith("network") else GUEST_COLUMNS
    if any("inputBytes" in each.raw for each in columns):
        names = names + INPUT_COLUMNS
    sizes = summary.structs(2)
    check(len(sizes) == len(names), place, f"sizes of {len(sizes)} columns, expected {len(names)}")
    for i, (name, entry) in enumerate(zip(names, sizes)):
        raw = sum(len(each.raw.get(name, b"")) for each in columns)
        stored = sum(each.stored_sizes[i] for each in columns if name in each.raw)
        fields = [("rawBytes", entry.number(0, 8), raw), ("storedBytes", entry.number(8, 8), stored)]
        check_fields(fields, f"{place}: column {name}")


def root_summaries(layout: Layout) -> list[Struct]:
    """Of the guests in order, then of the network."""
    root, place = compressed_message(layout.root).root(), layout.root.place
    guests = root.structs(0)
    check(len(guests) == len(layout.run.guests), place, f"{len(guests)} guests, the run has {len(layout.run.guests)}")
    check(root.numbers(2) == [chunk.offset for chunk in layout.kept], place, "kept is not the list of the chunks of no stream")
    return guests + [root.struct(1)]
