#!/usr/bin/env python3
"""Traces whose checksums are right and whose contents break FORMAT.md: both readers must refuse them.

usage: refused_trace_test.py --reprise PROGRAM
"""

import argparse
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import trace_builder
from allowed_trace_test import EXAMPLE, PEER, build, streams
from canonical import canonical_guest_columns
from checked_trace import read_trace
from columns import COMPRESSED
from damage import Damage
from framing import FILE_HEADER, NO_STREAM, PAGE, ROOT, RUN
from guest_events import ClockReads, End, FrameReceived, FrameSent
from network_events import NetworkEvent
from trace_builder import Node, Stream, TraceBuilder, run_info, stored_column, zstd_frame
from xxh3 import xxh3_64

options = argparse.Namespace()
DAMAGED = 3
MOST_NUMBER = (1 << 64) - 1
PART = run_info(["alice", "bob"], [False, False], partial=(1000, 2500))


class SwappedStreams(TraceBuilder):
    """Guest 1's chunks before those of guest 0."""

    def __init__(self, minor: int) -> None:
        super().__init__(minor)
        self.held: list[tuple[int, Stream]] = []

    def add_stream(self, number: int, stream: Stream) -> None:
        self.held.append((number, stream))
        if number == NO_STREAM:
            for each in (self.held[1], self.held[0], self.held[2]):
                super().add_stream(*each)
            self.summaries[:2] = reversed(self.summaries[:2])


def example_with(**columns: str) -> bytes:
    """The trace of FORMAT.md's example with other bytes in some columns; counts and digests are made to fit."""

    def altered(first_ns: int, events: list) -> dict[str, bytes]:
        made = canonical_guest_columns(first_ns, events)
        return made | {name: bytes.fromhex(column) for name, column in columns.items()} if events == EXAMPLE else made

    with mock.patch.object(trace_builder, "canonical_guest_columns", altered):
        return build(streams())


def stored_as(store: Callable[[bytes], bytes]) -> bytes:
    def stored(column: bytes, way: int) -> bytes:
        return store(column) if len(column) > 1 else stored_column(column, way)

    with mock.patch.object(trace_builder, "stored_column", stored):
        return build(streams())


def with_rows(*chunks: list[NetworkEvent]) -> bytes:
    return build(streams()[:2] + [Stream(list(chunks))])


def with_header(kind: int, **fields: object) -> bytes:
    """The trace with other fields in the headers of its chunks of this kind."""

    class Altering(TraceBuilder):
        def add_chunk(self, stream: int, chunk_kind: int, *rest: object, **more: object) -> int:
            given = dict(zip(("number", "body", "raw_size", "ends", "spans"), rest)) | more | {"stream": stream}
            return super().add_chunk(kind=chunk_kind, **(given | fields if chunk_kind == kind else given))

    return build(streams(), builder=Altering)


def with_file_header(at: int, byte: int) -> bytes:
    trace = bytearray(build(streams()))
    trace[at] = byte
    trace[24 : FILE_HEADER.size] = xxh3_64(bytes(trace[:24])).to_bytes(8, "little")
    return bytes(trace)


# In two groups, each of which fits.
MANY_READS = [ClockReads(0, 1 << 57, 0, 0, 0, 0), ClockReads(1, 1 << 57, 0, 0, 0, 0), End(5, 0)]


