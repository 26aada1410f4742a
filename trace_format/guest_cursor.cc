#include "trace_format/guest_cursor.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace_format/byte_codec.h"

namespace reprise {
namespace {

Error bad_trace(std::string message) {
  return Error{ErrorKind::kBadTrace, std::move(message)};
}

}  // namespace

Status load_indexed(const ByteSource& source, const ChunkRecord& record, ChunkLoader& loader, LoadedChunk& chunk) {
  const uint64_t end = record.offset + kChunkHeaderBytes + record.header.stored_size;
  RETURN_IF_ERROR(loader.load(source, record.offset, end, chunk));
  if (chunk.header != record.header || chunk.digest != record.digest) {
    return bad_trace(fmt::format("{}: chunk at byte {}: it is not the chunk {} of {} that the footer describes", source.name(),
                                 record.offset, record.header.sequence, stream_name(record.header.stream)));
  }
  return {};
}

PayloadStore::PayloadStore(const ByteSource& source, const Footer& footer)
    : source_(source), footer_(footer), capacity_(std::clamp<size_t>(2 * footer.run.guests.size(), 4, 64)) {}

PayloadStore::Entry* PayloadStore::cached(GuestIndex sender, SeqNo frame) {
  for (const auto& entry : entries_) {
    // Below first_frame the difference wraps around and is too large.
    if (entry->sender == sender && frame.value - entry->first_frame < entry->offsets.size() - 1) {
      return entry.get();
    }
  }
  return nullptr;
}

Result<PayloadStore::Entry*> PayloadStore::load(GuestIndex sender, SeqNo frame) {
  const auto missing = [&] {
    return bad_trace(fmt::format("{}: a received frame refers to frame {} of guest {}, which is not in the trace", source_.name(),
                                 frame.value, sender.value));
  };
  if (sender.value >= footer_.run.guests.size()) {
    return missing();
  }
  const auto& chunks = footer_.guest(sender).chunks;
  const auto after = std::upper_bound(chunks.begin(), chunks.end(), frame.value,
                                      [](uint64_t number, const ChunkRecord& record) { return number < record.header.first_sent_frame; });
  if (after == chunks.begin()) {
    return missing();
  }
  const ChunkRecord& record = *(after - 1);
  if (frame.value - record.header.first_sent_frame >= record.header.frames_sent) {
    return missing();
  }
  std::unique_ptr<Entry> entry;
  if (entries_.size() < capacity_) {
    entry = std::make_unique<Entry>();
  } else {
    const auto oldest =
        std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a->last_use < b->last_use; });
    entry = std::move(*oldest);
    entries_.erase(oldest);
  }
  RETURN_IF_ERROR(load_indexed(source_, record, loader_, entry->chunk));
  entry->sender = sender;
  entry->first_frame = record.header.first_sent_frame;
  entry->offsets.assign(1, 0);
  ColumnReader sizes(entry->chunk.columns[kSentSize]);
  while (!sizes.empty()) {
    entry->offsets.push_back(entry->offsets.back() + static_cast<uint32_t>(sizes.varint()));
  }
  entries_.push_back(std::move(entry));
  return entries_.back().get();
}

Result<ByteView> PayloadStore::find(GuestIndex sender, SeqNo frame) {
  Entry* entry = cached(sender, frame);
  if (entry == nullptr) {
    ASSIGN_OR_RETURN(entry, load(sender, frame));
  }
  entry->last_use = ++uses_;
  const auto i = static_cast<size_t>(frame.value - entry->first_frame);
  return entry->chunk.columns[kSentPayload].subspan(entry->offsets[i], entry->offsets[i + 1] - entry->offsets[i]);
}

std::vector<SequenceBase> sequence_bases(const StreamIndex& stream) {
  std::vector<SequenceBase> bases;
  bases.reserve(stream.chunks.size());
  SequenceBase base;
  for (const ChunkRecord& record : stream.chunks) {
    bases.push_back(base);
    base.clock += record.header.clock_reads;
    base.frame += record.header.frames_sent + record.header.frames_received;
    base.sent += record.header.frames_sent;
    base.console += record.header.console_bytes;
  }
  return bases;
}

ChunkedGuestCursor::ChunkedGuestCursor(const ByteSource& source, const Footer& footer, const std::vector<SequenceBase>& bases,
                                       GuestIndex guest)
    : source_(source), stream_(footer.guest(guest)), bases_(bases), payloads_(source, footer) {
  decoder_.start(ColumnViews{}, VirtualTime{});
}

