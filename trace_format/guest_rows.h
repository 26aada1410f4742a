// Packs one guest's events into chunks in memory, one after another: a guest's stream of a trace that is being put together.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/guest_columns.h"
#include "trace_format/trace_assembly.h"

namespace reprise {

class GuestRows {
 public:
  /// begin_stream(stream) was called on `trace`, which must outlive this. `before`: events of the run that the trace does not hold.
  GuestRows(TraceAssembly& trace, StreamId stream, const EventNumbers& before) : trace_(trace), stream_(stream), before_(before) {}

  /// Times must not go back. A received frame is stored with its bytes if `embed`, else as a reference to its sender's stream.
  [[nodiscard]] Status append(const GuestEvent& event, bool embed);
  /// Appends the end unless the last event was one, and writes the last chunk.
  [[nodiscard]] Status finish(VirtualTime at, EndReason reason);

 private:
  void put(const GuestEvent& event, bool embed);
  [[nodiscard]] Status seal(bool ends);

  TraceAssembly& trace_;
  StreamId stream_;
  Compressor compressor_;
  ChunkLoader loader_;
  GuestEncoder encoder_;
  ColumnBuffers columns_;
  LoadedChunk chunk_;
  std::vector<uint8_t> stored_;
  std::optional<VirtualTime> first_;  ///< of the open chunk
  uint64_t sequence_ = 0;
  EventNumbers before_;
  bool ended_ = false;
};

}  // namespace reprise
