// The walk over one guest's events: chunk by chunk, with the payloads of received frames from their senders' streams.
#pragma once

#include <cstdint>
#include <memory>

#include "trace_format/chunk_cache.h"
#include "trace_format/guest_columns.h"
#include "trace_format/trace_index.h"
#include "trace_format/trace_reader.h"

namespace reprise {

class ChunkedGuestCursor final : public GuestCursor {
 public:
  /// Both must outlive it.
  ChunkedGuestCursor(TraceIndex& index, ChunkCache& chunks, GuestIndex guest);

  Result<bool> next(GuestEvent& event) override;
  Result<bool> next_received(GuestEvent& event) override;
  Result<bool> next_input(GuestEvent& event) override;
  Status seek(VirtualTime from) override;
  EventNumbers numbers() const override { return count_; }
  Status seek_chunk(uint64_t chunk) override;

 private:
  [[nodiscard]] Status open_chunk(uint64_t chunk);
  [[nodiscard]] Status go_to_end();
  void skip_piece();
  [[nodiscard]] Result<bool> next_of(GuestEvent& event, bool console_input);
  /// The number of the next chunk in which the guest receives a frame, or may get console input; or of chunks.
  [[nodiscard]] Result<uint64_t> next_chunk_with_inputs(bool console_input);
  [[nodiscard]] Result<bool> complete_received(GuestEvent& event);

  TraceIndex& index_;
  ChunkCache& chunks_;
  GuestIndex guest_;
  StreamId stream_;
  std::shared_ptr<const LoadedChunk> chunk_;
  uint64_t next_chunk_ = 0;  ///< the one after the open chunk
  EventNumbers count_;       ///< numbers of the next events
  GuestDecoder decoder_;
};

}  // namespace reprise
