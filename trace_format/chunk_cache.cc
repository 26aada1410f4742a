#include "trace_format/chunk_cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace_format/guest_columns.h"

namespace reprise {
namespace {

// About 60 chunks of the size that a writer makes; what cursors hold besides is theirs.
constexpr uint64_t kCachedBytes = 16u << 20;
constexpr size_t kCachedSentFrames = 64;

}  // namespace

Result<std::shared_ptr<const LoadedChunk>> ChunkCache::chunk(StreamId stream, uint64_t number) {
  const auto found = std::find_if(chunks_.begin(), chunks_.end(),
                                  [&](const CachedChunk& cached) { return cached.number == number && cached.stream == stream; });
  if (found != chunks_.end()) {
    chunks_.splice(chunks_.begin(), chunks_, found);
    return chunks_.front().chunk;
  }
  ASSIGN_OR_RETURN(const ChunkRecord record, index_.chunk(stream, number));
  const auto chunk = std::make_shared<LoadedChunk>();
  RETURN_IF_ERROR(loader_.load(source_, record.offset, record.offset + kChunkHeaderBytes + record.header.stored_size, *chunk));
  if (chunk->header != record.header || chunk->digest != record.digest) {
    return Error{ErrorKind::kBadTrace, fmt::format("{}: chunk at byte {}: it is not the chunk {} of {} that the index describes",
                                                   source_.name(), record.offset, number, stream_name(stream))};
  }
  while (!chunks_.empty() && cached_bytes_ + chunk->raw.size() > kCachedBytes) {
    cached_bytes_ -= chunks_.back().chunk->raw.size();
    chunks_.pop_back();
  }
  cached_bytes_ += chunk->raw.size();
  chunks_.push_front({stream, number, chunk});
  return std::shared_ptr<const LoadedChunk>(chunk);
}

Result<ChunkCache::Frame> ChunkCache::sent_frame(GuestIndex sender, SeqNo frame) {
  ASSIGN_OR_RETURN(const SentFrames* const sent, sent_frames(sender, frame));
  const auto i = static_cast<size_t>(frame.value - sent->first_frame);
  const ByteView payloads = sent->chunk->columns[kSentPayload];
  return Frame{payloads.subspan(sent->offsets[i], sent->offsets[i + 1] - sent->offsets[i]), sent->times[i]};
}

Result<const ChunkCache::SentFrames*> ChunkCache::sent_frames(GuestIndex sender, SeqNo frame) {
  // Below first_frame the difference wraps around and is too large.
  const auto found = std::find_if(sent_.begin(), sent_.end(), [&](const SentFrames& sent) {
    return sent.sender == sender && frame.value - sent.first_frame < sent.times.size();
  });
  if (found != sent_.end()) {
    sent_.splice(sent_.begin(), sent_, found);
    return &sent_.front();
  }
  ASSIGN_OR_RETURN(const auto number, index_.chunk_of_frame(sender, frame));
  if (!number.has_value()) {
    return Error{ErrorKind::kBadTrace, fmt::format("{}: a received frame refers to frame {} of guest {}, which is not in the trace",
                                                   source_.name(), frame.value, sender.value)};
  }
  SentFrames sent;
  sent.sender = sender;
  ASSIGN_OR_RETURN(sent.chunk, chunk(StreamId::guest(sender), *number));
  sent.first_frame = sent.chunk->header.before.frames_sent;
  sent.offsets.assign(1, 0);
  GuestDecoder decoder;
  decoder.start(sent.chunk->columns, sent.chunk->header.first);
  while (decoder.load_piece()) {
    const bool is_sent = decoder.piece_kind() == EventKind::kFrameSent;
    decoder.skip_piece();
    if (is_sent) {
      sent.offsets.push_back(sent.offsets.back() + static_cast<uint32_t>(decoder.piece_payload().size()));
      sent.times.push_back(decoder.at());
    }
  }
  if (sent_.size() == kCachedSentFrames) {
    sent_.pop_back();
  }
  sent_.push_front(std::move(sent));
  return &sent_.front();
}

}  // namespace reprise