Result<bool> ChunkedGuestCursor::next(GuestEvent& event) {
  while (!decoder_.next(event)) {
    CHECK(!decoder_.failed());  // load() has checked every column
    if (next_chunk_ == stream_.chunks.size()) {
      return false;
    }
    RETURN_IF_ERROR(open_chunk(next_chunk_));
  }
  switch (event.kind) {
    case EventKind::kClockRead:
      event.sequence.value = count_.clock++;
      break;
    case EventKind::kFrameSent:
      event.sequence.value = count_.frame++;
      event.sender_frame.value = count_.sent++;
      break;
    case EventKind::kFrameReceived:
      event.sequence.value = count_.frame++;
      return complete_received(event);
    case EventKind::kConsoleByte:
      event.sequence.value = count_.console++;
      break;
    case EventKind::kEnd:
      event.sequence.value = 0;
      break;
  }
  return true;
}

Result<bool> ChunkedGuestCursor::next_received(GuestEvent& event) {
  const auto& chunks = stream_.chunks;
  for (;;) {
    if (decoder_.piece_left() == 0 && !decoder_.load_piece()) {
      const auto found = std::find_if(chunks.begin() + static_cast<ptrdiff_t>(next_chunk_), chunks.end(),
                                      [](const ChunkRecord& record) { return record.header.frames_received != 0; });
      if (found == chunks.end()) {
        next_chunk_ = chunks.size();
        return false;
      }
      RETURN_IF_ERROR(open_chunk(static_cast<size_t>(found - chunks.begin())));
    } else if (decoder_.piece_kind() == EventKind::kFrameReceived) {
      return next(event);
    } else {
      skip_piece();
    }
  }
}

void ChunkedGuestCursor::skip_piece() {
  const uint64_t skipped = decoder_.piece_left();
  switch (decoder_.piece_kind()) {
    case EventKind::kClockRead:
      count_.clock += skipped;
      break;
    case EventKind::kFrameSent:
      count_.frame += skipped;
      count_.sent += skipped;
      break;
    case EventKind::kConsoleByte:
      count_.console += skipped;
      break;
    case EventKind::kFrameReceived:
    case EventKind::kEnd:
      break;
  }
  decoder_.skip(skipped);
}

Result<bool> ChunkedGuestCursor::complete_received(GuestEvent& event) {
  ASSIGN_OR_RETURN(event.payload, payloads_.find(event.sender, event.sender_frame));
  if (event.payload.size() != decoder_.received_size()) {
    return bad_trace(fmt::format("{}: {}, frame event {}: received {} bytes of frame {} of guest {}, which has {}", source_.name(),
                                 stream_name(stream_.stream), event.sequence.value, decoder_.received_size(), event.sender_frame.value,
                                 event.sender.value, event.payload.size()));
  }
  return true;
}

Status ChunkedGuestCursor::open_chunk(size_t chunk) {
  // Until the chunk is loaded, the decoder must not look at buffers that are being replaced.
  decoder_.start(ColumnViews{}, VirtualTime{});
  RETURN_IF_ERROR(load_indexed(source_, stream_.chunks[chunk], loader_, chunk_));
  decoder_.start(chunk_.columns, chunk_.header.first);
  next_chunk_ = chunk + 1;
  count_ = bases_[chunk];
  return {};
}

Status ChunkedGuestCursor::seek(VirtualTime from) {
  const auto& chunks = stream_.chunks;
  const auto found = std::lower_bound(chunks.begin(), chunks.end(), from,
                                      [](const ChunkRecord& record, VirtualTime time) { return record.header.last < time; });
  if (found == chunks.end()) {
    decoder_.start(ColumnViews{}, VirtualTime{});
    next_chunk_ = chunks.size();
    return {};
  }
  RETURN_IF_ERROR(open_chunk(static_cast<size_t>(found - chunks.begin())));
  EventCounts skipped{};
  decoder_.skip_before(from, skipped);
  const uint64_t sent = skipped[static_cast<size_t>(EventKind::kFrameSent)];
  count_.clock += skipped[static_cast<size_t>(EventKind::kClockRead)];
  count_.frame += sent + skipped[static_cast<size_t>(EventKind::kFrameReceived)];
  count_.sent += sent;
  count_.console += skipped[static_cast<size_t>(EventKind::kConsoleByte)];
  return {};
}

Status ChunkedGuestCursor::seek_chunk(size_t chunk) {
  if (chunk >= stream_.chunks.size()) {
    decoder_.start(ColumnViews{}, VirtualTime{});
    next_chunk_ = stream_.chunks.size();
    return {};
  }
  return open_chunk(chunk);
}

}  // namespace reprise
