// What a reader accepts at most. All are checked before memory is taken; a writer stays far below them.
#pragma once

#include <cstdint>

namespace reprise {

inline constexpr uint32_t kMaxGuests = 4096;
inline constexpr uint32_t kMaxFrameBytes = 65535;
inline constexpr uint32_t kMaxNameBytes = 255;
inline constexpr uint32_t kMaxIcountShift = 10;
/// Uncompressed columns of a chunk. A writer seals at kSealBytes, so its largest is about half of that.
inline constexpr uint32_t kMaxChunkRawBytes = 1u << 20;
/// Clock reads of a chunk: a group's count has 58 bits, and those of a chunk may become one group when it is made canonical.
inline constexpr uint64_t kMaxChunkClockReads = (uint64_t{1} << 58) - 1;
/// Uncompressed run information, root or page of the index.
inline constexpr uint32_t kMaxMessageRawBytes = 8u << 20;
/// Body of a chunk as stored, of a kind that is not known too.
inline constexpr uint32_t kMaxStoredBytes = kMaxMessageRawBytes + (64u << 10);
/// Entries of each page of a stream's index but its last.
inline constexpr uint32_t kChunksPerPage = 256;
/// Texts (names, arguments, paths, ...) of the run information: each costs a string in memory.
inline constexpr uint32_t kMaxTexts = 262'144;
/// Images of one guest.
inline constexpr uint32_t kMaxImages = 64;

/// A writer seals a chunk when it holds this much. Not a limit of the format.
inline constexpr uint64_t kSealBytes = 256u << 10;

}  // namespace reprise
