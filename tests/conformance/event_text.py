"""Events as lines, the same as those of `reprise dump`. Lines are bytes: a guest's name need not be UTF-8."""

import heapq
import re
from collections.abc import Iterator

from guest_events import END_REASONS, SOURCES, WRAP, ClockReads, ConsoleBytes, Event, FrameReceived, FrameSent
from network_events import DELIVERED, DROP_REASONS, NetworkEvent
from checked_trace import Trace
from xxh3 import xxh3_64

FRAME_HEADER = 14
# What a terminal acts on: control characters, and those of 0x80 to 0x9f in UTF-8.
ACTED_ON = re.compile(rb"\xc2[\x80-\x9f]|[\x00-\x1f\x7f]")
NAMED_BYTES = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}


def printable(name: str) -> str:
    stored = name.encode(errors="surrogateescape")
    shown = ACTED_ON.sub(lambda match: b"".join(b"\\x%02x" % byte for byte in match[0]), stored)
    return shown.decode(errors="surrogateescape")


def byte_text(byte: int) -> str:
    character = NAMED_BYTES.get(byte, chr(byte) if 0x20 <= byte < 0x7F else "")
    return f"0x{byte:02x} '{character}'" if character else f"0x{byte:02x}"


def frame_text(payload: bytes) -> str:
    header = ""
    if len(payload) >= FRAME_HEADER:
        header = f" {payload[6:12].hex(':')} > {payload[:6].hex(':')} 0x{payload[12:14].hex()}"
    return f"{len(payload)} bytes{header} xxh3:{xxh3_64(payload):016x}"


class GuestLines:
    def __init__(self, trace: Trace, number: int) -> None:
        self.trace, self.number = trace, number
        self.names = [printable(name) for name in trace.layout.run.guests]
        reads, sent, received, console = trace.guests[number].before
        self.next_clock, self.next_frame, self.next_sent, self.next_console = reads, sent + received, sent, console

    def lines(self) -> Iterator[tuple[int, int, str]]:
        """(time, this guest's number, line)"""
        name = self.names[self.number]
        for events in self.trace.guests[self.number].events:
            for event in events:
                for at, text in self.texts(event):
                    yield at, self.number, f"{at} {name} {text}"

    def texts(self, event: Event) -> Iterator[tuple[int, str]]:
        if isinstance(event, ClockReads):
            for i in range(event.count):
                value = (event.value + i * event.value_step) % WRAP
                yield event.at + i * event.step, f"clock #{self.next_clock + i} {SOURCES[event.source]} {value}"
            self.next_clock += event.count
        elif isinstance(event, ConsoleBytes):
            for i, byte in enumerate(event.data):
                yield event.at + i * event.step, f"console #{self.next_console + i} {'input ' if event.typed else ''}{byte_text(byte)}"
            self.next_console += len(event.data)
        elif isinstance(event, FrameSent):
            yield event.at, f"frame #{self.next_frame} sent {self.names[self.number]}/{self.next_sent} {frame_text(event.payload)}"
            self.next_frame += 1
            self.next_sent += 1
        elif isinstance(event, FrameReceived):
            identity = f"{self.names[event.sender]}/{event.frame}"
            yield event.at, f"frame #{self.next_frame} received {identity} {frame_text(self.trace.payload(event))}"
            self.next_frame += 1
        else:
            yield event.at, f"end {END_REASONS[event.reason]}"


def network_line(trace: Trace, number: int, event: NetworkEvent) -> str:
    names = trace.layout.run.guests
    verdict, reason = ("delivered", "") if event.verdict == DELIVERED else ("dropped", f": {DROP_REASONS[event.verdict - 1]}")
    identity = f"{printable(names[event.sender])}/{event.frame}"
    return f"{event.at} {printable(names[event.receiver])} network #{number} {verdict} {identity} sent {event.sent_at}{reason}"


def dump_lines(trace: Trace) -> Iterator[bytes]:
    """In the order of time; among equal times the guests by number, then the network."""
    network = (
        (event.at, len(trace.guests), network_line(trace, number, event))
        for number, event in enumerate(trace.network, start=trace.first_network_number)
    )
    guests = [GuestLines(trace, number).lines() for number in range(len(trace.guests))]
    for _, _, line in heapq.merge(*guests, network, key=lambda each: each[:2]):
        yield line.encode(errors="surrogateescape") + b"\n"
