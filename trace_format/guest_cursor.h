// The walk over one guest's events: chunk by chunk, with the payloads of received frames from their senders' streams.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/footer.h"
#include "trace_format/guest_columns.h"
#include "trace_format/trace_reader.h"

namespace reprise {

/// Loads the chunk that `record` describes, and checks that it is the one.
[[nodiscard]] Status load_indexed(const ByteSource& source, const ChunkRecord& record, ChunkLoader& loader, LoadedChunk& chunk);

/// Finds sent frames by sender and number. Keeps a few decoded chunks; the least recently used one goes.
class PayloadStore {
 public:
  PayloadStore(const ByteSource& source, const Footer& footer);
  /// The frame's bytes, valid until the next call. kBadTrace when the sender's stream has no such frame.
  [[nodiscard]] Result<ByteView> find(GuestIndex sender, SeqNo frame);

 private:
  struct Entry {
    GuestIndex sender;
    uint64_t first_frame = 0;
    uint64_t last_use = 0;
    std::vector<uint32_t> offsets;  ///< of each frame in the payload column, and its end
    LoadedChunk chunk;
  };

  [[nodiscard]] Entry* cached(GuestIndex sender, SeqNo frame);
  [[nodiscard]] Result<Entry*> load(GuestIndex sender, SeqNo frame);

  const ByteSource& source_;
  const Footer& footer_;
  size_t capacity_;
  uint64_t uses_ = 0;
  ChunkLoader loader_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

/// Numbers of the first events of a chunk.
struct SequenceBase {
  uint64_t clock = 0;
  uint64_t frame = 0;
  uint64_t sent = 0;
  uint64_t console = 0;
};
/// One for each chunk of `stream`.
[[nodiscard]] std::vector<SequenceBase> sequence_bases(const StreamIndex& stream);

class ChunkedGuestCursor final : public GuestCursor {
 public:
  /// All must outlive it.
  ChunkedGuestCursor(const ByteSource& source, const Footer& footer, const std::vector<SequenceBase>& bases, GuestIndex guest);

  Result<bool> next(GuestEvent& event) override;
  Result<bool> next_received(GuestEvent& event) override;
  Status seek(VirtualTime from) override;
  Status seek_chunk(size_t chunk) override;

 private:
  [[nodiscard]] Status open_chunk(size_t chunk);
  void skip_piece();
  [[nodiscard]] Result<bool> complete_received(GuestEvent& event);

  const ByteSource& source_;
  const StreamIndex& stream_;
  const std::vector<SequenceBase>& bases_;
  ChunkLoader loader_;
  LoadedChunk chunk_;
  size_t next_chunk_ = 0;  ///< the one after the open chunk
  SequenceBase count_;     ///< numbers of the next events
  GuestDecoder decoder_;
  PayloadStore payloads_;
};

}  // namespace reprise
