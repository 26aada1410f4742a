"""Zstandard frames: their outline (RFC 8878, section 3.1.1) is read here, their contents by the `zstd` program.

Many frames go through one process: what they decompress to comes back to back, and each says beforehand how long that is.
"""

import subprocess
from dataclasses import dataclass

from damage import Damage, check, refuse

MAGIC = bytes.fromhex("28b52ffd")
LARGEST_WINDOW = 128 << 20  # bytes, what `zstd -d` takes without being asked to
BATCH_BYTES = 64 << 20  # decompressed, in one process


@dataclass(frozen=True)
class Frame:
    place: str  # for messages
    stored: bytes
    content_size: int


def parse_frame(stored: bytes, place: str, largest: int) -> Frame:
    """Checks that `stored` is one frame, from its first byte to its last, and that it announces at most `largest` bytes."""
    check(stored[:4] == MAGIC and len(stored) >= 6, place, "not a zstd frame")
    descriptor = stored[4]
    single_segment = descriptor >> 5 & 1
    check(descriptor >> 3 & 1 == 0, place, "zstd frame with a reserved bit")
    check(descriptor & 3 == 0, place, "zstd frame with a dictionary")
    size_bytes = [single_segment, 2, 4, 8][descriptor >> 6]
    check(size_bytes > 0, place, "zstd frame without its content size")
    at = 5 + (1 - single_segment)
    check(len(stored) >= at + size_bytes, place, "zstd frame cut in its header")
    content_size = int.from_bytes(stored[at : at + size_bytes], "little") + (256 if size_bytes == 2 else 0)
    check(content_size <= largest, place, f"zstd frame of {content_size} bytes where at most {largest} are announced")
    if not single_segment:
        exponent, mantissa = stored[5] >> 3, stored[5] & 7
        check((1 << 10 + exponent) * (8 + mantissa) // 8 <= LARGEST_WINDOW, place, "zstd frame with a window above 128 MiB")
    end = blocks_end(stored, at + size_bytes, place) + (4 if descriptor & 4 else 0)
    check(end == len(stored), place, f"zstd frame of {end} bytes in {len(stored)}")
    return Frame(place, stored, content_size)


def blocks_end(stored: bytes, at: int, place: str) -> int:
    last = 0
    while not last:
        check(at + 3 <= len(stored), place, "zstd frame cut between blocks")
        header = int.from_bytes(stored[at : at + 3], "little")
        last, kind, size = header & 1, header >> 1 & 3, header >> 3
        check(kind != 3, place, "zstd block of the reserved type")
        at += 3 + (1 if kind == 1 else size)
    return at


def decompress(frames: list[Frame]) -> list[bytes]:
    contents: list[bytes] = []
    batch: list[Frame] = []
    for frame in frames:
        if batch and sum(each.content_size for each in batch) + frame.content_size > BATCH_BYTES:
            contents += decompress_batch(batch)
            batch = []
        batch.append(frame)
    return contents + decompress_batch(batch)


def decompress_batch(frames: list[Frame]) -> list[bytes]:
    if not frames:
        return []
    done = run_zstd(b"".join(frame.stored for frame in frames))
    total = sum(frame.content_size for frame in frames)
    if done.returncode != 0 or len(done.stdout) != total:
        if len(frames) > 1:  # which one is it?
            return [decompress_batch([frame])[0] for frame in frames]
        message = done.stderr.decode(errors="replace").strip() or f"{len(done.stdout)} bytes, announced {total}"
        refuse(frames[0].place, f"zstd frame does not decompress: {message}")
    contents, at = [], 0
    for frame in frames:
        contents.append(done.stdout[at : at + frame.content_size])
        at += frame.content_size
    return contents


def run_zstd(stored: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["zstd", "-q", "-d", "-c"], input=stored, capture_output=True, check=False)
    except FileNotFoundError:
        raise Damage("zstd: no such program; install the package zstd") from None
