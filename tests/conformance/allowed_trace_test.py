#!/usr/bin/env python3
"""What FORMAT.md allows but our writer does not write, both readers must read, and alike: columns stored in any way, embedded frames,
parts of a run, chunks and fields of a later minor version.

usage: allowed_trace_test.py --reprise PROGRAM
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
from checked_trace import read_trace
from columns import COMPRESSED, PLAIN, PLANES
from event_text import dump_lines
from framing import NO_STREAM
from guest_events import ClockReads, ConsoleBytes, End, FrameReceived, FrameSent
from network_events import NetworkEvent
from trace_builder import Node, Stream, TraceBuilder, run_info

options = argparse.Namespace()

# FORMAT.md's example, and the guest that it receives frames of.
EXAMPLE = [
    ClockReads(0, 1, 1000, 0, 1000, 0),
    ClockReads(0, 4, 1040, 40, 1040, 40),
    ClockReads(1, 1, 1200, 0, 116, 0),
    ConsoleBytes(1280, 0, b"o"),
    ConsoleBytes(1580, 300, b"k\n"),
    FrameSent(1880, b"\xaa\xbb"),
    FrameReceived(2000, 1, 7, None),
    FrameReceived(2001, 1, 8, b"\xcc"),
    End(3001, 3),
]
PEER = [FrameSent(100 * i, bytes([i] * (i + 1))) for i in range(9)]


def streams(way: int = PLAIN, varint_way: int = PLAIN, implied: bool = False) -> list[Stream]:
    """Guest 0, guest 1, network."""
    rows = [NetworkEvent(1900, 0, 0, 1, 4, 1880)]
    if not implied:
        rows += [NetworkEvent(2000, 1, 7, 0, 0, 700), NetworkEvent(2001, 1, 8, 0, 0, 800)]
    return [
        Stream([EXAMPLE], received_bytes=[8 + 1], implied=implied, way=way, varint_way=varint_way),
        Stream([PEER[:4], PEER[4:] + [End(4000, 0)]], received_bytes=[0, 0], way=way, varint_way=varint_way),
        Stream([rows, []], delivered=2 if implied else 0, way=way, varint_way=varint_way),
    ]


def build(
    parts: list[Stream],
    minor: int = 0,
    run: Node | None = None,
    between: Callable[[TraceBuilder], None] = lambda trace: None,
    builder: type[TraceBuilder] = TraceBuilder,
) -> bytes:
    run = run or run_info(["alice", "bob"], [False, False])
    trace = builder(minor)
    trace.add_message(NO_STREAM, 2, 0, run)
    for number, part in zip((0, 1, NO_STREAM), parts):
        between(trace)
        trace.add_stream(number, part)
    between(trace)
    return trace.finish(run)


class AllowedTraces(unittest.TestCase):
    def lines(self, trace: bytes) -> list[str]:
        ours = b"".join(dump_lines(read_trace(trace)))
        with tempfile.NamedTemporaryFile(suffix=".trace") as file:
            file.write(trace)
            file.flush()
            for command in ("verify", "dump"):
                done = subprocess.run([options.reprise, command, file.name], capture_output=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, b""), command)
        self.assertEqual(ours.decode(), done.stdout.decode())
        return ours.decode().splitlines()

    def test_columns_stored_in_every_way(self) -> None:
        expected = self.lines(build(streams()))
        self.assertEqual(len(expected), 6 + 3 + 3 + 1 + 9 + 1 + 3)
        self.assertEqual(self.lines(build(streams(COMPRESSED, COMPRESSED))), expected)
        self.assertEqual(self.lines(build(streams(PLAIN, PLANES))), expected)

    def test_implied_deliveries_have_their_places_and_numbers(self) -> None:
        self.assertEqual(self.lines(build(streams(implied=True))), self.lines(build(streams())))

    def test_later_minor_version(self) -> None:
        expected = self.lines(build(streams()))
        self.assertEqual(self.lines(build(streams(), minor=7)), expected)
        more = run_info(["alice", "bob"], [False, False], more=bytes(range(64)))
        self.assertEqual(self.lines(build(streams(), minor=1, run=more)), expected)
        later = build(streams(), minor=1, between=lambda trace: trace.add_unknown(9, b"of a later version"))
        self.assertEqual(self.lines(later), expected)
        self.assertEqual(len(read_trace(later).layout.kept), 4)

    def test_part_of_a_run(self) -> None:
        run = run_info(["alice", "bob"], [False, True], partial=(1000, 2500))
        trace = TraceBuilder()
        trace.add_message(NO_STREAM, 2, 0, run)
        events = [FrameReceived(2000, 1, 7, b"\1\2\3"), *EXAMPLE[7:8], End(2500, 6)]
        trace.add_stream(0, Stream([events], before=(600, 3, 40, 5), received_bytes=[4]))
        trace.add_stream(1, Stream([]))
        trace.add_stream(NO_STREAM, Stream([[NetworkEvent(2000, 1, 7, 0, 0, 700)]], before=(12, 0, 0, 0)))
        lines = self.lines(trace.finish(run))
        self.assertTrue(lines[0].startswith("2000 alice frame #43 received bob/7 3 bytes xxh3:"), lines[0])
        self.assertEqual(lines[1], "2000 alice network #12 delivered bob/7 sent 700")
        self.assertEqual(lines[-1], "2500 alice end trimmed")

    def test_guest_that_ended_before_the_part(self) -> None:
        run = run_info(["alice", "bob"], [False, False], partial=(1000, 2500))
        ended, goes_on = Stream([[End(1000, 6)]], before=(9, 9, 9, 9)), Stream([[End(2500, 6)]])
        lines = self.lines(build([ended, goes_on, Stream([[]], before=(12, 0, 0, 0))], run=run))
        self.assertEqual(lines, ["1000 alice end trimmed", "2500 bob end trimmed"])

    def test_what_no_reader_compares(self) -> None:
        """When frames were sent, and whether an embedded one is that of its sender."""
        alice, bob, network = streams()
        late = Stream([[FrameSent(1900 + 100 * i, bytes([i] * (i + 1))) for i in range(9)], [End(5000, 0)]], received_bytes=[0, 0])
        self.assertIn("2000 alice network #1 delivered bob/7 sent 700", self.lines(build([alice, late, network])))
        rows = [NetworkEvent(2000, 1, 7, 0, 0, 701)] * 2 + [NetworkEvent(2000, 1, 8, 0, 5, 5)]
        self.assertEqual(len(self.lines(build([alice, bob, Stream([rows])]))), len(self.lines(build(streams()))))

    def test_empty_column_as_one_byte(self) -> None:
        with mock.patch.object(trace_builder, "stored_column", lambda column, way: b"\0" + column):
            padded = build(streams())
        self.assertEqual(self.lines(padded), self.lines(build(streams())))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reprise", type=Path, required=True)
    parser.parse_args(namespace=options)
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
