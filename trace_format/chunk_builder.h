// Chunks of rows: the one place where what the guest's thread wrote becomes what a trace keeps. The second thread of a writer and the
// readers of a log use it, so that a recovered chunk is the chunk that the writer would have made.
#pragma once

#include <cstdint>
#include <string>

#include "trace_format/chunk.h"
#include "trace_format/columns.h"
#include "trace_format/event_rows.h"
#include "trace_format/framing.h"
#include "trace_format/guest_columns.h"
#include "trace_format/network_columns.h"

namespace reprise {

/// Builds the chunks of one stream in order.
class ChunkBuilder {
 public:
  /// `before`: events of the run before the first chunk, of a stream that is a part of one.
  explicit ChunkBuilder(StreamId stream, const EventNumbers& before = {}) : stream_(stream), before_(before) {}

  /// The next chunk: `columns` (replaced) and header() hold it. False when `rows` are not rows, or none; then the next chunk is still this
  /// one.
  [[nodiscard]] bool build(const Rows& rows, ColumnBuffers& columns);

  /// The same event by event: begins the next chunk at the time of its first event. `columns` (cleared) must outlive it.
  void begin(VirtualTime first, ColumnBuffers& columns);
  [[nodiscard]] GuestEncoder& guest() { return guest_; }
  [[nodiscard]] NetworkEncoder& network() { return network_; }
  /// `bytes_received`: of received frames, beside those that the encoder counted.
  void finish(bool ends, uint64_t bytes_received = 0);

  /// Of the chunk that was made last; its sizes are not set.
  [[nodiscard]] const ChunkHeader& header() const { return header_; }
  /// The chunk after `header` is the next; it was made by another.
  void go_on_after(const ChunkHeader& header) {
    header_ = header;
    first_ = false;
  }

 private:
  StreamId stream_;
  EventNumbers before_;
  GuestEncoder guest_;
  NetworkEncoder network_;
  VirtualTime begin_;
  bool first_ = true;
  ChunkHeader header_;
};

/// As ChunkLoader::load() would leave the chunk after it was packed and stored. Returns what is wrong with it, or "".
[[nodiscard]] std::string load_built(const ChunkHeader& header, const ColumnBuffers& columns, LoadedChunk& chunk);

}  // namespace reprise
