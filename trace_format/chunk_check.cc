#include <fmt/format.h>

#include <algorithm>

#include "trace_format/chunk.h"
#include "trace_format/guest_columns.h"
#include "trace_format/limits.h"
#include "trace_format/network_columns.h"

namespace reprise {
namespace {

// Adds a piece of events to the statistics. False when its times leave the chunk's.
bool add_piece(GuestDecoder& decoder, VirtualTime last, GuestStatistics& sum) {
  const uint64_t n = decoder.piece_left();
  switch (decoder.piece_kind()) {
    case EventKind::kClockRead:
      sum.clock_reads[static_cast<size_t>(decoder.piece_source())] += n;
      break;
    case EventKind::kFrameSent:
      ++sum.frames_sent;
      sum.bytes_sent += decoder.piece_payload().size();
      break;
    case EventKind::kFrameReceived:
      ++sum.frames_received;
      break;
    case EventKind::kConsoleByte:
      sum.console_bytes += n;
      break;
    case EventKind::kConsoleInput:
      sum.console_bytes += n;
      sum.console_input_bytes += n;
      break;
    case EventKind::kEnd:
      sum.ended = true;
      sum.end_reason = decoder.piece_reason();
      break;
  }
  return decoder.skip_piece_within(last);
}

std::string check_guest(LoadedChunk& chunk) {
  const ChunkHeader& header = chunk.header;
  chunk.guest = GuestStatistics{};
  chunk.guest.first = header.first;
  chunk.guest.last = header.last;
  chunk.guest.bytes_received = header.bytes_received;
  GuestDecoder decoder;
  decoder.start(chunk.columns, header.first);
  uint64_t clock_reads = 0;
  bool first = true;
  while (decoder.load_piece()) {
    if (chunk.guest.ended) {
      return "an event after the stream's end";
    }
    if (first && decoder.next_time_step() != 0) {
      return "its first event is not at its first time";
    }
    first = false;
    if (decoder.piece_kind() == EventKind::kClockRead) {
      if (decoder.piece_left() > kMaxChunkClockReads - clock_reads) {
        return "more clock reads than can be counted";
      }
      clock_reads += decoder.piece_left();
    }
    if (!add_piece(decoder, header.last, chunk.guest)) {
      return "an event after its last time";
    }
  }
  if (decoder.failed() || !decoder.drained()) {
    return "its columns do not fit together";
  }
  if (first) {
    return "no events in a guest's chunk";
  }
  if (decoder.at() != header.last) {
    return "its last event is not at its last time";
  }
  if (clock_reads != header.clock_reads || chunk.guest.frames_sent != header.frames_sent ||
      chunk.guest.frames_received != header.frames_received || chunk.guest.console_bytes != header.console_bytes ||
      chunk.guest.ended != header.ends) {
    return "its events are not those that its header counts";
  }
  return "";
}

std::string check_network(const LoadedChunk& chunk) {
  const ChunkHeader& header = chunk.header;
  NetworkDecoder decoder;
  decoder.start(chunk.columns, header.first);
  NetworkEvent event;
  NetworkEvent last;
  last.at = header.first;
  uint64_t delivered = 0;
  uint64_t dropped = 0;
  while (decoder.next(event)) {
    if (delivered + dropped == 0 && event.at != header.first) {
      return "its first event is not at its first time";
    }
    if (delivered + dropped != 0 && network_order(event) < network_order(last)) {
      return "its events are not in the network's order";
    }
    ++(event.kind == NetworkEvent::Kind::kDelivered ? delivered : dropped);
    last = event;
  }
  if (decoder.failed() || !decoder.drained()) {
    return "its columns do not fit together";
  }
  if (last.at != header.last) {
    return "its last event is not at its last time";
  }
  if (delivered + dropped == 0 && !header.ends) {
    return "no events in a chunk that does not end its stream";
  }
  if (delivered != header.clock_reads || dropped != header.frames_sent) {
    return "its events are not those that its header counts";
  }
  return "";
}

}  // namespace

std::string check_columns(LoadedChunk& chunk) {
  return chunk.header.stream.is_network() ? check_network(chunk) : check_guest(chunk);
}

}  // namespace reprise
