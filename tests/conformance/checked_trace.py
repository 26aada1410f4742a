"""A whole trace, checked: the events of its guests and of its network, with the frames that receptions refer to."""

from collections.abc import Iterator
from dataclasses import dataclass

from capnp_message import Struct
from columns import Columns, open_columns
from damage import check
from guest_events import ABORTED, SOURCES, TRIMMED, ClockReads, ConsoleBytes, End, Event, FrameReceived, FrameSent, guest_events, last_time
from index import StreamDigests, check_fields, check_stream, root_summaries, stream_digests
from layout import Layout, parse_layout
from network_events import DELIVERED, NetworkEvent, network_events

MOST_TRACE_BYTES = 1 << 30  # uncompressed: this reader holds all events in memory


class TooLarge(Exception):
    """Sound as far as it was looked at, but too much for this reader."""


@dataclass
class Guest:
    columns: list[Columns]
    events: list[list[Event]]  # of each chunk
    digests: StreamDigests
    before: tuple[int, ...]  # events before its first chunk, as in the chunk's header
    sent: list[FrameSent]
    implied: bool

    def frame(self, number: int) -> FrameSent | None:
        at = number - self.before[1]
        return self.sent[at] if 0 <= at < len(self.sent) else None


@dataclass
class Trace:
    layout: Layout
    guests: list[Guest]
    network: list[NetworkEvent]
    first_network_number: int
    network_columns: list[Columns]
    network_digests: StreamDigests

    def payload(self, received: FrameReceived) -> bytes:
        if received.embedded is not None:
            return received.embedded
        return self.guests[received.sender].frame(received.frame).payload


def read_trace(data: bytes) -> Trace:
    layout = parse_layout(data)
    if sum(chunk.raw_size for stream in layout.streams for chunk in stream.chunks) > MOST_TRACE_BYTES:
        raise TooLarge("columns of more than 1 GiB")
    summaries = root_summaries(layout)
    columns = [open_columns(stream.chunks) for stream in layout.streams]
    guests = [open_guest(each, summary) for each, summary in zip(columns, summaries[:-1])]
    rows = [row for each in columns[-1] for row in network_events(each)]
    trace = Trace(layout, guests, rows, first_network_number(columns[-1]), columns[-1], stream_digests(columns[-1]))
    for number, (guest, summary) in enumerate(zip(guests, summaries)):
        place = f"root: guest {number}"
        check_stream(summary, layout.streams[number], guest.columns, guest.digests, place)
        check_received(trace, number)
        check_guest_statistics(trace, number, summary.struct(3), place)
    check_stream(summaries[-1], layout.streams[-1], columns[-1], trace.network_digests, "root: network")
    check_rows(trace)
    check_part(trace)
    trace.network = sorted(rows + [event for i in range(len(guests)) for event in implied_deliveries(trace, i)], key=lambda each: each.key)
    delivered = sum(event.verdict == DELIVERED for event in trace.network)
    fields = [("framesDelivered", summaries[-1].number(8, 8), delivered)]
    check_fields(fields + [("framesDropped", summaries[-1].number(16, 8), len(trace.network) - delivered)], "root: network")
    return trace


def open_guest(columns: list[Columns], summary: Struct) -> Guest:
    events = [guest_events(each) for each in columns]
    before = columns[0].chunk.before if columns else (0, 0, 0, 0)
    sent = [event for each in events for event in each if isinstance(event, FrameSent)]
    return Guest(columns, events, stream_digests(columns), before, sent, summary.struct(3).bit(449))


def first_network_number(columns: list[Columns]) -> int:
    """Not 0 in a part of a run only, where the first field stands for events of both kinds."""
    return columns[0].chunk.before[0]


def received_frames(guest: Guest) -> Iterator[FrameReceived]:
    return (event for each in guest.events for event in each if isinstance(event, FrameReceived))


def check_received(trace: Trace, number: int) -> None:
    """Each reception has its bytes, embedded or sent in the trace; the chunks' headers count them rightly."""
    guest = trace.guests[number]
    for columns, events in zip(guest.columns, guest.events):
        place, total = columns.chunk.place, 0
        for event in events:
            if isinstance(event, FrameReceived):
                what = f"frame {event.frame} of guest {event.sender}"
                check(event.sender < len(trace.guests), place, f"{what}: the run has {len(trace.guests)} guests")
                if event.embedded is None:
                    sent = trace.guests[event.sender].frame(event.frame)
                    check(sent is not None, place, f"{what} is received but not in the trace")
                total += len(trace.payload(event))
        check_fields([("bytes received", columns.chunk.bytes_received, total)], place)


