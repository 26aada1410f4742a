// Packs one guest's events into chunks in memory, one after another: a guest's stream of a trace that is being put together.
#pragma once

#include "trace_format/event.h"
#include "trace_format/stream_rows.h"

namespace reprise {

class GuestRows {
 public:
  /// As StreamRows.
  GuestRows(TraceAssembly& trace, StreamId stream, const EventNumbers& before) : rows_(trace, stream, before) {}

  /// Times must not go back. A received frame is stored with its bytes if `embed`, else as a reference to its sender's stream.
  [[nodiscard]] Status append(const GuestEvent& event, bool embed);
  /// Appends the end unless the last event was one, and writes the last chunk.
  [[nodiscard]] Status finish(VirtualTime at, EndReason reason);

 private:
  void put(const GuestEvent& event, bool embed);

  StreamRows rows_;
  bool ended_ = false;
};

}  // namespace reprise
