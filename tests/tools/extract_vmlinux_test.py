#!/usr/bin/env python3
"""Gives tools/extract_vmlinux.py small bzImages of each compression Debian has used, and broken ones."""

import gzip
import lzma
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "extract_vmlinux.py"
KERNEL = b"\x7fELF" + bytes(range(256)) * 40
SETUP_SECTORS = 2
GAP = 100  # between the protected-mode code's start and the payload


def bzimage(payload: bytes, version: int = 0x020F) -> bytes:
    image = bytearray((SETUP_SECTORS + 1) * 512)
    image[0x1F1] = SETUP_SECTORS
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, version)
    struct.pack_into("<II", image, 0x248, GAP, len(payload))
    return bytes(image) + b"\x1f\x8b" * (GAP // 2) + payload


def with_size(compressed: bytes, size: int = len(KERNEL)) -> bytes:
    return compressed + struct.pack("<I", size)


def tool(*command: str) -> bytes:
    return subprocess.run(command, input=KERNEL, stdout=subprocess.PIPE, check=True).stdout


def extract(image: bytes) -> tuple[int, bytes | None, str]:
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder) / "vmlinuz", pathlib.Path(folder) / "vmlinux"
        source.write_bytes(image)
        done = subprocess.run([sys.executable, SCRIPT, source, target], stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, target.read_bytes() if target.exists() else None, done.stderr


class ExtractVmlinux(unittest.TestCase):
    def test_every_compression(self) -> None:
        payloads = {
            "gzip": gzip.compress(KERNEL),
            "xz": with_size(lzma.compress(KERNEL)),
            "lz4": with_size(tool("lz4", "-l", "-c")),
            "zstd": with_size(tool("zstd", "-c")),
        }
        for name, payload in payloads.items():
            with self.subTest(name):
                self.assertEqual(extract(bzimage(payload)), (0, KERNEL, ""))

    def test_refusals_say_why_and_write_nothing(self) -> None:
        good = bzimage(with_size(lzma.compress(KERNEL)))
        cases = {
            "no bzImage header": b"\x7fELF" * 400,
            "is needed": bzimage(gzip.compress(KERNEL), version=0x0207),
            "truncated": good[:-1],
            "its trailer says": bzimage(with_size(lzma.compress(KERNEL), 1)),
            "unknown compression": bzimage(b"BZh9" + bytes(20)),
            "not an ELF": bzimage(gzip.compress(b"text")),
        }
        for message, image in cases.items():
            with self.subTest(message):
                code, kernel, error = extract(image)
                self.assertEqual((code, kernel), (1, None))
                self.assertIn(message, error)


if __name__ == "__main__":
    unittest.main()
