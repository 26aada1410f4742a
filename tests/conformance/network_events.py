"""Events of one chunk of the network."""

from dataclasses import dataclass

from columns import NETWORK_COLUMNS, WRAP, ColumnReader, Columns
from damage import check
from framing import MOST_GUESTS
from guest_events import Clock

DROP_REASONS = ["host down", "link down", "failed in flight", "receiver ended", "loss"]
DELIVERED = 0


@dataclass(frozen=True)
class NetworkEvent:
    at: int
    sender: int
    frame: int
    receiver: int
    verdict: int  # 0 delivered, else 1 + the number of the reason
    sent_at: int

    @property
    def key(self) -> tuple[int, int, int, int]:
        return self.at, self.sender, self.frame, self.receiver


def network_events(columns: Columns) -> list[NetworkEvent]:
    """Walks all columns to their ends; checks times and counts."""
    chunk, clock = columns.chunk, Clock(columns)
    verdicts, times, transits, senders, frames, receivers = readers = [ColumnReader(columns, name) for name in NETWORK_COLUMNS]
    last: dict[int, int] = {}  # sender -> frame of its last event
    events: list[NetworkEvent] = []
    while not verdicts.used_up:
        verdict, at = verdicts.byte(), clock.advance(times.varint())
        check(verdict <= len(DROP_REASONS), verdicts.place, f"verdict {verdict}")
        sent_at = at - transits.varint()
        check(sent_at >= 0, transits.place, "frame sent before time 0")
        sender, step, receiver = senders.varint(), frames.zigzag(), receivers.varint()
        check(max(sender, receiver) < MOST_GUESTS, chunk.place, f"frame from guest {sender} to guest {receiver}")
        last[sender] = (last.get(sender, 0) + step) % WRAP
        events.append(NetworkEvent(at, sender, last[sender], receiver, verdict, sent_at))
    for reader in readers:
        reader.check_used_up()
    delivered = sum(event.verdict == DELIVERED for event in events)
    check(chunk.counts[:2] == (delivered, len(events) - delivered), chunk.place, "rows count otherwise than the header")
    check(bool(events) or chunk.ends == 1, chunk.place, "chunk without rows that is not the last")
    check(clock.now == chunk.last_ns, chunk.place, f"rows end at {clock.now}, the header says {chunk.last_ns}")
    return events