class RefusedTraces(unittest.TestCase):
    def assert_refused(self, cases: dict[str, bytes]) -> None:
        for name, trace in cases.items():
            with self.subTest(name), tempfile.NamedTemporaryFile(suffix=".trace") as file:
                file.write(trace)
                file.flush()
                with self.assertRaises(Damage):
                    read_trace(trace)
                done = subprocess.run([options.reprise, "verify", file.name], capture_output=True, check=False)
                self.assertEqual(done.returncode, DAMAGED, done.stdout + done.stderr)

    def test_the_trace_itself_is_sound(self) -> None:
        read_trace(example_with())
        read_trace(stored_as(lambda column: stored_column(column, COMPRESSED)))

    def test_columns(self) -> None:
        self.assert_refused(
            {
                "run of no events": example_with(order="00301b09120c"),
                "events behind the end": example_with(order="301b090c12"),
                "event kind 6": example_with(order="301b09120e"),
                "console input without its columns": example_with(order="301b09120d"),
                "column that goes on": example_with(clockTime="00282828"),
                "first event after the first time": example_with(clockTime="052828"),
                "varint that could be shorter": example_with(sentSize="8200"),
                "clock source 7": example_with(clockGroup="60800277"),
                "group of no reads": example_with(clockGroup="2060800271"),
                "frame of no bytes": example_with(sentSize="00", sentPayload=""),
                "end reason 9": example_with(end="e80709"),
                "sender that the run has not": example_with(receivedSender="0403"),
                "sender of an embedded frame that the run has not": example_with(receivedSender="0205"),
                "frame that was not sent": example_with(receivedFrame="1202"),
            }
        )

    def test_ways_to_store(self) -> None:
        def without_size(column: bytes) -> bytes:
            return subprocess.run(["zstd", "-q", "-c"], input=column, stdout=subprocess.PIPE, check=True).stdout

        self.assert_refused(
            {
                "way 3": stored_as(lambda column: b"\3" + column),
                "no content size": stored_as(lambda column: b"\1" + without_size(column)),
                "two frames": stored_as(lambda column: b"\1" + zstd_frame(column[:1]) + zstd_frame(column[1:])),
                "a byte behind the frame": stored_as(lambda column: b"\1" + zstd_frame(column) + b"\0"),
                "too few varints": stored_as(lambda column: b"\2\0" + zstd_frame(column)),
            }
        )

    def test_streams(self) -> None:
        alice, bob, network = streams()
        self.assert_refused(
            {
                "guest without an end": build([Stream([EXAMPLE[:-1]], received_bytes=[9]), bob, network]),
                "guest without chunks": build([Stream([[End(5, 0)]]), Stream([]), Stream([[]])]),
                "guest behind a later one": build([alice, bob, network], builder=SwappedStreams),
                "cut short in a whole run": build([Stream([[End(5, 6)]]), Stream([[End(5, 0)]]), Stream([[]])]),
                "counts above 2^64": build([Stream([EXAMPLE], before=(MOST_NUMBER, 0, 0, 0), received_bytes=[9]), bob, network], run=PART),
                "2^58 clock reads in a chunk": build([Stream([MANY_READS]), bob, network]),
                "chunk without events": build([alice, Stream([PEER, [], [End(4000, 0)]]), network]),
                "chunk that begins too early": build([alice, Stream([PEER[4:], [*PEER[:4], End(4000, 0)]]), network]),
                "wrong statistics of the network": build([alice, bob, Stream(network.chunks, delivered=1)]),
                "counts before the first chunk": build([Stream([EXAMPLE], before=(1, 0, 0, 0), received_bytes=[9]), bob, network]),
                "frame of 65,536 bytes": build([alice, Stream([[*PEER, FrameSent(900, bytes(65_536)), End(4000, 0)]]), network]),
            }
        )

    def test_network(self) -> None:
        row = NetworkEvent(2000, 1, 7, 0, 0, 700)
        self.assert_refused(
            {
                "verdict 6": with_rows([NetworkEvent(2000, 1, 7, 0, 6, 700)]),
                "sent before time 0": with_rows([NetworkEvent(2000, 1, 7, 0, 0, -1)]),
                "chunk without rows that is not the last": with_rows([row], [], []),
                "rows out of order": with_rows([NetworkEvent(2000, 1, 8, 0, 0, 800), row]),
                "rows out of order in two chunks": with_rows([NetworkEvent(2000, 1, 8, 0, 0, 800)], [row]),
                "sender that the run has not": with_rows([NetworkEvent(2000, 2, 7, 0, 0, 700)]),
                "receiver that the run has not": with_rows([NetworkEvent(2000, 1, 7, 2, 0, 700)]),
                "frame that was not sent": with_rows([NetworkEvent(2000, 1, 70, 0, 0, 700)]),
                "implied delivery of a frame that was not sent": build(
                    [Stream([[FrameReceived(5, 1, 9, b"a"), End(5, 0)]], received_bytes=[1], implied=True), streams()[1], Stream([[]], delivered=1)]
                ),
            }
        )

    def test_headers(self) -> None:
        spans = b"\1" + bytes(87)
        cases = {"file header's reserved byte": with_file_header(20, 1), "file header's stream": with_file_header(16, 1)}
        for name, kind in (("run", RUN), ("page", PAGE), ("root", ROOT)):
            cases |= {f"number of {name}": with_header(kind, number=5), f"mark of {name}": with_header(kind, ends=1)}
            cases |= {f"time of {name}": with_header(kind, spans=spans), f"stream of {name}": with_header(kind, stream=5)}
        self.assert_refused(cases)

    def test_places(self) -> None:
        class UnknownFirst(TraceBuilder):
            def __init__(self, minor: int) -> None:
                super().__init__(minor)
                self.add_unknown(9, b"of a later version")

        def run_again(trace: TraceBuilder) -> None:
            trace.add_message(NO_STREAM, RUN, 0, run_info(["alice", "bob"], [False, False]))

        cases = {"unknown chunk before the run information": build(streams(), builder=UnknownFirst)}
        self.assert_refused(cases | {"run information between streams": build(streams(), between=run_again)})

    def test_parts(self) -> None:
        def part(*events: object, network: Stream = Stream([[]])) -> bytes:
            return build([Stream([list(events)]), Stream([[End(2500, 6)]]), network], run=PART)

        read_trace(part(FrameSent(1000, b"a"), End(2500, 6)))
        without_mark = run_info(["alice", "bob"], [False, False], partial=(1000, 2500))
        without_mark = Node(without_mark.data[:24] + bytes(1) + without_mark.data[25:], without_mark.pointers)
        implied = Stream([[End(2500, 6)]], implied=True)
        row = NetworkEvent(2500, 1, 7, 0, 0, 700)
        cases = {
            "event before it": part(FrameSent(999, b"a"), End(2500, 6)),
            "event where it ends": part(FrameSent(2500, b"a"), End(2500, 6)),
            "end behind it": part(End(2501, 0)),
            "cut short within": part(FrameSent(1000, b"a"), End(2400, 6)),
            "row behind it": part(End(2500, 6), network=Stream([[row]])),
            "drops before it": part(End(2500, 6), network=Stream([[]], before=(10, 2, 0, 0))),
            "implied deliveries": build([implied, Stream([[End(2500, 6)]]), Stream([[]])], run=PART),
            "bounds in a whole run": build(streams(), run=without_mark),
            "guest left out of a whole run": build([Stream([[End(5, 0)]]), Stream([]), Stream([[]])], run=run_info(["a", "b"], [False, True])),
            "empty": build([Stream([[End(7, 6)]]), Stream([[End(7, 6)]]), Stream([[]])], run=run_info(["a", "b"], [False, False], (7, 7))),
        }
        self.assert_refused(cases)

    def test_bytes_received_are_counted_by_whoever_walks_the_frames(self) -> None:
        alice, bob, network = streams()
        trace = build([Stream(alice.chunks, received_bytes=[8]), bob, network])
        with self.assertRaisesRegex(Damage, "bytes received is 8, the chunks say 9"):
            read_trace(trace)

    def test_kept(self) -> None:
        def forget(trace: TraceBuilder) -> None:
            trace.add_unknown(9, b"of a later version")
            trace.kept.clear()

        def invent(trace: TraceBuilder) -> None:
            trace.kept.append(32)

        kept = {"chunk not listed": build(streams(), between=forget), "list without a chunk": build(streams(), between=invent)}
        self.assert_refused(kept)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reprise", type=Path, required=True)
    parser.parse_args(namespace=options)
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
