"""Cap'n Proto messages in the standard stream framing, from capnproto.org/encoding.html. Nothing is copied or trusted.

Pointers are followed when they are asked for; each must stay in its segment, and all together may not visit more words than the
traversal limit, so a small message cannot claim to hold much. A field that lies outside what the writer stored reads as its default.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from damage import check, refuse

WORD = 8
MOST_SEGMENTS = 512
DEEPEST = 64
ELEMENT_BITS = [0, 1, 8, 16, 32, 64, 64]
BYTES, WORDS, POINTERS, COMPOSITE = 2, 5, 6, 7


@dataclass(frozen=True)
class Place:
    """A pointer that has been followed through far pointers: the word that describes the object, and where the object begins."""

    segment: bytes
    word: int
    content: int  # byte in the segment


class Message:
    def __init__(self, data: bytes, limit_words: int, place: str) -> None:
        self.place = place
        self.words_left = limit_words
        self.segments = self.split(data)

    def split(self, data: bytes) -> list[bytes]:
        check(len(data) >= WORD, self.place, "message cut in its segment table")
        count = int.from_bytes(data[:4], "little") + 1
        check(count <= MOST_SEGMENTS, self.place, f"message of {count} segments")
        at = (4 + 4 * count + 7) // WORD * WORD
        check(len(data) >= at, self.place, "message cut in its segment table")
        sizes = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "little") * WORD for i in range(count)]
        check(at + sum(sizes) == len(data), self.place, f"message of {at + sum(sizes)} bytes in {len(data)}")
        segments = []
        for size in sizes:
            segments.append(data[at : at + size])
            at += size
        return segments

    def root(self) -> "Struct":
        check(len(self.segments[0]) >= WORD, self.place, "message without a root")
        return self.struct_at(self.segments[0], 0, DEEPEST)

    def visit(self, words: int) -> None:
        self.words_left -= words
        check(self.words_left >= 0, self.place, "message goes on beyond its traversal limit")

    def word(self, segment: bytes, at: int) -> int:
        check(at + WORD <= len(segment), self.place, "pointer leads out of its segment")
        return int.from_bytes(segment[at : at + WORD], "little")

    def segment(self, number: int) -> bytes:
        check(number < len(self.segments), self.place, f"pointer into segment {number} of {len(self.segments)}")
        return self.segments[number]

    def follow(self, segment: bytes, at: int) -> Place | None:
        """None for a null pointer."""
        word = self.word(segment, at)
        if word == 0:
            return None
        if word & 3 == 2:
            double, segment, pad = word >> 2 & 1, self.segment(word >> 32), (word >> 3 & 0x1FFFFFFF) * WORD
            self.visit(1 + double)
            word = self.word(segment, pad)
            if double:
                check(word & 7 == 2, self.place, "landing pad without a far pointer")
                tag = self.word(segment, pad + WORD)
                segment, content = self.segment(word >> 32), (word >> 3 & 0x1FFFFFFF) * WORD
                check(tag & 3 < 2, self.place, "landing pad without a tag")
                return Place(segment, tag, content)
            at = pad
        check(word & 3 < 2, self.place, "pointer to a far pointer or a capability")
        offset = word >> 2 & 0x3FFFFFFF
        offset -= (offset & 1 << 29) << 1
        content = at + WORD + offset * WORD
        check(content >= 0, self.place, "pointer leads out of its segment")
        return Place(segment, word, content)

    def struct_at(self, segment: bytes, at: int, depth: int) -> "Struct":
        check(depth > 0, self.place, "message is nested too deep")
        found = self.follow(segment, at)
        if found is None:
            return Struct(self, b"", 0, 0, 0, depth)
        check(found.word & 3 == 0, self.place, "a list where a struct belongs")
        data, pointers = found.word >> 32 & 0xFFFF, found.word >> 48
        self.visit(data + pointers)
        check(found.content + (data + pointers) * WORD <= len(found.segment), self.place, "struct leads out of its segment")
        return Struct(self, found.segment, found.content, data * WORD, pointers, depth)

    def list_at(self, segment: bytes, at: int) -> tuple[Place, int, int] | None:
        """(place, kind of element, number of elements; for composite ones of words); the list lies in its segment."""
        found = self.follow(segment, at)
        if found is None:
            return None
        check(found.word & 3 == 1, self.place, "a struct where a list belongs")
        kind, count = found.word >> 32 & 7, found.word >> 35
        words = count + 1 if kind == COMPOSITE else (count * ELEMENT_BITS[kind] + 63) // 64
        self.visit(words)
        check(found.content + words * WORD <= len(found.segment), self.place, "list leads out of its segment")
        return found, kind, count


@dataclass(frozen=True)
class Struct:
    message: Message
    segment: bytes
    at: int
    data_bytes: int
    pointers: int
    depth: int

    def number(self, at: int, size: int, default: int = 0, signed: bool = False) -> int:
        """The field of `size` bytes at byte `at` of the data section. Stored as the exclusive or with its default."""
        end = at + size
        stored = self.segment[self.at + at : self.at + end] if end <= self.data_bytes else b""
        value = int.from_bytes(stored, "little") ^ default
        return value - (1 << 8 * size) if signed and value >> 8 * size - 1 else value

    def bit(self, at: int) -> bool:
        return bool(self.number(at // 8, 1) >> at % 8 & 1)

    def pointer_at(self, index: int) -> int | None:
        return self.at + self.data_bytes + index * WORD if index < self.pointers else None

    def struct(self, index: int) -> "Struct":
        at = self.pointer_at(index)
        return Struct(self.message, b"", 0, 0, 0, 1) if at is None else self.message.struct_at(self.segment, at, self.depth - 1)

    def data(self, index: int) -> bytes:
        at = self.pointer_at(index)
        found = self.message.list_at(self.segment, at) if at is not None else None
        if found is None:
            return b""
        place, kind, count = found
        check(kind == BYTES, self.message.place, "another list where bytes belong")
        return place.segment[place.content : place.content + count]

    def text(self, index: int) -> str:
        return as_text(self.data(index), self.message.place)

    def numbers(self, index: int) -> list[int]:
        """A List(UInt64)."""
        at = self.pointer_at(index)
        found = self.message.list_at(self.segment, at) if at is not None else None
        if found is None:
            return []
        place, kind, count = found
        check(kind == WORDS, self.message.place, "another list where 64-bit numbers belong")
        return [int.from_bytes(place.segment[place.content + WORD * i : place.content + WORD * (i + 1)], "little") for i in range(count)]

    def texts(self, index: int) -> list[str]:
        """A List(Text)."""
        at = self.pointer_at(index)
        found = self.message.list_at(self.segment, at) if at is not None else None
        if found is None:
            return []
        place, kind, count = found
        check(kind == POINTERS, self.message.place, "another list where texts belong")
        holder = Struct(self.message, place.segment, place.content, 0, count, self.depth - 1)
        return [holder.text(i) for i in range(count)]

    def structs(self, index: int) -> list["Struct"]:
        at = self.pointer_at(index)
        found = self.message.list_at(self.segment, at) if at is not None else None
        return list(self.elements(*found)) if found is not None else []

    def elements(self, place: Place, kind: int, words: int) -> Iterator["Struct"]:
        message = self.message
        check(kind == COMPOSITE, message.place, "another list where structs belong")
        check(self.depth > 1, message.place, "message is nested too deep")
        tag = message.word(place.segment, place.content)
        count, data, pointers = tag >> 2 & 0x3FFFFFFF, tag >> 32 & 0xFFFF, tag >> 48
        check(tag & 3 == 0, message.place, "list of structs with a wrong tag")
        check(count * (data + pointers) <= words, message.place, "list of structs that leads out of its words")
        if data + pointers == 0:  # else many elements could cost nothing
            message.visit(count)
        for i in range(count):
            at = place.content + WORD + i * (data + pointers) * WORD
            yield Struct(message, place.segment, at, data * WORD, pointers, self.depth - 1)


def as_text(stored: bytes, place: str) -> str:
    """A Text ends with a zero byte; an absent one is empty."""
    if not stored:
        return ""
    if stored[-1] != 0:
        refuse(place, "text without its closing zero")
    return stored[:-1].decode("utf-8", errors="surrogateescape")
