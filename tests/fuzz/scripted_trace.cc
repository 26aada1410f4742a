#include "tests/fuzz/scripted_trace.h"

#include <algorithm>

#include "tests/memory_file.h"
#include "trace_format/byte_codec.h"
#include "trace_format/guest_columns.h"
#include "trace_format/network_columns.h"
#include "trace_format/trace_assembly.h"
#include "trace_format/trace_reader.h"

namespace reprise::fuzz {
namespace {

constexpr size_t kStoredSizeAt = 116;
constexpr size_t kSmallestChunk = kChunkHeaderBytes + 1;
constexpr int kMostChunks = 6;
constexpr uint64_t kMostEvents = 20'000;

void set_bytes(std::span<uint8_t> at, ByteView bytes) {
  std::ranges::copy(bytes, at.begin());
}

ColumnBuffers scripted_columns(Script& script, size_t count) {
  ColumnBuffers columns;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t size = script.take<uint8_t>();
    const ByteView bytes = script.take_bytes(size == 0xff ? script.take<uint16_t>() : size);
    columns.data[i].assign(bytes.begin(), bytes.end());
  }
  return columns;
}

void count_guest(const ColumnBuffers& columns, ChunkHeader& header) {
  GuestDecoder decoder;
  decoder.start(views_of(columns), header.first);
  EventCounts counts{};
  while (decoder.load_piece()) {
    const auto kind = static_cast<size_t>(decoder.piece_kind());
    counts[kind] += decoder.piece_left();
    if (!decoder.skip_piece_within(VirtualTime::never())) {
      break;
    }
  }
  header.last = std::max(header.first, decoder.at());
  header.clock_reads = counts[static_cast<size_t>(EventKind::kClockRead)];
  header.frames_sent = counts[static_cast<size_t>(EventKind::kFrameSent)];
  header.frames_received = counts[static_cast<size_t>(EventKind::kFrameReceived)];
  header.console_bytes = counts[static_cast<size_t>(EventKind::kConsoleByte)] + counts[static_cast<size_t>(EventKind::kConsoleInput)];
  header.ends = counts[static_cast<size_t>(EventKind::kEnd)] != 0;
}

void count_network(const ColumnBuffers& columns, ChunkHeader& header) {
  NetworkDecoder decoder;
  decoder.start(views_of(columns), header.first);
  NetworkEvent event;
  header.last = header.first;
  while (decoder.next(event)) {
    header.last = event.at;
    ++(event.kind == NetworkEvent::Kind::kDelivered ? header.clock_reads : header.frames_sent);
  }
}

ChunkHeader place_after(const ChunkHeader* previous, StreamId stream, uint64_t step) {
  ChunkHeader header;
  header.stream = stream;
  if (previous != nullptr) {
    header.sequence = previous->sequence + 1;
    header.before = numbers_after(*previous);
  }
  const uint64_t from = previous == nullptr ? 0 : static_cast<uint64_t>(previous->last.ns);
  header.first.ns = static_cast<int64_t>(from + std::min(step, static_cast<uint64_t>(VirtualTime::never().ns) - from));
  return header;
}

/// The end that every stream has, for one whose script does not give it.
std::vector<uint8_t> end_chunk(StreamId stream, const ChunkHeader* previous, ChunkHeader& header) {
  header = place_after(previous, stream, 0);
  header.last = header.first;
  header.ends = true;
  ColumnBuffers columns;
  if (!stream.is_network()) {
    GuestEncoder encoder;
    encoder.begin(columns, header.first);
    encoder.append_end(header.first, EndReason::kAborted);
    encoder.finish_chunk();
  }
  Compressor compressor;
  std::vector<uint8_t> stored;
  pack_chunk(header, columns, compressor, stored);
  return stored;
}

ChunkHeader add_stream(Script& script, StreamId stream, TraceAssembly& trace) {
  trace.begin_stream(stream);
  ChunkLoader loader;
  LoadedChunk chunk;
  ChunkHeader previous;
  bool ended = false;
  for (int i = 0; !ended; ++i) {
    const ChunkHeader* const before = i == 0 ? nullptr : &previous;
    ChunkHeader header;
    std::vector<uint8_t> stored;
    const bool more = i < kMostChunks && !script.at_end();
    if (more) {
      stored = scripted_chunk(script, stream, before, header);
    }
    if (!more || !loader.unpack(stored, chunk).ok()) {
      stored = end_chunk(stream, before, header);
      CHECK(loader.unpack(stored, chunk).ok());
    }
    CHECK(trace.add(chunk, stored).ok());
    previous = chunk.header;
    ended = previous.ends;
  }
  CHECK(trace.end_stream().ok());
  return previous;
}

}  // namespace

