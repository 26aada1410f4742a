#include "trace_format/chunk_builder.h"

#include <algorithm>

namespace reprise {
namespace {

uint64_t count_of(const EventCounts& counts, EventKind kind) {
  return counts[static_cast<size_t>(kind)];
}

}  // namespace

void ChunkBuilder::begin(VirtualTime first, ColumnBuffers& columns) {
  begin_ = first;
  stream_.is_network() ? network_.begin(columns, first) : guest_.begin(columns, first);
}

void ChunkBuilder::finish(bool ends, uint64_t bytes_received) {
  ChunkHeader next;
  next.stream = stream_;
  next.kind = stream_.is_network() ? ChunkKind::kNetwork : ChunkKind::kGuest;
  next.first = begin_;
  next.ends = ends;
  next.sequence = first_ ? 0 : header_.sequence + 1;
  next.before = first_ ? before_ : numbers_after(header_);
  if (stream_.is_network()) {
    next.last = network_.last();
    next.clock_reads = network_.delivered();
    next.frames_sent = network_.dropped();
  } else {
    guest_.finish_chunk();
    next.last = guest_.last();
    const EventCounts& counts = guest_.counts();
    next.clock_reads = count_of(counts, EventKind::kClockRead);
    next.frames_sent = count_of(counts, EventKind::kFrameSent);
    next.frames_received = count_of(counts, EventKind::kFrameReceived);
    next.console_bytes = count_of(counts, EventKind::kConsoleByte) + count_of(counts, EventKind::kConsoleInput);
    next.bytes_received = guest_.bytes_received() + bytes_received;
  }
  header_ = next;
  first_ = false;
}

bool ChunkBuilder::build(const Rows& rows, ColumnBuffers& columns) {
  if (rows.bytes.empty()) {
    return false;
  }
  begin(rows.first, columns);
  bool ends = false;
  if (!(stream_.is_network() ? replay_network_rows(rows, network_, ends) : replay_guest_rows(rows, guest_, ends))) {
    return false;
  }
  finish(ends);
  return true;
}

std::string load_built(const ChunkHeader& header, const ColumnBuffers& columns, LoadedChunk& chunk) {
  size_t size = 0;
  for (const auto& column : columns.data) {
    size += column.size();
  }
  chunk.header = header;
  chunk.raw.resize(size);
  chunk.columns = {};
  chunk.stored_sizes = {};
  uint8_t* to = chunk.raw.data();
  const size_t count = column_count(header.stream.is_network(), views_of(columns));
  for (size_t i = 0; i < count; ++i) {
    const auto& column = columns.data[i];
    std::copy(column.begin(), column.end(), to);
    chunk.columns[i] = {to, column.size()};
    to += column.size();
  }
  if (std::string wrong = check_columns(chunk); !wrong.empty()) {
    return wrong;
  }
  chunk.digest = digest_columns(chunk.columns, count, header.first, header.last);
  return "";
}

}  // namespace reprise