def implied_deliveries(trace: Trace, receiver: int) -> Iterator[NetworkEvent]:
    if trace.guests[receiver].implied:
        for event in received_frames(trace.guests[receiver]):
            sent = trace.guests[event.sender].frame(event.frame)
            check(sent is not None, f"guest {receiver}", f"implied delivery of frame {event.frame}, which its sender's stream does not hold")
            yield NetworkEvent(event.at, event.sender, event.frame, receiver, DELIVERED, sent.at)


def check_rows(trace: Trace) -> None:
    run = trace.layout.run
    check(all(a.key <= b.key for a, b in zip(trace.network, trace.network[1:])), "network", "rows that are not in their order")
    for event in trace.network:
        what = f"network: frame {event.frame} of guest {event.sender} to guest {event.receiver}"
        check(max(event.sender, event.receiver) < len(trace.guests), what, f"the run has {len(trace.guests)} guests")
        sent = trace.guests[event.sender].frame(event.frame)
        check(sent is not None or run.partial, what, "the frame is not in its sender's stream")


def check_part(trace: Trace) -> None:
    """Of a part of a run: all of it lies from its first instant on and before its last; what it cuts short ends there."""
    run = trace.layout.run
    for number, guest in enumerate(trace.guests):
        place = f"guest {number}"
        check(not (run.partial and guest.implied), place, "implied deliveries in a part of a run")
        events = [event for each in guest.events for event in each]
        trimmed = bool(events) and isinstance(events[-1], End) and events[-1].reason == TRIMMED
        check(run.partial or not trimmed, place, "cut short in what is no part of a run")
    if not run.partial or run.incomplete:
        return
    for number, guest in enumerate(trace.guests):
        place, events = f"guest {number}", [event for each in guest.events for event in each]
        for event in events:
            if isinstance(event, End) and event.reason == TRIMMED:
                ended_before = len(events) == 1 and event.at == run.from_ns
                check(ended_before or event.at == run.to_ns, place, f"cut short at {event.at}, the part ends at {run.to_ns}")
            else:
                check(run.from_ns <= event.at and last_time(event) < run.to_ns, place, f"event at {event.at} is not in the part")
    for event in trace.network:
        check(run.from_ns <= event.at < run.to_ns, "network", f"event at {event.at} is not in the part")


def check_guest_statistics(trace: Trace, number: int, statistics: Struct, place: str) -> None:
    guest = trace.guests[number]
    chunks = [each.chunk for each in guest.columns]
    end = next((event for each in guest.events[-1:] for event in each if isinstance(event, End)), None)
    fields = [("framesSent", statistics.number(0, 8), len(guest.sent))]
    fields += [("framesReceived", statistics.number(8, 8), sum(each.counts[2] for each in chunks))]
    fields += [("bytesSent", statistics.number(16, 8), sum(len(frame.payload) for frame in guest.sent))]
    fields += [("bytesReceived", statistics.number(24, 8), sum(each.bytes_received for each in chunks))]
    fields += [("consoleBytes", statistics.number(32, 8), sum(each.counts[3] for each in chunks))]
    typed = sum(len(event.data) for each in guest.events for event in each if isinstance(event, ConsoleBytes) and event.typed)
    fields += [("consoleInputBytes", statistics.number(64, 8), typed)]
    fields += [("firstNs", statistics.number(40, 8, signed=True), chunks[0].first_ns if chunks else 0)]
    fields += [("lastNs", statistics.number(48, 8, signed=True), chunks[-1].last_ns if chunks else 0)]
    fields += [("ended", statistics.bit(448), end is not None)]
    fields += [("endReason", statistics.number(57, 1), end.reason if end else ABORTED)]
    reads = clock_reads(guest)
    stored = statistics.numbers(0)
    check(len(stored) <= len(SOURCES) or not any(stored[len(SOURCES) :]), place, "reads of an unknown clock source")
    stored += [0] * (len(SOURCES) - len(stored))
    fields += [(f"clockReads of {name}", stored[i], reads[i]) for i, name in enumerate(SOURCES)]
    check_fields(fields, place)


def clock_reads(guest: Guest) -> list[int]:
    """By source."""
    counts = [0] * len(SOURCES)
    for events in guest.events:
        for event in events:
            if isinstance(event, ClockReads):
                counts[event.source] += event.count
    return counts
