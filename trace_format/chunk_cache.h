// The decoded chunks of an open trace that are in use or were used last, and the sent frames in them.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/trace_index.h"

namespace reprise {

/// Shared by all cursors of a trace: two that walk side by side, or a receiver that looks up its senders' frames, decode a chunk once.
class ChunkCache {
 public:
  /// Both must outlive it.
  ChunkCache(const ByteSource& source, TraceIndex& index) : source_(source), index_(index) {}

  /// Requires number < index.stream(stream).chunks. kBadTrace when the chunk is damaged, or is not the one in the index.
  [[nodiscard]] Result<std::shared_ptr<const LoadedChunk>> chunk(StreamId stream, uint64_t number);

  struct Frame {
    ByteView payload;  ///< valid until the next call
    VirtualTime sent_at;
  };
  /// kBadTrace when the sender's stream has no such frame.
  [[nodiscard]] Result<Frame> sent_frame(GuestIndex sender, SeqNo frame);

 private:
  struct CachedChunk {
    StreamId stream;
    uint64_t number;
    std::shared_ptr<const LoadedChunk> chunk;
  };
  /// Where the sent frames of a chunk are.
  struct SentFrames {
    GuestIndex sender;
    uint64_t first_frame = 0;
    std::vector<uint32_t> offsets;  ///< of each frame in the payload column, and its end
    std::vector<VirtualTime> times;
    std::shared_ptr<const LoadedChunk> chunk;
  };
  [[nodiscard]] Result<const SentFrames*> sent_frames(GuestIndex sender, SeqNo frame);

  const ByteSource& source_;
  TraceIndex& index_;
  ChunkLoader loader_;
  std::list<CachedChunk> chunks_;  ///< the one used last comes first
  uint64_t cached_bytes_ = 0;
  std::list<SentFrames> sent_;  ///< the same
};

}  // namespace reprise
