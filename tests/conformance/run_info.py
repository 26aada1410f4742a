"""Run information: what a reader of events needs of it, and the limits on all of it (struct RunInfo in trace.capnp)."""

from dataclasses import dataclass

from capnp_message import Struct
from damage import check
from framing import MOST_GUESTS, Chunk, compressed_message

NEVER = (1 << 63) - 1
MOST_TEXTS = 262_144
MOST_IMAGES = 64
LARGEST_SHIFT = 10
LAST_KIND = 2  # a gateway
HEX_DIGITS = set("0123456789abcdef")


@dataclass(frozen=True)
class RunInfo:
    guests: list[str]
    omitted: list[bool]
    seed: int
    incomplete: bool
    partial: bool
    from_ns: int
    to_ns: int


def parse_run_info(chunk: Chunk) -> RunInfo:
    run, place = compressed_message(chunk).root(), chunk.place
    guests = run.structs(5)
    check(len(guests) <= MOST_GUESTS, place, f"{len(guests)} guests")
    for i in (0, 1, 3, 4):
        run.text(i)
    texts = len(run.texts(2)) + sum(count_texts(guest, place) for guest in guests)
    check(texts <= MOST_TEXTS, place, f"{texts} texts")
    names = [guest.text(0) for guest in guests]
    check(all(1 <= len(name.encode(errors="surrogateescape")) <= 255 for name in names), place, "name that is not 1 to 255 bytes")
    check(len(set(names)) == len(names), place, "two guests of one name")
    lookahead = run.number(8, 8, signed=True)
    until = run.number(16, 8, default=NEVER, signed=True)
    from_ns = run.number(32, 8, signed=True)
    to_ns = run.number(40, 8, default=NEVER, signed=True)
    check(lookahead >= 0 and until >= 0, place, "negative lookahead or deadline")
    partial = run.bit(193)
    omitted = [guest.bit(32) for guest in guests]
    check(0 <= from_ns < to_ns, place, "part of a run that ends before it begins, or there")
    check(partial or (from_ns == 0 and to_ns == NEVER and not any(omitted)), place, "bounds of a part in what is no part of a run")
    return RunInfo(names, omitted, run.number(0, 8), run.bit(192), partial, from_ns, to_ns)


def count_texts(guest: Struct, place: str) -> int:
    for i in range(7):
        guest.text(i)
    images = guest.structs(8)
    check(len(images) <= MOST_IMAGES, place, f"{len(images)} images of a guest")
    check(guest.number(0, 4) <= LARGEST_SHIFT, place, "icount shift above 10")
    check(guest.number(5, 1) <= LAST_KIND, place, "guest of an unknown kind")
    for image in images:
        sha256 = image.text(2)
        check(len(sha256) == 64 and HEX_DIGITS.issuperset(sha256), place, "SHA-256 that is not 64 lower-case hex digits")
        image.text(0)
        image.text(1)
    return 8 + len(guest.texts(7)) + 3 * len(images)
