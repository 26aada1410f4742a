// Where each chunk of a trace is: pages of 256 chunks for each stream, under a root. All of it can be rebuilt from the chunks.
//
// Two levels, so that opening a trace costs what its root costs, whatever its length: about 50 bytes of root for 256 chunks. Rejected: one
// list of all chunks (2.5 MiB at 3 GB in format 1.0, read at each opening); a tree of any depth (a root of 1 MB serves a trace of a
// terabyte).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/digest.h"
#include "trace_format/framing.h"
#include "trace_format/limits.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"

namespace reprise {

struct ChunkRecord {
  ChunkHeader header;
  uint64_t offset = 0;  ///< of the header in the file
  Digest digest{};
};

/// What the root says of a page.
struct PageRecord {
  uint64_t offset = 0;  ///< of its chunk's header in the file
  uint32_t stored_size = 0;
  uint32_t chunks = 0;  ///< 1 to kChunksPerPage
  VirtualTime first;    ///< of its first chunk
  VirtualTime last;     ///< of its last chunk
  uint64_t frames_sent_before = 0;
  Digest digest{};
};

struct ColumnSizes {
  uint64_t raw_bytes = 0;
  uint64_t stored_bytes = 0;
};

struct StreamSummary {
  StreamId stream;
  uint64_t chunks = 0;
  std::vector<PageRecord> pages;
  Digest digest{};
  std::array<ColumnSizes, kMaxColumnCount> columns{};
  GuestStatistics guest;            ///< guest streams
  bool deliveries_implied = false;  ///< guest streams: each reception stands for the network's delivery too
  NetworkStatistics network;        ///< the network stream: implied deliveries too
};

struct Root {
  std::vector<StreamSummary> guests;  ///< as many as the run has
  StreamSummary network;
  std::vector<uint64_t> kept;  ///< offsets of chunks that belong to no stream

  [[nodiscard]] const StreamSummary& summary(StreamId stream) const { return stream.is_network() ? network : guests[stream.value]; }
};

/// The columns that hold something, with their names.
[[nodiscard]] std::vector<ColumnUse> column_uses(bool network, const std::array<ColumnSizes, kMaxColumnCount>& columns);

/// The index of one stream while its chunks are written.
class StreamIndexer {
 public:
  explicit StreamIndexer(StreamId stream);
  /// Takes a checked chunk, stored at `offset`. Requires !page_full().
  void add(const LoadedChunk& chunk, uint64_t offset);
  [[nodiscard]] bool page_full() const { return page_.size() == kChunksPerPage; }
  [[nodiscard]] bool page_empty() const { return page_.empty(); }
  /// The page's chunk as it is to be stored at `offset`; the page is empty after that. Requires !page_empty().
  [[nodiscard]] Result<std::vector<uint8_t>> take_page(uint64_t offset);
  /// Requires page_empty().
  [[nodiscard]] StreamSummary finish();
  [[nodiscard]] const StreamSummary& summary() const { return summary_; }

 private:
  StreamSummary summary_;
  std::vector<ChunkRecord> page_;
};

/// The chunk as it is stored, header first. kUsage when the root is above the limit.
[[nodiscard]] Result<std::vector<uint8_t>> pack_root(const Root& root);
/// Of a chunk's bytes; checks all that can be checked without the chunks and the pages. kBadTrace, without place.
[[nodiscard]] Result<Root> unpack_root(ByteView stored, const RunInfo& run, uint64_t file_bytes);

/// Of a chunk's bytes. `number` is the page's in its stream. Checks the page against `record` and its chunks against each other. kBadTrace,
/// without place.
[[nodiscard]] Result<std::vector<ChunkRecord>> unpack_page(ByteView stored, const StreamSummary& stream, size_t number,
                                                           uint64_t file_bytes);

/// Adds the statistics of the next chunk of a stream.
void add_statistics(GuestStatistics& sum, const GuestStatistics& chunk, bool first_chunk);

}  // namespace reprise
