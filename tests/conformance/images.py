"""Files that a trace carries: chunks of kind 5 (FORMAT.md, "Evolution"; ImagePart in trace.capnp)."""

import hashlib

from damage import Damage, check
from framing import MOST_MESSAGE_BYTES, Chunk
from capnp_message import Message
from zstd_frames import decompress, parse_frame

IMAGE = 5
MOST_IMAGE_BYTES = 128 << 20


def part_of(chunk: Chunk) -> tuple[str, int, bytes]:
    """SHA-256 of the whole, offset, bytes. The header has only kind and size, so the frame's own size counts."""
    frame = parse_frame(chunk.body, chunk.place, MOST_MESSAGE_BYTES)
    check(frame.content_size % 8 == 0, chunk.place, f"message of {frame.content_size} bytes")
    part = Message(decompress([frame])[0], 2 * (frame.content_size // 8) + 1024, chunk.place).root()
    return part.text(0), part.number(0, 8), part.data(1)


def carried_images(chunks: list[Chunk]) -> dict[str, bytes]:
    """The images whose parts are all there, by SHA-256. One that is damaged is not there: that makes no trace unsound."""
    images: dict[str, bytes] = {}
    for chunk in chunks:
        if chunk.kind != IMAGE:
            continue
        try:
            sha256, offset, content = part_of(chunk)
            whole = images.get(sha256, b"")
            check(offset == len(whole) and len(content) <= MOST_IMAGE_BYTES - offset, chunk.place, "part that does not follow")
        except Damage:
            continue
        images[sha256] = whole + content
    return {sha256: image for sha256, image in images.items() if hashlib.sha256(image).hexdigest() == sha256}
