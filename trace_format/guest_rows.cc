#include "trace_format/guest_rows.h"

#include "trace_format/limits.h"

namespace reprise {

Status GuestRows::append(const GuestEvent& event, bool embed) {
  CHECK(!ended_);
  if (rows_.is_open() && rows_.guest().bytes() >= kSealBytes) {
    RETURN_IF_ERROR(rows_.seal(false));
  }
  rows_.open(event.at);
  put(event, embed);
  return {};
}

void GuestRows::put(const GuestEvent& event, bool embed) {
  GuestEncoder& encoder = rows_.guest();
  switch (event.kind) {
    case EventKind::kClockRead:
      encoder.append_clock_read(event.at, event.source, event.value);
      break;
    case EventKind::kFrameSent:
      encoder.append_frame_sent(event.at, event.payload);
      break;
    case EventKind::kFrameReceived:
      if (embed) {
        encoder.append_embedded_frame(event.at, event.sender, event.sender_frame, event.payload);
      } else {
        encoder.append_frame_received(event.at, event.sender, event.sender_frame, static_cast<uint32_t>(event.payload.size()));
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
      ended_ = true;
      break;
  }
}

Status GuestRows::finish(VirtualTime at, EndReason reason) {
  if (!ended_) {
    RETURN_IF_ERROR(append(GuestEvent{.kind = EventKind::kEnd, .reason = reason, .at = at, .payload = {}}, false));
  }
  return rows_.seal(true);
}

}  // namespace reprise
