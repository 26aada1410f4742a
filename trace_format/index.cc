#include "trace_format/index.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace_format/columns.h"
#include "trace_format/limits.h"

namespace reprise {

StreamIndexer::StreamIndexer(StreamId stream) {
  summary_.stream = stream;
  page_.reserve(kChunksPerPage);
}

void StreamIndexer::add(const LoadedChunk& chunk, uint64_t offset) {
  CHECK(!page_full() && chunk.header.stream == summary_.stream);
  if (summary_.stream.is_network()) {
    summary_.network.frames_delivered += chunk.header.clock_reads;
    summary_.network.frames_dropped += chunk.header.frames_sent;
  } else {
    add_statistics(summary_.guest, chunk.guest, summary_.chunks == 0);
  }
  for (size_t i = 0; i < kMaxColumnCount; ++i) {
    summary_.columns[i].raw_bytes += chunk.columns[i].size();
    summary_.columns[i].stored_bytes += chunk.stored_sizes[i];
  }
  ++summary_.chunks;
  page_.push_back({chunk.header, offset, chunk.digest});
}

StreamSummary StreamIndexer::finish() {
  CHECK(page_empty());
  std::vector<Digest> digests;
  for (const PageRecord& page : summary_.pages) {
    digests.push_back(page.digest);
  }
  summary_.digest = digest_of_digests(digests);
  return std::move(summary_);
}

std::vector<ColumnUse> column_uses(bool network, const std::array<ColumnSizes, kMaxColumnCount>& columns) {
  std::vector<ColumnUse> uses;
  for (size_t i = 0; i < kMaxColumnCount; ++i) {
    if (columns[i].raw_bytes != 0) {
      uses.push_back({column_name(network, i), columns[i].raw_bytes, columns[i].stored_bytes});
    }
  }
  return uses;
}

void add_statistics(GuestStatistics& sum, const GuestStatistics& chunk, bool first_chunk) {
  sum.frames_sent += chunk.frames_sent;
  sum.frames_received += chunk.frames_received;
  sum.bytes_sent += chunk.bytes_sent;
  sum.bytes_received += chunk.bytes_received;
  for (size_t i = 0; i < kClockSourceCount; ++i) {
    sum.clock_reads[i] += chunk.clock_reads[i];
  }
  sum.console_bytes += chunk.console_bytes;
  sum.console_input_bytes += chunk.console_input_bytes;
  if (first_chunk) {
    sum.first = chunk.first;
  }
  sum.last = chunk.last;
  sum.ended = chunk.ended;
  sum.end_reason = chunk.end_reason;
}

}  // namespace reprise
