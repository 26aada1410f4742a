"""Which chunk lies where in a trace: FORMAT.md's "Files", "Chunk" and "trailer"."""

from dataclasses import dataclass, field

from damage import check, refuse
from framing import GUEST, NETWORK, NO_STREAM, PAGE, ROOT, RUN, Chunk, chunks, parse_file_header, parse_trailer
from run_info import RunInfo, parse_run_info

CHUNKS_IN_PAGE = 256


@dataclass
class StreamLayout:
    chunks: list[Chunk] = field(default_factory=list)
    pages: list[Chunk] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    version: tuple[int, int]
    run: RunInfo
    streams: list[StreamLayout]  # guests in order, then the network
    root: Chunk
    kept: list[Chunk]  # that belong to no stream: parts of images, and kinds that this reader does not know


def parse_layout(data: bytes) -> Layout:
    version = parse_file_header(data)
    trailer = parse_trailer(data)
    known, kept = [], []
    for chunk in chunks(data):
        if chunk.kind <= ROOT:
            known.append(chunk)
        else:
            between = bool(known) and chunk.offset < trailer.run_offset
            check(between, chunk.place, "chunk of no stream that is not between the two of run information")
            kept.append(chunk)
    check(len(known) >= 3 and known[0].kind == RUN, "byte 32", "trace does not begin with run information")
    second, root = known[-2:]
    check(second.kind == RUN and second.offset == trailer.run_offset, second.place, "no run information where the trailer says")
    check(root.kind == ROOT and root.offset == trailer.root_offset, root.place, "no root where the trailer says")
    first = known[0]
    check(data[first.offset : first.end] == data[second.offset : second.end], second.place, "differs from the first run information")
    run = parse_run_info(first)
    return Layout(version, run, split_streams(run, known[1:-2]), root, kept)


def split_streams(run: RunInfo, body: list[Chunk]) -> list[StreamLayout]:
    streams = [StreamLayout() for _ in range(len(run.guests) + 1)]
    network = len(run.guests)
    reached = undescribed = 0
    for chunk in body:
        check(chunk.kind in (GUEST, NETWORK, PAGE), chunk.place, "run information or root among the streams")
        check(chunk.stream == NO_STREAM or chunk.stream < network, chunk.place, f"stream of guest {chunk.stream} of {network}")
        at = network if chunk.stream == NO_STREAM else chunk.stream
        if at != reached:
            check(at > reached, chunk.place, "stream behind a later one")
            check(undescribed == 0, chunk.place, "stream before it has chunks without a page")
            reached = at
        stream = streams[at]
        if chunk.kind == PAGE:
            check(chunk.number == len(stream.pages), chunk.place, f"number {chunk.number}, expected {len(stream.pages)}")
            check(undescribed > 0, chunk.place, "page of no chunks")
            check(undescribed == CHUNKS_IN_PAGE or stream.chunks[-1].ends == 1, chunk.place, "page too early")
            stream.pages.append(chunk)
            undescribed = 0
        else:
            check(undescribed < CHUNKS_IN_PAGE, chunk.place, "no page behind the 256th chunk")
            check_successor(run, stream.chunks, chunk)
            stream.chunks.append(chunk)
            undescribed += 1
    if undescribed:
        refuse(body[-1].place, "stream has chunks without a page")
    for number, stream in enumerate(streams):
        check_stream_end(run, number, stream)
    return streams


def check_successor(run: RunInfo, before: list[Chunk], chunk: Chunk) -> None:
    check(chunk.number == len(before), chunk.place, f"number {chunk.number}, expected {len(before)}")
    if not before:
        check(run.partial or not any(chunk.before), chunk.place, "counts before the first chunk")
        check(chunk.kind == GUEST or chunk.before[1] == 0, chunk.place, "drops before the network's first chunk")
        return
    last = before[-1]
    check(not last.ends, chunk.place, "chunk behind its stream's last")
    check(last.last_ns <= chunk.first_ns, chunk.place, "begins before the chunk before it ends")
    sums = tuple(a + b for a, b in zip(last.before, last.counts))
    check(sums == chunk.before, chunk.place, f"counts before it {list(chunk.before)}, expected {list(sums)}")


def check_stream_end(run: RunInfo, number: int, stream: StreamLayout) -> None:
    what = f"guest {number}" if number < len(run.guests) else "network"
    if number < len(run.guests) and run.omitted[number]:
        check(not stream.chunks, what, "omitted guest with chunks")
    else:
        check(bool(stream.chunks) and stream.chunks[-1].ends == 1, what, "stream without its last chunk")
