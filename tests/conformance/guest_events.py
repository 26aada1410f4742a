"""Events of one chunk of a guest, as runs of like ones: a run may count 2^58 reads, so nothing here takes time for each of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from columns import WRAP, ColumnReader, Columns
from damage import check, refuse
from framing import MOST_GUESTS

CLOCK, SENT, RECEIVED, CONSOLE, END, INPUT = range(6)
SOURCES = ["tsc", "hpet", "pit", "rtc", "acpi_pm", "lapic", "process"]
END_REASONS = ["power-off", "reset", "triple fault", "halt", "until", "aborted", "trimmed", "exit", "crash"]
ABORTED, TRIMMED = 5, 6
LAST_TIME = (1 << 63) - 1
LARGEST_FRAME = 65_535


@dataclass(frozen=True)
class ClockReads:
    source: int
    count: int
    at: int  # of the first
    step: int
    value: int  # of the first
    value_step: int


@dataclass(frozen=True)
class FrameSent:
    at: int
    payload: bytes


@dataclass(frozen=True)
class FrameReceived:
    at: int
    sender: int
    frame: int
    embedded: bytes | None


@dataclass(frozen=True)
class ConsoleBytes:
    at: int  # of the first
    step: int
    data: bytes
    typed: bool = False


@dataclass(frozen=True)
class End:
    at: int
    reason: int


Event = ClockReads | FrameSent | FrameReceived | ConsoleBytes | End


def last_time(event: Event) -> int:
    """Of the last event of the run."""
    if isinstance(event, ClockReads):
        return event.at + event.step * (event.count - 1)
    return event.at + event.step * (len(event.data) - 1) if isinstance(event, ConsoleBytes) else event.at


class Clock:
    """Virtual time in a chunk."""

    def __init__(self, columns: Columns) -> None:
        self.now = columns.chunk.first_ns
        self.place = columns.chunk.place
        self.started = False

    def advance(self, step: int, count: int = 1) -> int:
        """Goes `count` steps; gives the time after the first."""
        if not self.started:
            check(step == 0, self.place, "first event that is not at the chunk's first time")
            self.started = True
        first = self.now + step
        self.now += step * count
        check(self.now <= LAST_TIME, self.place, "time beyond 2^63 ns")
        return first


class ClockGroups:
    def __init__(self, columns: Columns, clock: Clock) -> None:
        self.clock = clock
        self.groups, self.times, self.values = (ColumnReader(columns, name) for name in ("clockGroup", "clockTime", "clockValue"))
        self.left = self.each = self.rule = self.source = self.step = self.value_step = 0
        self.last = dict.fromkeys(range(len(SOURCES)), (0, 0))  # source -> value and time of its last read

    def open_group(self) -> None:
        word = self.groups.varint()
        self.left, self.each, self.rule, self.source = word >> 6, word >> 5 & 1, word >> 4 & 1, word & 15
        check(self.left > 0, self.groups.place, "group of no reads")
        check(self.source < len(SOURCES), self.groups.place, f"clock source {self.source}")
        if not self.each:
            self.take_steps()

    def take_steps(self) -> None:
        self.step = self.times.varint()
        self.value_step = self.values.zigzag() if self.rule else self.step

    def reads(self, count: int) -> Iterator[ClockReads]:
        while count:
            if not self.left:
                self.open_group()
            if self.each:
                self.take_steps()
            taken = 1 if self.each else min(count, self.left)
            yield self.take(taken)
            count -= taken
            self.left -= taken

    def take(self, count: int) -> ClockReads:
        at = self.clock.advance(self.step, count)
        last_value, last_time = self.last[self.source]
        # Rule 0 keeps the distance between value and time; with other events between, that is not the value step for the first read.
        value = (last_value + self.value_step if self.rule else at + last_value - last_time) % WRAP
        self.last[self.source] = (value + self.value_step * (count - 1)) % WRAP, self.clock.now
        return ClockReads(self.source, count, at, self.step, value, self.value_step)

    def check_used_up(self) -> None:
        check(self.left == 0, self.groups.place, f"group with {self.left} reads too many")
        for column in (self.groups, self.times, self.values):
            column.check_used_up()


class SentFrames:
    def __init__(self, columns: Columns, clock: Clock) -> None:
        self.clock = clock
        self.columns = [ColumnReader(columns, name) for name in ("sentTime", "sentSize", "sentPayload")]

    def next(self) -> FrameSent:
        times, sizes, payloads = self.columns
        at = self.clock.advance(times.varint())
        return FrameSent(at, frame_bytes(sizes, payloads))

    def check_used_up(self) -> None:
        for column in self.columns:
            column.check_used_up()


def frame_bytes(sizes: ColumnReader, payloads: ColumnReader) -> bytes:
    size = sizes.varint()
    check(1 <= size <= LARGEST_FRAME, sizes.place, f"frame of {size} bytes")
    return payloads.bytes(size)


class ReceivedFrames:
    def __init__(self, columns: Columns, clock: Clock) -> None:
        self.clock = clock
        names = ("receivedTime", "receivedSender", "receivedFrame", "embeddedSize", "embeddedPayload")
        self.columns = [ColumnReader(columns, name) for name in names]
        self.last: dict[int, int] = {}  # sender -> its frame that was last received

    def next(self) -> FrameReceived:
        times, senders, frames, sizes, payloads = self.columns
        at = self.clock.advance(times.varint())
        word = senders.varint()
        sender, embedded = word >> 1, word & 1
        check(sender < MOST_GUESTS, senders.place, f"sender {sender}")
        frame = (self.last.get(sender, 0) + frames.zigzag()) % WRAP
        self.last[sender] = frame
        return FrameReceived(at, sender, frame, frame_bytes(sizes, payloads) if embedded else None)

    def check_used_up(self) -> None:
        for column in self.columns:
            column.check_used_up()


class ConsoleRuns:
    """Of what was printed, or of what was typed."""

    def __init__(self, columns: Columns, clock: Clock, typed: bool = False) -> None:
        self.clock = clock
        self.typed = typed
        names = ("inputTime", "inputBytes") if typed else ("consoleTime", "consoleBytes")
        self.times, self.data = (ColumnReader(columns, name) for name in names)
        self.left = self.step = 0

    def runs(self, count: int) -> Iterator[ConsoleBytes]:
        while count:
            if not self.left:
                self.step, self.left = self.times.varint(), self.times.varint()
                check(self.left > 0, self.times.place, "run of no bytes")
            taken = min(count, self.left)
            data = self.data.bytes(taken)
            yield ConsoleBytes(self.clock.advance(self.step, taken), self.step, data, self.typed)
            count -= taken
            self.left -= taken

    def check_used_up(self) -> None:
        check(self.left == 0, self.times.place, f"run with {self.left} bytes too many")
        self.times.check_used_up()
        self.data.check_used_up()


def guest_events(columns: Columns) -> list[Event]:
    """Walks all columns to their ends; checks times, and counts but for the bytes received."""
    chunk, clock = columns.chunk, Clock(columns)
    order, ends = ColumnReader(columns, "order"), ColumnReader(columns, "end")
    reads, sent, received, console = (each(columns, clock) for each in (ClockGroups, SentFrames, ReceivedFrames, ConsoleRuns))
    typed = ConsoleRuns(columns, clock, typed=True)
    counts, events = [0] * 6, []
    while not order.used_up:
        word = order.varint()
        kind, count = word & 7, word >> 3
        check(count > 0, order.place, "run of no events")
        check(kind <= INPUT, order.place, f"event of kind {kind}")
        check(counts[END] == 0, order.place, "events behind the end")
        counts[kind] += count
        if kind == CLOCK:
            events += reads.reads(count)
        elif kind == CONSOLE:
            events += console.runs(count)
        elif kind == INPUT:
            events += typed.runs(count)
        elif kind == END:
            check(count == 1, order.place, "more than one end")
            events.append(end_event(ends, clock))
        else:
            following = sent.next if kind == SENT else received.next
            for _ in range(count):  # each takes a byte of a column at least, so a false count ends soon
                events.append(following())
    for part in (reads, sent, received, console, typed, ends):
        part.check_used_up()
    if not events:
        refuse(chunk.place, "guest's chunk without events")
    check(clock.now == chunk.last_ns, chunk.place, f"events end at {clock.now}, the header says {chunk.last_ns}")
    counted = [counts[CLOCK], counts[SENT], counts[RECEIVED], counts[CONSOLE] + counts[INPUT]]
    check(tuple(counted) == chunk.counts, chunk.place, f"events count {counted}, the header says {list(chunk.counts)}")
    check(counts[END] == chunk.ends, chunk.place, "last-chunk mark without the end event, or the end event without the mark")
    return events


def end_event(ends: ColumnReader, clock: Clock) -> End:
    at, reason = clock.advance(ends.varint()), ends.byte()
    check(reason < len(END_REASONS), ends.place, f"end reason {reason}")
    return End(at, reason)
