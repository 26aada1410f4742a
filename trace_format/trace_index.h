// The index of an open trace: the root is in memory, pages are read when they are asked for.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "trace_format/index.h"
#include "trace_format/io.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

class TraceIndex {
 public:
  /// Reads header, trailer, run information and root. kBadTrace when one of them is missing or damaged.
  [[nodiscard]] static Result<TraceIndex> open(const ByteSource& source);

  [[nodiscard]] const RunInfo& run() const { return run_; }
  [[nodiscard]] const Root& root() const { return root_; }
  [[nodiscard]] const StreamSummary& stream(StreamId stream) const { return root_.summary(stream); }

  /// Requires number < stream(stream).chunks. kBadTrace when the page is damaged.
  [[nodiscard]] Result<ChunkRecord> chunk(StreamId stream, uint64_t number);
  /// The first chunk whose last event is at or after `from`; the number of chunks when there is none.
  [[nodiscard]] Result<uint64_t> first_chunk_from(StreamId stream, VirtualTime from);
  /// The chunk with the sent frame, if the stream has it.
  [[nodiscard]] Result<std::optional<uint64_t>> chunk_of_frame(GuestIndex sender, SeqNo frame);

 private:
  using Page = std::vector<ChunkRecord>;
  struct CachedPage {
    StreamId stream;
    size_t number;
    std::shared_ptr<const Page> page;
  };

  explicit TraceIndex(const ByteSource& source) : source_(&source) {}
  [[nodiscard]] Result<std::shared_ptr<const Page>> page(StreamId stream, size_t number);

  const ByteSource* source_;
  RunInfo run_;
  Root root_;
  std::list<CachedPage> pages_;  ///< the one used last comes first
};

}  // namespace reprise
