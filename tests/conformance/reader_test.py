#!/usr/bin/env python3
"""The reader and `reprise` agree on sound traces; on damaged ones the reader says so.

usage: reader_test.py --reprise PROGRAM --write-traces PROGRAM --golden FOLDER
"""

import argparse
import contextlib
import hashlib
import io
import json
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import framing
import read_trace
from canonical import canonical_guest_columns, canonical_network_columns
from network_events import network_events
from xxh3 import xxh3_64

READER = Path(__file__).with_name("read_trace.py")
DAMAGED = 3
options = argparse.Namespace()


def run(*command: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(list(map(str, command)), capture_output=True, check=False)


def read(*arguments: object) -> tuple[int, str]:
    """Exit code and messages of the reader, in this process: starting Python for each flipped byte would take a minute."""
    messages = io.StringIO()
    with mock.patch.object(sys, "argv", ["read_trace.py", *map(str, arguments)]), contextlib.redirect_stderr(messages):
        return read_trace.main(), messages.getvalue()


class Reader(unittest.TestCase):
    folder: tempfile.TemporaryDirectory

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        written = run(options.write_traces, cls.path("traces"))
        assert written.returncode == 0, written.stderr

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    @classmethod
    def path(cls, name: str) -> Path:
        return Path(cls.folder.name) / name

    def assert_read_alike(self, trace: Path) -> None:
        ours, theirs = run(sys.executable, READER, trace, "--dump"), run(options.reprise, "dump", trace)
        self.assertEqual((ours.returncode, ours.stderr), (0, b""))
        self.assertEqual((theirs.returncode, theirs.stderr), (0, b""))
        for number, (our, their) in enumerate(zip(ours.stdout.splitlines(), theirs.stdout.splitlines()), start=1):
            self.assertEqual(our, their, f"line {number}")
        self.assertEqual(len(ours.stdout), len(theirs.stdout))
        self.assertGreater(ours.stdout.count(b"\n"), 0)

    def test_written_traces(self) -> None:
        traces = sorted(self.path("traces").glob("*.trace"))
        self.assertGreater(len(traces), 5)
        for trace in traces:
            with self.subTest(trace.name):
                self.assert_read_alike(trace)

    def test_columns_are_canonical(self) -> None:
        for path in sorted(self.path("traces").glob("*.trace")):
            trace = read_trace.read_trace(path.read_bytes())
            for guest in trace.guests:
                for columns, events in zip(guest.columns, guest.events):
                    with self.subTest(f"{path.name}: {columns.chunk.place}"):
                        self.assertEqual(canonical_guest_columns(columns.chunk.first_ns, events), columns.raw)
            for columns in trace.network_columns:
                with self.subTest(f"{path.name}: {columns.chunk.place}"):
                    self.assertEqual(canonical_network_columns(columns.chunk.first_ns, network_events(columns)), columns.raw)

    def test_image_in_a_trace(self) -> None:
        trace = options.golden / "v2.2-image.golden"
        self.assert_read_alike(trace)
        summary = json.loads(run(sys.executable, READER, trace, "--json").stdout)
        content = bytes((i * 7 + i // 256) & 255 for i in range(5000))
        self.assertEqual(summary["images"], {hashlib.sha256(content).hexdigest(): len(content)})

    def test_golden_traces(self) -> None:
        traces = [path for path in sorted(options.golden.iterdir()) if not path.name.startswith("v1.")]
        self.assertGreater(len(traces), 0)
        for trace in traces:
            with self.subTest(trace.name):
                self.assert_read_alike(trace)

    def test_version_1_is_refused_with_its_number(self) -> None:
        header = bytearray(self.path("traces/small.trace").read_bytes())
        header[8:12] = bytes([1, 0, 0, 0])
        self.path("old").write_bytes(header)
        code, message = read(self.path("old"))
        self.assertEqual(code, DAMAGED)
        self.assertIn("version 1.0", message)

    def test_every_flipped_byte_is_found(self) -> None:
        sound = self.path("traces/small.trace").read_bytes()
        for at in range(len(sound)):
            damaged = bytearray(sound)
            damaged[at] ^= 0xFF
            self.path("flipped").write_bytes(damaged)
            code, message = read(self.path("flipped"))
            self.assertEqual(code, DAMAGED, f"byte {at}")
            self.assertIn("byte ", message)

    def test_damage_under_right_checksums_is_found_or_harmless(self) -> None:
        sound = self.path("traces/small.trace").read_bytes()
        chunks = [chunk for chunk in framing.chunks(sound) if chunk.kind in (framing.GUEST, framing.NETWORK)]
        draw = random.Random(2)
        refused = 0
        for _ in range(150):
            chunk = draw.choice(chunks)
            damaged = bytearray(sound)
            damaged[draw.randrange(chunk.offset + 8, chunk.end)] ^= 1 << draw.randrange(8)
            checksum = xxh3_64(damaged[chunk.offset : chunk.offset + 120] + damaged[chunk.end - len(chunk.body) : chunk.end])
            damaged[chunk.offset + 120 : chunk.offset + 128] = checksum.to_bytes(8, "little")
            self.path("altered").write_bytes(damaged)
            code, message = read(self.path("altered"))
            self.assertIn(code, (0, DAMAGED), message)
            refused += code == DAMAGED
        self.assertGreater(refused, 100)

    def test_every_truncation_is_found(self) -> None:
        sound = self.path("traces/small.trace").read_bytes()
        for size in [*range(0, 200), *range(200, len(sound), 7), len(sound) - 1]:
            self.path("cut").write_bytes(sound[:size])
            code, message = read(self.path("cut"))
            self.assertEqual(code, DAMAGED, f"cut to {size} bytes")
            self.assertIn("byte ", message)

    def test_refuses_other_files(self) -> None:
        self.path("other").write_bytes(random.Random(1).randbytes(5000))
        done = run(sys.executable, READER, self.path("other"))
        self.assertEqual(done.returncode, DAMAGED)
        self.assertTrue(done.stderr.endswith(b"byte 0: not a Reprise file\n"), done.stderr)
        self.assertEqual(run(sys.executable, READER).returncode, 2)
        self.assertEqual(run(sys.executable, READER, self.path("absent")).returncode, 2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reprise", type=Path, required=True)
    parser.add_argument("--write-traces", type=Path, required=True)
    parser.add_argument("--golden", type=Path, required=True)
    parser.parse_args(namespace=options)
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
