// What a reader accepts at most. All are checked before memory is taken; a writer stays far below them.
#pragma once

#include <cstdint>

namespace reprise {

inline constexpr uint32_t kMaxGuests = 4096;
inline constexpr uint32_t kMaxFrameBytes = 65535;
inline constexpr uint32_t kMaxNameBytes = 255;
inline constexpr uint32_t kMaxIcountShift = 10;
/// Uncompressed body of a chunk. A writer seals at kSealBytes, so its largest is about three times that.
inline constexpr uint32_t kMaxChunkRawBytes = 4u << 20;
/// Uncompressed footer: room for about 550,000 chunks.
inline constexpr uint64_t kMaxFooterRawBytes = 64u << 20;

/// A writer seals a chunk when its columns hold this much, or when an event reaches the next multiple of kSealNs. Not limits of the format.
inline constexpr uint64_t kSealBytes = 64u << 10;
inline constexpr int64_t kSealNs = 1'000'000'000;

}  // namespace reprise
