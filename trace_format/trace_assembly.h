// Puts a trace together from finished chunks: framing, index and root. What is behind join, recover, trim and rewrites.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "trace_format/index.h"
#include "trace_format/io.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

class TraceAssembly {
 public:
  /// Writes file header and run information to `sink`, which must outlive it. kUsage when `run` is above a limit.
  [[nodiscard]] static Result<TraceAssembly> begin(ByteSink& sink, const RunInfo& run);

  /// The streams come one after another: all guests in order, those without a stream too, then the network.
  void begin_stream(StreamId stream);
  /// `stored` is the chunk that was loaded as `chunk`. The chunks of a stream follow one another (CHECK).
  [[nodiscard]] Status add(const LoadedChunk& chunk, ByteView stored);
  /// Writes the stream's last page.
  [[nodiscard]] Status end_stream();

  /// What the streams' chunks do not say. Requires that the stream has ended.
  void set_deliveries_implied(GuestIndex guest, bool implied) { root_.guests[guest.value].deliveries_implied = implied; }
  void set_network_statistics(const NetworkStatistics& statistics) { root_.network.network = statistics; }

  /// A chunk that belongs to no stream, as it was found.
  [[nodiscard]] Status keep(ByteView stored);

  /// Writes the run information again, the root and the trailer; syncs and closes the sink.
  [[nodiscard]] Status finish();

 private:
  TraceAssembly(ByteSink& sink, std::vector<uint8_t> run_chunk) : sink_(&sink), run_chunk_(std::move(run_chunk)) {}
  [[nodiscard]] Status write(ByteView bytes);
  [[nodiscard]] Status write_page();

  ByteSink* sink_;
  std::vector<uint8_t> run_chunk_;
  uint64_t offset_ = 0;
  Root root_;
  std::optional<StreamIndexer> open_;
  std::optional<ChunkHeader> last_;
};

}  // namespace reprise
