#include "trace_format/network_cursor.h"

namespace reprise {

class MergedNetworkCursor::Source {
 public:
  virtual ~Source() = default;
  /// Moves to the next event; false at the end.
  [[nodiscard]] virtual Result<bool> advance() = 0;
  [[nodiscard]] const NetworkEvent& event() const { return event_; }
  /// sent_at is not in the row: it is the sender's frame's.
  [[nodiscard]] virtual bool implied() const = 0;

 protected:
  NetworkEvent event_;
};

class MergedNetworkCursor::StoredRows final : public Source {
 public:
  StoredRows(TraceIndex& index, ChunkCache& chunks) : index_(index), chunks_(chunks) { decoder_.start(ColumnViews{}, VirtualTime{}); }

  Result<bool> advance() override {
    while (!decoder_.next(event_)) {
      CHECK(!decoder_.failed());  // the loader has checked every column
      if (next_chunk_ == index_.stream(StreamId::network()).chunks) {
        return false;
      }
      decoder_.start(ColumnViews{}, VirtualTime{});
      ASSIGN_OR_RETURN(chunk_, chunks_.chunk(StreamId::network(), next_chunk_++));
      decoder_.start(chunk_->columns, chunk_->header.first);
    }
    return true;
  }
  bool implied() const override { return false; }

 private:
  TraceIndex& index_;
  ChunkCache& chunks_;
  std::shared_ptr<const LoadedChunk> chunk_;
  uint64_t next_chunk_ = 0;
  NetworkDecoder decoder_;
};

class MergedNetworkCursor::Receptions final : public Source {
 public:
  Receptions(TraceIndex& index, ChunkCache& chunks, GuestIndex guest) : index_(index), chunks_(chunks), stream_(StreamId::guest(guest)) {
    decoder_.start(ColumnViews{}, VirtualTime{});
    event_.kind = NetworkEvent::Kind::kDelivered;
    event_.receiver = guest;
  }

  Result<bool> advance() override {
    for (;;) {
      while (decoder_.load_piece()) {
        const bool received = decoder_.piece_kind() == EventKind::kFrameReceived;
        decoder_.skip_piece();
        if (received) {
          event_.at = decoder_.at();
          event_.sender = decoder_.piece_sender();
          event_.sender_frame = decoder_.piece_sender_frame();
          return true;
        }
      }
      ASSIGN_OR_RETURN(const bool more, open_next());
      if (!more) {
        return false;
      }
    }
  }
  bool implied() const override { return true; }

 private:
  /// Goes to the next chunk in which something is received.
  Result<bool> open_next() {
    decoder_.start(ColumnViews{}, VirtualTime{});
    chunk_.reset();
    while (next_chunk_ < index_.stream(stream_).chunks) {
      ASSIGN_OR_RETURN(const ChunkRecord record, index_.chunk(stream_, next_chunk_));
      if (record.header.frames_received != 0) {
        ASSIGN_OR_RETURN(chunk_, chunks_.chunk(stream_, next_chunk_++));
        decoder_.start(chunk_->columns, chunk_->header.first);
        return true;
      }
      ++next_chunk_;
    }
    return false;
  }

  TraceIndex& index_;
  ChunkCache& chunks_;
  StreamId stream_;
  std::shared_ptr<const LoadedChunk> chunk_;
  uint64_t next_chunk_ = 0;
  GuestDecoder decoder_;
};

MergedNetworkCursor::MergedNetworkCursor(TraceIndex& index, ChunkCache& chunks) : index_(index), chunks_(chunks) {
  sources_.push_back(std::make_unique<StoredRows>(index, chunks));
  for (uint32_t i = 0; i < index.root().guests.size(); ++i) {
    const StreamSummary& guest = index.root().guests[i];
    if (guest.deliveries_implied && guest.guest.frames_received != 0) {
      sources_.push_back(std::make_unique<Receptions>(index, chunks, GuestIndex{i}));
    }
  }
}

MergedNetworkCursor::~MergedNetworkCursor() = default;

Status MergedNetworkCursor::queue_next_of(size_t source) {
  ASSIGN_OR_RETURN(const bool more, sources_[source]->advance());
  if (more) {
    const NetworkEvent& event = sources_[source]->event();
    order_.emplace(event.at.ns, event.sender.value, event.sender_frame.value, event.receiver.value, source);
  }
  return {};
}

Status MergedNetworkCursor::start() {
  const StreamSummary& rows = index_.stream(StreamId::network());
  for (size_t source = 0; source < sources_.size(); ++source) {
    RETURN_IF_ERROR(queue_next_of(source));
  }
  started_ = true;
  if (rows.chunks != 0) {
    // Of a part of a run the first row has a number; else it is 0.
    ASSIGN_OR_RETURN(const ChunkRecord first, index_.chunk(StreamId::network(), 0));
    sequence_ = first.header.before.clock_reads + first.header.before.frames_sent;
  }
  return {};
}

Result<bool> MergedNetworkCursor::next(NetworkEvent& event) {
  if (!started_) {
    RETURN_IF_ERROR(start());
  }
  if (order_.empty()) {
    return false;
  }
  const size_t source = std::get<4>(order_.top());
  order_.pop();
  event = sources_[source]->event();
  if (sources_[source]->implied()) {
    ASSIGN_OR_RETURN(const ChunkCache::Frame frame, chunks_.sent_frame(event.sender, event.sender_frame));
    event.sent_at = frame.sent_at;
  }
  event.sequence.value = sequence_++;
  RETURN_IF_ERROR(queue_next_of(source));
  return true;
}

}  // namespace reprise
