#include "trace_format/guest_rows.h"

#include "trace_format/limits.h"

namespace reprise {

Status GuestRows::append(const GuestEvent& event, bool embed) {
  CHECK(!ended_);
  if (first_.has_value() && encoder_.bytes() >= kSealBytes) {
    RETURN_IF_ERROR(seal(false));
  }
  if (!first_.has_value()) {
    first_ = event.at;
    encoder_.begin(columns_, event.at);
  }
  put(event, embed);
  return {};
}

void GuestRows::put(const GuestEvent& event, bool embed) {
  switch (event.kind) {
    case EventKind::kClockRead:
      encoder_.append_clock_read(event.at, event.source, event.value);
      break;
    case EventKind::kFrameSent:
      encoder_.append_frame_sent(event.at, event.payload);
      break;
    case EventKind::kFrameReceived:
      if (embed) {
        encoder_.append_embedded_frame(event.at, event.sender, event.sender_frame, event.payload);
      } else {
        encoder_.append_frame_received(event.at, event.sender, event.sender_frame, static_cast<uint32_t>(event.payload.size()));
      }
      break;
    case EventKind::kConsoleByte:
      encoder_.append_console_byte(event.at, event.byte);
      break;
    case EventKind::kEnd:
      encoder_.append_end(event.at, event.reason);
      ended_ = true;
      break;
  }
}

Status GuestRows::finish(VirtualTime at, EndReason reason) {
  if (!ended_) {
    RETURN_IF_ERROR(append(GuestEvent{.kind = EventKind::kEnd, .reason = reason, .at = at, .payload = {}}, false));
  }
  return seal(true);
}

Status GuestRows::seal(bool ends) {
  encoder_.finish_chunk();
  const EventCounts& counts = encoder_.counts();
  ChunkHeader header;
  header.stream = stream_;
  header.sequence = sequence_++;
  header.first = *first_;
  header.last = encoder_.last();
  header.clock_reads = counts[static_cast<size_t>(EventKind::kClockRead)];
  header.frames_sent = counts[static_cast<size_t>(EventKind::kFrameSent)];
  header.frames_received = counts[static_cast<size_t>(EventKind::kFrameReceived)];
  header.console_bytes = counts[static_cast<size_t>(EventKind::kConsoleByte)];
  header.before = before_;
  header.bytes_received = encoder_.bytes_received();
  header.ends = ends;
  pack_chunk(header, columns_, compressor_, stored_);
  RETURN_IF_ERROR(loader_.unpack(stored_, chunk_));
  before_ = numbers_after(header);
  first_.reset();
  return trace_.add(chunk_, stored_);
}

}  // namespace reprise
