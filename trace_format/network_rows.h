// Packs network events into chunks in memory, one after another: the network's stream of a trace that is being put together.
#pragma once

#include "trace_format/event.h"
#include "trace_format/stream_rows.h"

namespace reprise {

class NetworkRows {
 public:
  /// As StreamRows, of the network.
  explicit NetworkRows(TraceAssembly& trace, const EventNumbers& before = {}) : rows_(trace, StreamId::network(), before) {}
  /// Events come in the order (at, sender, sender_frame, receiver).
  [[nodiscard]] Status append(const NetworkEvent& event);
  /// Writes the last chunk, which may be empty.
  [[nodiscard]] Status finish();

 private:
  StreamRows rows_;
  VirtualTime last_;
};

}  // namespace reprise
