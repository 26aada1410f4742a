#!/usr/bin/env python3
"""The reader's parts: FORMAT.md's example, messages with far pointers made by hand, zstd frames, and what each of them must refuse."""

import struct
import subprocess
import unittest

from canonical import canonical_guest_columns, varint
from capnp_message import Message
from columns import GUEST_COLUMNS, Columns, joined_planes, varint_at
from damage import Damage
from framing import GUEST, Chunk
from guest_events import ClockReads, ConsoleBytes, End, FrameReceived, FrameSent, guest_events
from zstd_frames import decompress, parse_frame

EXAMPLE = {
    "order": "301b09120c",
    "clockGroup": "60800271",
    "clockTime": "002828",
    "clockValue": "e801",
    "sentTime": "00",
    "sentSize": "02",
    "sentPayload": "aabb",
    "receivedTime": "7801",
    "receivedSender": "0203",
    "receivedFrame": "0e02",
    "embeddedSize": "01",
    "embeddedPayload": "cc",
    "consoleTime": "5001ac0202",
    "consoleBytes": "6f6b0a",
    "end": "e80703",
}


def example(counts: tuple[int, int, int, int] = (6, 1, 2, 3), last_ns: int = 3001, **altered: str) -> Columns:
    chunk = Chunk(0, 0, GUEST, 1, 0, 1000, last_ns, counts, (0, 0, 0, 0), 3, 0, b"")
    hexes = EXAMPLE | altered
    return Columns(chunk, {name: bytes.fromhex(hexes[name]) for name in GUEST_COLUMNS}, [])


class GuestColumns(unittest.TestCase):
    def test_the_example(self) -> None:
        expected = [
            ClockReads(0, 1, 1000, 0, 1000, 0),
            ClockReads(0, 4, 1040, 40, 1040, 40),
            ClockReads(1, 1, 1200, 40, 116, 116),
            ConsoleBytes(1280, 80, b"o"),
            ConsoleBytes(1580, 300, b"k\n"),
            FrameSent(1880, b"\xaa\xbb"),
            FrameReceived(2000, 1, 7, None),
            FrameReceived(2001, 1, 8, b"\xcc"),
            End(3001, 3),
        ]
        self.assertEqual(guest_events(example()), expected)
        self.assertEqual(canonical_guest_columns(1000, expected), example().raw)

    def test_the_example_with_console_input(self) -> None:
        hexes = dict.fromkeys(GUEST_COLUMNS, "") | {"order": "131d13", "consoleTime": "0001" "0a01" "2802", "consoleBytes": "23206c73"}
        hexes |= {"inputTime": "860301" "0001" "cc0801", "inputBytes": "6c730d"}
        chunk = Chunk(0, 0, GUEST, 0, 0, 500, 2080, (0, 0, 0, 7), (0, 0, 0, 0), 0, 0, b"")
        columns = Columns(chunk, {name: bytes.fromhex(column) for name, column in hexes.items()}, [])
        expected = [
            ConsoleBytes(500, 0, b"#"),
            ConsoleBytes(510, 10, b" "),
            ConsoleBytes(900, 390, b"l", True),
            ConsoleBytes(900, 0, b"s", True),
            ConsoleBytes(2000, 1100, b"\r", True),
            ConsoleBytes(2040, 40, b"ls"),
        ]
        self.assertEqual(guest_events(columns), expected)
        self.assertEqual(canonical_guest_columns(500, expected), columns.raw)

    def refused(self, reason: str, **altered: object) -> None:
        with self.assertRaisesRegex(Damage, reason):
            guest_events(example(**altered))

    def test_refuses_what_does_not_fit_together(self) -> None:
        self.refused("1 reads too many", clockGroup="60800371")
        self.refused("column ends in a varint, or before it", order="381b09120c")
        self.refused("group of no reads", clockGroup="20800271")
        self.refused("run of no events", order="30001b09120c")
        self.refused("event of kind 6", order="301b09120e")
        self.refused("events behind the end", order="301b090c12")
        self.refused("clock source 7", clockGroup="60800277")
        self.refused("end reason 9", end="e80709")
        self.refused("bytes too many", end="e8070300")
        self.refused("bytes too early", sentPayload="aa")
        self.refused("not at the chunk's first time", clockTime="012828")
        self.refused("events end at 3001", last_ns=3002)
        self.refused("events count", counts=(6, 1, 1, 3))
        self.refused("frame of 0 bytes", sentSize="00")
        self.refused("run of no bytes", consoleTime="5001ac0200")
        self.refused("beyond 2\\^63", receivedTime="78ffffffffffffffff7f")

    def test_time_does_not_grow_with_the_counts(self) -> None:
        count = 1 << 57
        order, group = varint(count << 3).hex(), varint(count << 6).hex()
        altered = dict.fromkeys(GUEST_COLUMNS, "") | {"order": order + "0c", "clockGroup": group, "clockTime": "00", "end": "0003"}
        columns = example(**altered, counts=(count, 0, 0, 0), last_ns=1000)
        self.assertEqual(guest_events(columns)[0], ClockReads(0, count, 1000, 0, 1000, 0))