void repair_chunk(std::span<uint8_t> bytes) {
  CHECK(bytes.size() >= kSmallestChunk);
  set_bytes(bytes, chunk_magic());
  store_le(&bytes[kStoredSizeAt], static_cast<uint32_t>(bytes.size() - kChunkHeaderBytes));
  store_le<uint64_t>(&bytes[kChunkChecksumAt], chunk_checksum(bytes.first(kChunkHeaderBytes), bytes.subspan(kChunkHeaderBytes)));
}

void repair_checksums(std::vector<uint8_t>& bytes) {
  if (bytes.size() < kFileHeaderBytes + kSmallestChunk + kTrailerBytes) {
    return;
  }
  set_bytes(bytes, encode_file_header(FileKind::kTrace, StreamId::network()));
  const size_t end = bytes.size() - kTrailerBytes;
  Trailer trailer;
  size_t size = 0;
  for (size_t at = kFileHeaderBytes; at < end; at += size) {
    size = kChunkHeaderBytes + size_t{load_le<uint32_t>(&bytes[at + kStoredSizeAt])};
    // What is left must be room for another chunk, or nothing.
    if (size < kSmallestChunk || size > end - at || end - at - size < kSmallestChunk) {
      size = end - at;
    }
    repair_chunk(std::span(bytes).subspan(at, size));
    trailer = {trailer.root_offset, at};
  }
  set_bytes(std::span(bytes).subspan(end), encode_trailer(trailer, bytes.size()));
}

std::vector<uint8_t> scripted_chunk(Script& script, StreamId stream, const ChunkHeader* previous, ChunkHeader& header) {
  header = place_after(previous, stream, script.take<uint64_t>());
  const uint8_t flags = script.take<uint8_t>();
  const ColumnBuffers columns = scripted_columns(script, stream.is_network() ? size_t{kNetworkColumnCount} : size_t{kGuestColumnCount});
  if (stream.is_network()) {
    count_network(columns, header);
    header.ends = (flags & 1) != 0;
  } else {
    count_guest(columns, header);
    header.bytes_received = flags;
  }
  Compressor compressor;
  std::vector<uint8_t> stored;
  pack_chunk(header, columns, compressor, stored);
  return stored;
}

void script_of_chunk(const LoadedChunk& chunk, bool first, std::vector<uint8_t>& out) {
  const auto put = [&](uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) {
      out.push_back(static_cast<uint8_t>(value >> (8 * i)));
    }
  };
  put(first ? static_cast<uint64_t>(chunk.header.first.ns) : 0, 8);
  put(chunk.header.ends ? 1 : 0, 1);
  const size_t count = chunk.header.stream.is_network() ? size_t{kNetworkColumnCount} : size_t{kGuestColumnCount};
  for (size_t i = 0; i < count; ++i) {
    const ByteView column = chunk.columns[i];
    put(column.size() < 0xff ? column.size() : 0xff, 1);
    if (column.size() >= 0xff) {
      put(column.size(), 2);
    }
    out.insert(out.end(), column.begin(), column.end());
  }
}

std::vector<uint8_t> scripted_trace(Script& script) {
  RunInfo run;
  const uint8_t flags = script.take<uint8_t>();
  const uint32_t count = 1 + flags % 3;
  run.guests.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    run.guests[i].name = std::string(1, static_cast<char>('a' + ((flags & 0x80) != 0 ? count - 1 - i : i)));
    run.guests[i].omitted = (flags >> (2 + i) & 1) != 0;
    run.partial = run.partial || run.guests[i].omitted;
  }
  std::vector<uint8_t> bytes;
  testing::MemorySink sink(&bytes);
  auto trace = TraceAssembly::begin(sink, run);
  CHECK(trace.ok());
  NetworkStatistics statistics;
  for (uint32_t i = 0; i < count; ++i) {
    const StreamId stream{i};
    if (run.guests[i].omitted) {
      trace->begin_stream(stream);
      CHECK(trace->end_stream().ok());
      continue;
    }
    const bool implied = script.take<uint8_t>() % 2 == 1 && !run.partial;
    const ChunkHeader last = add_stream(script, stream, *trace);
    trace->set_deliveries_implied(GuestIndex{i}, implied);
    statistics.frames_delivered += implied ? numbers_after(last).frames_received : 0;
  }
  const EventNumbers rows = numbers_after(add_stream(script, StreamId::network(), *trace));
  statistics.frames_delivered += rows.clock_reads;
  statistics.frames_dropped = rows.frames_sent;
  trace->set_network_statistics(statistics);
  CHECK(trace->finish().ok());
  return bytes;
}

bool is_short(const TraceReader& trace) {
  for (uint32_t i = 0; i < trace.run().guests.size(); ++i) {
    for (const uint64_t reads : trace.guest_statistics(GuestIndex{i}).clock_reads) {
      if (reads > kMostEvents) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace reprise::fuzz
