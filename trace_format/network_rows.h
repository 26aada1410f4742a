// Packs network events into chunks in memory, one after another: the network's stream of a trace that is being put together.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/network_columns.h"
#include "trace_format/trace_assembly.h"

namespace reprise {

class NetworkRows {
 public:
  /// begin_stream() of the network was called on `trace`, which must outlive this. `before`: events of the run that the trace does not
  /// hold.
  explicit NetworkRows(TraceAssembly& trace, const EventNumbers& before = {}) : trace_(trace), before_(before) {}
  /// Events come in the order (at, sender, sender_frame, receiver).
  [[nodiscard]] Status append(const NetworkEvent& event);
  /// Writes the last chunk, which may be empty.
  [[nodiscard]] Status finish();

 private:
  [[nodiscard]] Status seal(bool ends);

  TraceAssembly& trace_;
  Compressor compressor_;
  ChunkLoader loader_;
  NetworkEncoder encoder_;
  ColumnBuffers columns_;
  LoadedChunk chunk_;
  std::vector<uint8_t> stored_;
  std::optional<VirtualTime> first_;  ///< of the open chunk
  VirtualTime last_;
  uint64_t sequence_ = 0;
  EventNumbers before_;
};

}  // namespace reprise