class Varints(unittest.TestCase):
    def test_values(self) -> None:
        for value in (0, 127, 128, 300, 1 << 63, (1 << 64) - 1):
            stored = varint(value)
            self.assertEqual(varint_at(stored, 0, ""), (value, len(stored)))

    def test_refuses(self) -> None:
        cases = {"8000": "shortest", "ff" * 10 + "01": "10 bytes", "ff" * 9 + "02": "64 bits", "80": "ends", "": "ends"}
        for stored, reason in cases.items():
            with self.assertRaisesRegex(Damage, reason):
                varint_at(bytes.fromhex(stored), 0, "")

    def test_planes(self) -> None:
        self.assertEqual(joined_planes(b"", 0, ""), b"")
        self.assertEqual(joined_planes(bytes.fromhex("01acff02ff01"), 3, "").hex(), "01ac02ffff01")
        for content, count in (("01ac", 2), ("0102", 1), ("01", 2), ("ff" * 11, 1)):
            with self.assertRaises(Damage):
                joined_planes(bytes.fromhex(content), count, "")


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def struct_pointer(offset: int, data: int, pointers: int) -> int:
    return (offset & 0x3FFFFFFF) << 2 | data << 32 | pointers << 48


def list_pointer(offset: int, kind: int, count: int) -> int:
    return 1 | (offset & 0x3FFFFFFF) << 2 | kind << 32 | count << 35


def far_pointer(segment: int, word: int, double: bool = False) -> int:
    return 2 | double << 2 | word << 3 | segment << 32


