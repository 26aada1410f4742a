#include "trace_format/guest_cursor.h"

#include <fmt/format.h>

namespace reprise {

ChunkedGuestCursor::ChunkedGuestCursor(TraceIndex& index, ChunkCache& chunks, GuestIndex guest)
    : index_(index), chunks_(chunks), guest_(guest), stream_(StreamId::guest(guest)) {
  decoder_.start(ColumnViews{}, VirtualTime{});
}

Result<bool> ChunkedGuestCursor::next(GuestEvent& event) {
  while (!decoder_.next(event)) {
    CHECK(!decoder_.failed());  // the loader has checked every column
    if (next_chunk_ == index_.stream(stream_).chunks) {
      return false;
    }
    RETURN_IF_ERROR(open_chunk(next_chunk_));
  }
  switch (event.kind) {
    case EventKind::kClockRead:
      event.sequence.value = count_.clock_reads++;
      break;
    case EventKind::kFrameSent:
      event.sequence.value = count_.frames_sent + count_.frames_received;
      event.sender_frame.value = count_.frames_sent++;
      break;
    case EventKind::kFrameReceived:
      event.sequence.value = count_.frames_sent + count_.frames_received++;
      return complete_received(event);
    case EventKind::kConsoleByte:
    case EventKind::kConsoleInput:
      event.sequence.value = count_.console_bytes++;
      break;
    case EventKind::kEnd:
      event.sequence.value = 0;
      break;
  }
  return true;
}

Result<bool> ChunkedGuestCursor::next_received(GuestEvent& event) {
  return next_of(event, false);
}

Result<bool> ChunkedGuestCursor::next_input(GuestEvent& event) {
  return next_of(event, index_.stream(stream_).guest.console_input_bytes != 0);
}

/// The next received frame, or byte of console input if they are wanted.
Result<bool> ChunkedGuestCursor::next_of(GuestEvent& event, bool console_input) {
  for (;;) {
    if (decoder_.piece_left() == 0 && !decoder_.load_piece()) {
      ASSIGN_OR_RETURN(const uint64_t chunk, next_chunk_with_inputs(console_input));
      if (chunk == index_.stream(stream_).chunks) {
        RETURN_IF_ERROR(go_to_end());
        return false;
      }
      RETURN_IF_ERROR(open_chunk(chunk));
    } else if (decoder_.piece_kind() == EventKind::kFrameReceived || (console_input && decoder_.piece_kind() == EventKind::kConsoleInput)) {
      return next(event);
    } else {
      skip_piece();
    }
  }
}

Result<uint64_t> ChunkedGuestCursor::next_chunk_with_inputs(bool console_input) {
  for (uint64_t chunk = next_chunk_; chunk < index_.stream(stream_).chunks; ++chunk) {
    ASSIGN_OR_RETURN(const ChunkRecord record, index_.chunk(stream_, chunk));
    // Of console bytes a header does not say which way they went.
    if (record.header.frames_received != 0 || (console_input && record.header.console_bytes != 0)) {
      return chunk;
    }
  }
  return index_.stream(stream_).chunks;
}

void ChunkedGuestCursor::skip_piece() {
  const uint64_t skipped = decoder_.piece_left();
  switch (decoder_.piece_kind()) {
    case EventKind::kClockRead:
      count_.clock_reads += skipped;
      break;
    case EventKind::kFrameSent:
      count_.frames_sent += skipped;
      break;
    case EventKind::kConsoleByte:
    case EventKind::kConsoleInput:
      count_.console_bytes += skipped;
      break;
    case EventKind::kFrameReceived:
    case EventKind::kEnd:
      break;
  }
  decoder_.skip_piece();
}

Result<bool> ChunkedGuestCursor::complete_received(GuestEvent& event) {
  if (!event.payload.empty()) {
    return true;  // embedded
  }
  auto frame = chunks_.sent_frame(event.sender, event.sender_frame);
  if (!frame.ok()) {
    return Error{frame.error().kind,
                 fmt::format("{} (guest {}, frame event {})", frame.error().message, guest_.value, event.sequence.value)};
  }
  event.payload = frame->payload;
  return true;
}

Status ChunkedGuestCursor::open_chunk(uint64_t chunk) {
  // Until the chunk is loaded, the decoder must not look at buffers that are given back.
  decoder_.start(ColumnViews{}, VirtualTime{});
  ASSIGN_OR_RETURN(chunk_, chunks_.chunk(stream_, chunk));
  decoder_.start(chunk_->columns, chunk_->header.first);
  next_chunk_ = chunk + 1;
  count_ = chunk_->header.before;
  return {};
}

Status ChunkedGuestCursor::go_to_end() {
  decoder_.start(ColumnViews{}, VirtualTime{});
  next_chunk_ = index_.stream(stream_).chunks;
  if (next_chunk_ != 0) {
    ASSIGN_OR_RETURN(const ChunkRecord last, index_.chunk(stream_, next_chunk_ - 1));
    count_ = numbers_after(last.header);
  }
  return {};
}

Status ChunkedGuestCursor::seek(VirtualTime from) {
  ASSIGN_OR_RETURN(const uint64_t chunk, index_.first_chunk_from(stream_, from));
  RETURN_IF_ERROR(seek_chunk(chunk));
  EventCounts skipped{};
  decoder_.skip_before(from, skipped);
  count_.clock_reads += skipped[static_cast<size_t>(EventKind::kClockRead)];
  count_.frames_sent += skipped[static_cast<size_t>(EventKind::kFrameSent)];
  count_.frames_received += skipped[static_cast<size_t>(EventKind::kFrameReceived)];
  count_.console_bytes += skipped[static_cast<size_t>(EventKind::kConsoleByte)] + skipped[static_cast<size_t>(EventKind::kConsoleInput)];
  return {};
}

Status ChunkedGuestCursor::seek_chunk(uint64_t chunk) {
  if (chunk >= index_.stream(stream_).chunks) {
    return go_to_end();
  }
  return open_chunk(chunk);
}

}  // namespace reprise
