"""The canonical columns of a chunk's events: what FORMAT.md says a writer makes of them. Equal events give equal columns, equal digests."""

from collections.abc import Iterable
from dataclasses import dataclass

from columns import GUEST_COLUMNS, INPUT_COLUMNS, NETWORK_COLUMNS, WRAP
from guest_events import CLOCK, CONSOLE, END, INPUT, RECEIVED, SENT, ClockReads, ConsoleBytes, Event, FrameReceived, FrameSent
from network_events import NetworkEvent

SHORTEST_RUN_WITH_ONE_STEP = 4


def varint(value: int) -> bytes:
    stored = bytearray()
    while value >= 0x80:
        stored.append(value & 0x7F | 0x80)
        value >>= 7
    stored.append(value)
    return bytes(stored)


def zigzag(value: int) -> bytes:
    """Of the difference that `value` is modulo 2^64."""
    value %= WRAP
    return varint(value << 1 if value < WRAP // 2 else (WRAP - value << 1) - 1)


@dataclass
class ClockRun:
    source: int
    rule: int
    step: int
    value_step: int
    count: int


class GuestEncoder:
    def __init__(self, first_ns: int) -> None:
        self.columns = {name: bytearray() for name in GUEST_COLUMNS + INPUT_COLUMNS}
        self.now = first_ns
        self.order: list[list[int]] = []  # kind, count
        self.run: ClockRun | None = None
        self.group: ClockRun | None = None  # the open one with a step for each read
        self.last_read: dict[int, tuple[int, int]] = {}
        self.last_frame: dict[int, int] = {}
        self.console: dict[bool, list[int]] = {False: [], True: []}  # printed, typed: step and count of the open run

    def encode(self, events: Iterable[Event]) -> dict[str, bytes]:
        for event in events:
            if not isinstance(event, ClockReads):
                self.close_run()
            step, self.now = event.at - self.now, event.at
            if isinstance(event, ClockReads):
                self.add_reads(event, step)
            elif isinstance(event, ConsoleBytes):
                self.add_console(event, step)
            elif isinstance(event, FrameSent):
                self.add_sent(event, step)
            elif isinstance(event, FrameReceived):
                self.add_received(event, step)
            else:
                self.count(END, 1)
                self.columns["end"] += varint(step) + bytes([event.reason])
        self.close_run()
        self.close_group()
        self.close_console(False)
        self.close_console(True)
        self.columns["order"] += b"".join(varint(count << 3 | kind) for kind, count in self.order)
        return {name: bytes(column) for name, column in self.columns.items() if column or name not in INPUT_COLUMNS}

    def count(self, kind: int, count: int) -> None:
        if self.order and self.order[-1][0] == kind:
            self.order[-1][1] += count
        else:
            self.order.append([kind, count])

    def add_reads(self, reads: ClockReads, step: int) -> None:
        self.count(CLOCK, reads.count)
        self.add_read(reads.source, reads.at, step, reads.value)
        if reads.count > 1:
            self.add_read(reads.source, reads.at + reads.step, reads.step, (reads.value + reads.value_step) % WRAP)
            # All others have the steps of the second, so they extend its run.
            self.run.count += reads.count - 2
            self.now = reads.at + reads.step * (reads.count - 1)
            self.last_read[reads.source] = (reads.value + reads.value_step * (reads.count - 1)) % WRAP, self.now

    def add_read(self, source: int, at: int, step: int, value: int) -> None:
        last_value, last_time = self.last_read.get(source, (0, 0))
        self.last_read[source] = value, at
        value_step, run = (value - last_value) % WRAP, self.run
        if run and (run.source, run.step, run.value_step) == (source, step, value_step):
            run.count += 1
            return
        self.close_run()
        by_time = value == (at + last_value - last_time) % WRAP
        self.run = ClockRun(source, 0 if by_time else 1, step, step if by_time else value_step, 1)

    def close_run(self) -> None:
        run, self.run = self.run, None
        if run is None:
            return
        if run.count >= SHORTEST_RUN_WITH_ONE_STEP:
            self.close_group()
            self.add_group(run, 0)
            self.add_steps(run)
            return
        if not self.group or (self.group.source, self.group.rule) != (run.source, run.rule):
            self.close_group()
            self.group = ClockRun(run.source, run.rule, 0, 0, 0)
        self.group.count += run.count
        for _ in range(run.count):
            self.add_steps(run)

    def close_group(self) -> None:
        if self.group:
            self.add_group(self.group, 1)
        self.group = None

    def add_group(self, run: ClockRun, each: int) -> None:
        self.columns["clockGroup"] += varint(run.count << 6 | each << 5 | run.rule << 4 | run.source)

    def add_steps(self, run: ClockRun) -> None:
        self.columns["clockTime"] += varint(run.step)
        if run.rule:
            self.columns["clockValue"] += zigzag(run.value_step)

    def add_console(self, console: ConsoleBytes, step: int) -> None:
        self.count(INPUT if console.typed else CONSOLE, len(console.data))
        self.columns["inputBytes" if console.typed else "consoleBytes"] += console.data
        for part_step, count in ((step, 1), (console.step, len(console.data) - 1)):
            run = self.console[console.typed]
            if count and run and run[0] == part_step:
                run[1] += count
            elif count:
                self.close_console(console.typed)
                self.console[console.typed] = [part_step, count]
        self.now = console.at + console.step * (len(console.data) - 1)

    def close_console(self, typed: bool) -> None:
        for number in self.console[typed]:
            self.columns["inputTime" if typed else "consoleTime"] += varint(number)
        self.console[typed] = []

    def add_sent(self, frame: FrameSent, step: int) -> None:
        self.count(SENT, 1)
        self.columns["sentTime"] += varint(step)
        self.columns["sentSize"] += varint(len(frame.payload))
        self.columns["sentPayload"] += frame.payload

    def add_received(self, frame: FrameReceived, step: int) -> None:
        self.count(RECEIVED, 1)
        self.columns["receivedTime"] += varint(step)
        self.columns["receivedSender"] += varint(frame.sender << 1 | (frame.embedded is not None))
        self.columns["receivedFrame"] += zigzag(frame.frame - self.last_frame.get(frame.sender, 0))
        self.last_frame[frame.sender] = frame.frame
        if frame.embedded is not None:
            self.columns["embeddedSize"] += varint(len(frame.embedded))
            self.columns["embeddedPayload"] += frame.embedded


def canonical_guest_columns(first_ns: int, events: Iterable[Event]) -> dict[str, bytes]:
    return GuestEncoder(first_ns).encode(events)


def canonical_network_columns(first_ns: int, events: Iterable[NetworkEvent]) -> dict[str, bytes]:
    columns = {name: bytearray() for name in NETWORK_COLUMNS}
    now, last_frame = first_ns, {}
    for event in events:
        columns["verdict"].append(event.verdict)
        columns["time"] += varint(event.at - now)
        columns["transit"] += varint(event.at - event.sent_at)
        columns["sender"] += varint(event.sender)
        columns["frame"] += zigzag(event.frame - last_frame.get(event.sender, 0))
        columns["receiver"] += varint(event.receiver)
        now, last_frame[event.sender] = event.at, event.frame
    return {name: bytes(column) for name, column in columns.items()}
