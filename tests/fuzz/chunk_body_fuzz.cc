// A chunk's body, of whatever bytes, behind a good checksum: what the loader accepts, the decoders give to the end, and encoders make
// something of it that means the same.
#include <algorithm>

#include "tests/fuzz/scripted_trace.h"
#include "trace_format/guest_columns.h"
#include "trace_format/network_columns.h"

namespace reprise {
namespace {

// Beyond it a chunk's events are not all compared: a run of three bytes may stand for 2^58.
constexpr size_t kMostEvents = 20'000;

bool same(const GuestEvent& a, const GuestEvent& b) {
  if (a.kind != b.kind || a.at != b.at) {
    return false;
  }
  switch (a.kind) {
    case EventKind::kClockRead:
      return a.source == b.source && a.value == b.value;
    case EventKind::kFrameSent:
      return std::ranges::equal(a.payload, b.payload);
    case EventKind::kFrameReceived:
      return a.sender == b.sender && a.sender_frame == b.sender_frame && std::ranges::equal(a.payload, b.payload);
    case EventKind::kConsoleByte:
    case EventKind::kConsoleInput:
      return a.byte == b.byte;
    case EventKind::kEnd:
      return a.reason == b.reason;
  }
  return false;
}

bool same(const NetworkEvent& a, const NetworkEvent& b) {
  return a.kind == b.kind && a.at == b.at && a.sent_at == b.sent_at && a.sender == b.sender && a.sender_frame == b.sender_frame &&
         a.receiver == b.receiver && (a.kind == NetworkEvent::Kind::kDelivered || a.reason == b.reason);
}

template <typename Decoder, typename Event>
std::vector<Event> decode(const ColumnViews& columns, const ChunkHeader& header) {
  std::vector<Event> events;
  Decoder decoder;
  decoder.start(columns, header.first);
  VirtualTime last = header.first;
  for (Event event; events.size() < kMostEvents && decoder.next(event);) {
    CHECK(event.at >= last && event.at <= header.last);
    last = event.at;
    events.push_back(event);
  }
  CHECK(!decoder.failed() && (events.size() == kMostEvents || decoder.drained()));
  return events;
}

ColumnBuffers encode(const std::vector<GuestEvent>& events, VirtualTime first) {
  ColumnBuffers columns;
  GuestEncoder encoder;
  encoder.begin(columns, first);
  for (const GuestEvent& event : events) {
    switch (event.kind) {
      case EventKind::kClockRead:
        encoder.append_clock_read(event.at, event.source, event.value);
        break;
      case EventKind::kFrameSent:
        encoder.append_frame_sent(event.at, event.payload);
        break;
      case EventKind::kFrameReceived:
        if (event.payload.empty()) {
          encoder.append_frame_received(event.at, event.sender, event.sender_frame, 1);
        } else {
          encoder.append_embedded_frame(event.at, event.sender, event.sender_frame, event.payload);
        }
        break;
      case EventKind::kConsoleByte:
        encoder.append_console_byte(event.at, event.byte);
        break;
      case EventKind::kConsoleInput:
        encoder.append_console_input(event.at, event.byte);
        break;
      case EventKind::kEnd:
        encoder.append_end(event.at, event.reason);
        break;
    }
  }
  encoder.finish_chunk();
  return columns;
}

ColumnBuffers encode(const std::vector<NetworkEvent>& events, VirtualTime first) {
  ColumnBuffers columns;
  NetworkEncoder encoder;
  encoder.begin(columns, first);
  for (const NetworkEvent& event : events) {
    encoder.append(event);
  }
  return columns;
}

/// A walk that begins anywhere gives what a walk from the beginning gives from there on.
void check_skip(const LoadedChunk& chunk, const std::vector<GuestEvent>& events) {
  for (const size_t target : {events.size() / 3, events.size() - 1}) {
    const VirtualTime from = events[target].at;
    const auto expected = std::ranges::find_if(events, [&](const GuestEvent& event) { return event.at >= from; });
    GuestDecoder decoder;
    decoder.start(chunk.columns, chunk.header.first);
    EventCounts skipped{};
    decoder.skip_before(from, skipped);
    uint64_t sum = 0;
    for (const uint64_t count : skipped) {
      sum += count;
    }
    GuestEvent event;
    CHECK(decoder.next(event) && same(event, *expected) && sum == static_cast<uint64_t>(expected - events.begin()));
  }
}

/// What our writer would have made of the events: once canonical, always the same.
template <typename Decoder, typename Event>
void check_canonical(const LoadedChunk& chunk, const std::vector<Event>& events) {
  const ColumnBuffers canonical = encode(events, chunk.header.first);
  size_t bytes = 0;
  for (const auto& column : canonical.data) {
    bytes += column.size();
  }
  if (bytes > kMaxChunkRawBytes) {
    return;
  }
  ChunkHeader header = chunk.header;
  Compressor compressor;
  std::vector<uint8_t> stored;
  pack_chunk(header, canonical, compressor, stored);
  ChunkLoader loader;
  LoadedChunk again;
  // Fewer bytes may hold the same events; then the header's payload bytes may be more than such a body can have.
  if (!loader.unpack(stored, again).ok()) {
    CHECK(header.raw_size < chunk.header.raw_size && header.bytes_received > uint64_t{header.raw_size} * kMaxFrameBytes);
    return;
  }
  const std::vector<Event> repeated = decode<Decoder, Event>(again.columns, again.header);
  CHECK(std::ranges::equal(events, repeated, [](const Event& a, const Event& b) { return same(a, b); }));
  CHECK(encode(repeated, again.header.first).data == canonical.data);
}

void check_events(const LoadedChunk& chunk) {
  if (chunk.header.stream.is_network()) {
    const auto events = decode<NetworkDecoder, NetworkEvent>(chunk.columns, chunk.header);
    if (events.size() < kMostEvents) {
      check_canonical<NetworkDecoder>(chunk, events);
    }
    return;
  }
  const auto events = decode<GuestDecoder, GuestEvent>(chunk.columns, chunk.header);
  check_skip(chunk, events);
  if (events.size() < kMostEvents) {
    check_canonical<GuestDecoder>(chunk, events);
  }
}

}  // namespace
}  // namespace reprise

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reprise;
  fuzz::Script script(data, size);
  const uint8_t mode = script.take<uint8_t>();
  std::vector<uint8_t> stored;
  if (mode % 2 == 0) {
    const ByteView bytes = script.take_bytes(size);
    stored.assign(bytes.begin(), bytes.end());
    stored.resize(std::max(stored.size(), kChunkHeaderBytes + 1));
    fuzz::repair_chunk(stored);
  } else {
    ChunkHeader header;
    stored = fuzz::scripted_chunk(script, mode % 4 == 1 ? StreamId{0} : StreamId::network(), nullptr, header);
  }
  ChunkLoader loader;
  LoadedChunk chunk;
  const Status status = loader.unpack(stored, chunk);
  if (status.ok()) {
    check_events(chunk);
  } else {
    CHECK(status.error().kind == ErrorKind::kBadTrace && !status.error().message.empty());
  }
  return 0;
}
