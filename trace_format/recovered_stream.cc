#include "trace_format/recovered_stream.h"

#include <algorithm>
#include <optional>
#include <set>

#include "trace_format/chunk_builder.h"
#include "trace_format/encrypted_io.h"
#include "trace_format/limits.h"
#include "trace_format/stream_file.h"

namespace reprise {
namespace {

UnfinishedStream open(const KilledRun& run, StreamId stream) {
  return {run.directory, stream, run.identities};
}

bool is_kept(const KeptFrames& frames, GuestIndex sender, SeqNo frame) {
  return sender.value < frames.size() && frame.value < frames[sender.value];
}

uint64_t events_of(const ChunkHeader& header) {
  return header.clock_reads + header.frames_sent + header.frames_received + header.console_bytes + (header.ends ? 1 : 0);
}

/// A chunk may grow when it is made canonical, and is split where it reaches this. Above what a writer of ours seals, whose chunks come out
/// whole; far enough below kMaxChunkRawBytes for one more event and the open runs.
constexpr uint64_t kSplitBytes = 2 * kSealBytes;
static_assert(kSplitBytes + 2 * kMaxFrameBytes <= kMaxChunkRawBytes);

/// Appends the first `n` >= 1 events of the decoder's piece, or fewer where the chunk is to be split. Returns how many.
uint64_t append_piece(GuestDecoder& decoder, uint64_t n, GuestEncoder& encoder) {
  uint64_t done = 0;
  for (GuestEvent event; done < n && encoder.bytes() < kSplitBytes; ++done) {
    CHECK(decoder.next(event));
    switch (event.kind) {
      case EventKind::kClockRead:
        encoder.append_clock_read(event.at, event.source, event.value);
        // In time that does not depend on the run's length. The first read's steps are from what the encoder had before, which need not be
        // what the decoder had; the second's are the run's.
        if (decoder.piece_has_equal_steps() && done == 1) {
          encoder.repeat_clock_read(n - 2);
          decoder.skip_equal_steps(n - 2);
          return n;
        }
        break;
      case EventKind::kFrameSent:
        encoder.append_frame_sent(event.at, event.payload);
        break;
      case EventKind::kFrameReceived:
        // The caller adds the sizes of those that are not embedded.
        if (event.payload.empty()) {
          encoder.append_frame_received(event.at, event.sender, event.sender_frame, 0);
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
  return done;
}

/// Writes a stream file: whole chunks as they are, others anew. The last chunk stays open until it is known how the stream ends.
class StreamCopy {
 public:
  static Result<StreamCopy> create(const CopiedRun& to, StreamId stream) {
    ASSIGN_OR_RETURN(auto sink, create_output(to.directory / stream_file_name(stream), to.recipients));
    RETURN_IF_ERROR(sink->write(encode_file_header(FileKind::kStream, stream)));
    return StreamCopy(std::move(sink), stream);
  }

  Status append_whole(const ChunkHeader& header, ByteView stored) {
    RETURN_IF_ERROR(write_open(false));
    builder_->go_on_after(header);
    last_ = header.last;
    ended_ = header.ends;
    return sink_->write(stored);
  }
  /// Begins a chunk to be filled by way of builder().
  Status begin(VirtualTime first) {
    RETURN_IF_ERROR(write_open(false));
    builder_->begin(first, *columns_);
    bytes_received_ = 0;
    open_ = true;
    return {};
  }
  [[nodiscard]] ChunkBuilder& builder() { return *builder_; }
  /// Of frames received in the open chunk.
  void add_bytes_received(uint64_t bytes) { bytes_received_ += bytes; }
  [[nodiscard]] bool open() const { return open_; }
  /// The time of the last event, without those of the open chunk.
  [[nodiscard]] VirtualTime last() const { return last_; }
  /// The last chunk that append_whole() took ends the stream.
  [[nodiscard]] bool ended() const { return ended_; }
  /// Ends the open chunk and the stream, if it has no end yet.
  Status close() {
    RETURN_IF_ERROR(write_open(true));
    return sink_->close();
  }

 private:
  StreamCopy(std::unique_ptr<ByteSink> sink, StreamId stream)
      : sink_(std::move(sink)),
        builder_(std::make_unique<ChunkBuilder>(stream)),
        columns_(std::make_unique<ColumnBuffers>()),
        compressor_(std::make_unique<Compressor>()) {}

  Status write_open(bool ends) {
    if (!open_) {
      return {};
    }
    open_ = false;
    builder_->finish(ends, bytes_received_);
    ChunkHeader header = builder_->header();
    last_ = header.last;
    pack_chunk(header, *columns_, *compressor_, packed_);
    return sink_->write(packed_);
  }

  std::unique_ptr<ByteSink> sink_;
  std::unique_ptr<ChunkBuilder> builder_;
  std::unique_ptr<ColumnBuffers> columns_;
  std::unique_ptr<Compressor> compressor_;
  std::vector<uint8_t> packed_;
  uint64_t bytes_received_ = 0;
  bool open_ = false;
  bool ended_ = false;
  VirtualTime last_;
};

/// Counts the chunk's events, up to the first that cannot be kept, if there is one; false then. That is the reception of a frame that is
/// not kept, or an end as only parts of runs have it, which we are never given.
bool keep_chunk(const LoadedChunk& chunk, const KeptFrames& frames, KeptGuest& kept) {
  GuestDecoder decoder;
  decoder.start(chunk.columns, chunk.header.first);
  while (decoder.load_piece()) {
    const uint64_t n = decoder.piece_left();
    if (decoder.piece_kind() == EventKind::kFrameReceived) {
      if (!is_kept(frames, decoder.piece_sender(), decoder.piece_sender_frame())) {
        return false;
      }
      uint64_t& needed = kept.needs[decoder.piece_sender().value];
      const uint64_t frame = decoder.piece_sender_frame().value;
      needed = std::max(needed, frame + 1 != 0 ? frame + 1 : frame);  // a forger may write the largest number
    }
    if (decoder.piece_kind() == EventKind::kEnd && decoder.piece_reason() == EndReason::kTrimmed) {
      return false;
    }
    kept.frames_sent += decoder.piece_kind() == EventKind::kFrameSent ? n : 0;
    kept.events += n;
    decoder.skip_piece();
  }
  return true;
}

/// Bytes of the frames that the events from number `begin` to before `end` of the chunk receive, by their senders' streams. Embedded ones
/// are not counted.
uint64_t received_bytes(const KilledRun& run, const LoadedChunk& chunk, uint64_t begin, uint64_t end) {
  std::map<uint32_t, std::multiset<uint64_t>> wanted;
  GuestDecoder decoder;
  decoder.start(chunk.columns, chunk.header.first);
  for (uint64_t place = 0; place < end && decoder.load_piece();) {
    const bool within = place >= begin;
    place += decoder.piece_left();
    if (within && decoder.piece_kind() == EventKind::kFrameReceived && decoder.piece_payload().empty()) {
      wanted[decoder.piece_sender().value].insert(decoder.piece_sender_frame().value);
    }
    decoder.skip_piece();
  }
  uint64_t bytes = 0;
  for (const auto& [sender, frames] : wanted) {
    UnfinishedStream stream = open(run, StreamId{sender});
    for (LoadedChunk sent; stream.next(sent);) {
      uint64_t frame = sent.header.before.frames_sent;
      decoder.start(sent.columns, sent.header.first);
      while (decoder.load_piece()) {
        if (decoder.piece_kind() == EventKind::kFrameSent) {
          bytes += frames.count(frame++) * decoder.piece_payload().size();
        }
        decoder.skip_piece();
      }
    }
  }
  return bytes;
}

/// Writes the first `n` events of the chunk anew, in as many chunks as it takes.
Status copy_events(const KilledRun& run, const LoadedChunk& chunk, uint64_t n, StreamCopy& copy) {
  GuestEncoder& encoder = copy.builder().guest();
  RETURN_IF_ERROR(copy.begin(chunk.header.first));
  GuestDecoder decoder;
  decoder.start(chunk.columns, chunk.header.first);
  uint64_t begin = 0;  // of the open chunk
  for (uint64_t place = 0; place < n && (decoder.piece_left() > 0 || decoder.load_piece());) {
    if (encoder.bytes() >= kSplitBytes) {
      copy.add_bytes_received(received_bytes(run, chunk, begin, place));
      RETURN_IF_ERROR(copy.begin(decoder.at() + Duration{static_cast<int64_t>(decoder.next_time_step())}));
      begin = place;
    }
    place += append_piece(decoder, std::min(n - place, decoder.piece_left()), encoder);
  }
  // The rows had the sizes of received frames, the columns have their sum only.
  const bool whole = begin == 0 && n == events_of(chunk.header);
  copy.add_bytes_received(whole ? chunk.header.bytes_received - encoder.bytes_received() : received_bytes(run, chunk, begin, n));
  return {};
}

/// The chunk's events that are of frames that are kept, between guests of the run.
std::vector<NetworkEvent> kept_network_events(const LoadedChunk& chunk, const KeptFrames& frames) {
  NetworkDecoder decoder;
  decoder.start(chunk.columns, chunk.header.first);
  std::vector<NetworkEvent> kept;
  for (NetworkEvent event; decoder.next(event);) {
    if (is_kept(frames, event.sender, event.sender_frame) && event.receiver.value < frames.size()) {
      kept.push_back(event);
    }
  }
  return kept;
}

}  // namespace

KeptGuest keep_guest(const KilledRun& run, GuestIndex guest, const KeptFrames& frames) {
  UnfinishedStream stream = open(run, StreamId::guest(guest));
  LoadedChunk chunk;
  KeptGuest kept;
  while (stream.next(chunk)) {
    if (!keep_chunk(chunk, frames, kept)) {
      return kept;
    }
    kept.ended = chunk.header.ends && chunk.guest.end_reason != EndReason::kAborted;
  }
  return kept;
}

Status copy_guest(const KilledRun& from, const CopiedRun& to, GuestIndex guest, const KeptGuest& kept) {
  UnfinishedStream stream = open(from, StreamId::guest(guest));
  ASSIGN_OR_RETURN(auto copy, StreamCopy::create(to, StreamId::guest(guest)));
  LoadedChunk chunk;
  bool ended = false;
  uint64_t left = kept.events;
  while (left > 0 && stream.next(chunk)) {
    const uint64_t n = std::min(left, events_of(chunk.header));
    left -= n;
    ended = n == events_of(chunk.header) && chunk.header.ends;
    if (n == events_of(chunk.header) && stream.sealed()) {
      RETURN_IF_ERROR(copy.append_whole(chunk.header, stream.stored()));
      continue;
    }
    RETURN_IF_ERROR(copy_events(from, chunk, n, copy));
  }
  if (!ended) {
    if (!copy.open()) {
      RETURN_IF_ERROR(copy.begin(copy.last()));
    }
    copy.builder().guest().append_end(copy.builder().guest().last(), EndReason::kAborted);
  }
  return copy.close();
}

Result<bool> copy_network(const KilledRun& from, const CopiedRun& to, const KeptFrames& frames) {
  UnfinishedStream stream = open(from, StreamId::network());
  ASSIGN_OR_RETURN(auto copy, StreamCopy::create(to, StreamId::network()));
  LoadedChunk chunk;
  bool ended = false;
  bool whole = true;
  while (stream.next(chunk)) {
    const std::vector<NetworkEvent> kept = kept_network_events(chunk, frames);
    // Once an event was left out, those after it have other numbers, which are in the headers.
    whole = whole && kept.size() == chunk.header.clock_reads + chunk.header.frames_sent;
    ended = chunk.header.ends;
    if (whole && stream.sealed()) {
      RETURN_IF_ERROR(copy.append_whole(chunk.header, stream.stored()));
      continue;
    }
    if (kept.empty() && !whole) {
      continue;
    }
    RETURN_IF_ERROR(copy.begin(kept.empty() ? chunk.header.first : kept.front().at));
    for (const NetworkEvent& event : kept) {
      copy.builder().network().append(event);
    }
  }
  if (!copy.ended() && !copy.open()) {
    RETURN_IF_ERROR(copy.begin(copy.last()));
  }
  RETURN_IF_ERROR(copy.close());
  return whole && ended;
}

}  // namespace reprise