def message(*segments: bytes, limit: int = 1000) -> Message:
    table = struct.pack(f"<{len(segments) + 1}I", len(segments) - 1, *(len(segment) // 8 for segment in segments))
    return Message(table + b"\0" * (-len(table) % 8) + b"".join(segments), limit, "test")


class Messages(unittest.TestCase):
    def test_fields_and_defaults(self) -> None:
        root = message(words(struct_pointer(0, 2, 0), 0xFFFFFFFFFFFFFFFE, 5)).root()
        self.assertEqual(root.number(0, 8, signed=True), -2)
        self.assertEqual(root.number(8, 4), 5)
        self.assertEqual(root.number(8, 8, default=7), 2)
        self.assertEqual(root.number(16, 8, default=7), 7)
        self.assertTrue(root.bit(66) and not root.bit(65) and not root.bit(1000))
        self.assertEqual((root.data(3), root.text(0), root.structs(0), root.numbers(1), root.struct(0).number(0, 8)), (b"", "", [], [], 0))

    def test_far_pointers(self) -> None:
        single = message(words(struct_pointer(0, 0, 1), far_pointer(1, 1)), words(0, list_pointer(0, 2, 3), 0x434241))
        self.assertEqual(single.root().data(0), b"ABC")
        double = message(words(far_pointer(2, 0, double=True)), words(9, 42), words(far_pointer(1, 1), struct_pointer(0, 1, 0)))
        self.assertEqual(double.root().number(0, 8), 42)

    def test_lists(self) -> None:
        numbers = message(words(struct_pointer(0, 0, 1), list_pointer(0, 5, 2), 7, 8)).root()
        self.assertEqual(numbers.numbers(0), [7, 8])
        structs = message(words(struct_pointer(0, 0, 1), list_pointer(0, 7, 2), struct_pointer(2, 1, 0), 7, 8)).root()
        self.assertEqual([each.number(0, 8) for each in structs.structs(0)], [7, 8])

    def test_refuses(self) -> None:
        cases = [
            ("leads out of its segment", (words(struct_pointer(0, 2, 0), 1),)),
            ("leads out of its segment", (words(struct_pointer(-2, 0, 0)),)),
            ("leads out of its segment", (words(far_pointer(0, 5)),)),
            ("segment 3 of 1", (words(far_pointer(3, 0)),)),
            ("pointer to a far pointer", (words(far_pointer(0, 0)),)),
            ("a list where a struct", (words(list_pointer(0, 2, 0)),)),
            ("capability", (words(3),)),
        ]
        for reason, segments in cases:
            with self.assertRaisesRegex(Damage, reason):
                message(*segments).root()
        pointers = message(words(struct_pointer(0, 0, 1), list_pointer(0, 7, 1), struct_pointer(1 << 20, 0, 0), 0)).root()
        with self.assertRaisesRegex(Damage, "traversal limit"):
            pointers.structs(0)
        shared = message(words(struct_pointer(0, 0, 1), list_pointer(0, 2, 64), *range(8)), limit=20).root()
        shared.data(0)
        shared.data(0)
        with self.assertRaisesRegex(Damage, "traversal limit"):
            shared.data(0)

    def test_refuses_false_tables(self) -> None:
        for data in (b"", b"\0" * 4, struct.pack("<II", 0, 2) + b"\0" * 8, struct.pack("<II", 0, 0) + b"\0" * 8, b"\xff" * 16):
            with self.assertRaises(Damage):
                Message(data, 10, "test")


class Frames(unittest.TestCase):
    def compressed(self, content: bytes, *arguments: str) -> bytes:
        return subprocess.run(["zstd", "-q", "-c", *arguments], input=content, capture_output=True, check=True).stdout

    def test_many_in_one_go(self) -> None:
        contents = [b"", b"a", bytes(100_000), b"abc" * 1000]
        frames = [self.compressed(content, f"--stream-size={len(content)}") for content in contents if content]
        parsed = [parse_frame(frame, "test", 1 << 20) for frame in frames]
        self.assertEqual(decompress(parsed), contents[1:])

    def test_refuses(self) -> None:
        sound = self.compressed(b"abc" * 1000, "--stream-size=3000")
        for frame, reason in (
            (self.compressed(b"abc"), "without its content size"),
            (sound + b"\0", "bytes in"),
            (sound[:-1], "bytes in"),
            (b"\x50\x2a\x4d\x18\0\0\0\0", "not a zstd frame"),
            (sound[:5], "not a zstd frame"),
        ):
            with self.assertRaisesRegex(Damage, reason):
                parse_frame(frame, "test", 1 << 20)
        with self.assertRaisesRegex(Damage, "at most 2999"):
            parse_frame(sound, "test", 2999)
        broken = bytearray(sound)
        broken[-1] ^= 0xFF  # its checksum
        with self.assertRaisesRegex(Damage, "second: zstd frame does not decompress"):
            decompress([parse_frame(sound, "first", 3000), parse_frame(bytes(broken), "second", 3000)])


if __name__ == "__main__":
    unittest.main()
