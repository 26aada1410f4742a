// One stream of a trace that is being put together in memory: chunk after chunk, each packed, checked and handed on.
#pragma once

#include <cstdint>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/chunk_builder.h"
#include "trace_format/trace_assembly.h"

namespace reprise {

/// What GuestRows and NetworkRows share: they know which events there are, this knows what a chunk is.
class StreamRows {
 public:
  /// begin_stream(stream) was called on `trace`, which must outlive this. `before`: events of the run that the trace does not hold.
  StreamRows(TraceAssembly& trace, StreamId stream, const EventNumbers& before) : trace_(trace), chunks_(stream, before) {}

  /// Opens a chunk at `first`, unless one is open.
  void open(VirtualTime first);
  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] GuestEncoder& guest() { return chunks_.guest(); }
  [[nodiscard]] NetworkEncoder& network() { return chunks_.network(); }
  /// Hands the open chunk to the trace. Requires is_open().
  [[nodiscard]] Status seal(bool ends);

 private:
  TraceAssembly& trace_;
  ChunkBuilder chunks_;
  bool open_ = false;
  ColumnBuffers columns_;
  Compressor compressor_;
  ChunkLoader loader_;
  LoadedChunk chunk_;
  std::vector<uint8_t> stored_;
};

}  // namespace reprise
