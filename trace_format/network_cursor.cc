#include "trace_format/network_cursor.h"

namespace reprise {

class MergedNetworkCursor::Source {
 public:
  virtual ~Source() = default;
  /// Moves to the next event; false at the end.
  [[nodiscard]] virtual Result<bool> advance() = 0;
  /// Makes advance() move to the first event at or after `from`; returns how many are before it.
  [[nodiscard]] virtual Result<uint64_t> seek(VirtualTime from) = 0;
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
    if (sought_) {
      sought_ = false;
      return true;
    }
    while (!decoder_.next(event_)) {
      CHECK(!decoder_.failed());  // the loader has checked every column
      if (next_chunk_ == index_.stream(StreamId::network()).chunks) {
        return false;
      }
      RETURN_IF_ERROR(open_next());
    }
    return true;
  }
  // Of a part of a run the first row has a number, which counts implied events too: seeking to time 0 gives it.
  Result<uint64_t> seek(VirtualTime from) override {
    sought_ = false;
    decoder_.start(ColumnViews{}, VirtualTime{});
    const uint64_t chunks = index_.stream(StreamId::network()).chunks;
    if (chunks == 0) {
      return uint64_t{0};
    }
    ASSIGN_OR_RETURN(next_chunk_, index_.first_chunk_from(StreamId::network(), from));
    if (next_chunk_ == chunks) {
      ASSIGN_OR_RETURN(const ChunkRecord last, index_.chunk(StreamId::network(), chunks - 1));
      return number_of(numbers_after(last.header));
    }
    RETURN_IF_ERROR(open_next());
    uint64_t number = number_of(chunk_->header.before);
    while (decoder_.next(event_) && event_.at < from) {
      ++number;
    }
    sought_ = number != number_of(numbers_after(chunk_->header));
    return number;
  }
  bool implied() const override { return false; }

 private:
  static uint64_t number_of(const EventNumbers& numbers) { return numbers.clock_reads + numbers.frames_sent; }

  Status open_next() {
    decoder_.start(ColumnViews{}, VirtualTime{});
    ASSIGN_OR_RETURN(chunk_, chunks_.chunk(StreamId::network(), next_chunk_++));
    decoder_.start(chunk_->columns, chunk_->header.first);
    return {};
  }

  TraceIndex& index_;
  ChunkCache& chunks_;
  std::shared_ptr<const LoadedChunk> chunk_;
  uint64_t next_chunk_ = 0;
  NetworkDecoder decoder_;
  bool sought_ = false;  ///< event_ is the one that a seek found, and was not given yet
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
      while (decoder_.piece_left() > 0 || decoder_.load_piece()) {
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
  Result<uint64_t> seek(VirtualTime from) override {
    decoder_.start(ColumnViews{}, VirtualTime{});
    ASSIGN_OR_RETURN(const ChunkRecord first, index_.chunk(stream_, 0));
    const uint64_t before_part = first.header.before.frames_received;
    ASSIGN_OR_RETURN(next_chunk_, index_.first_chunk_from(stream_, from));
    if (next_chunk_ == index_.stream(stream_).chunks) {
      return index_.stream(stream_).guest.frames_received;
    }
    ASSIGN_OR_RETURN(const ChunkRecord record, index_.chunk(stream_, next_chunk_));
    EventCounts skipped{};
    if (record.header.frames_received != 0) {
      ASSIGN_OR_RETURN(const bool more, open_next());
      CHECK(more);
      decoder_.skip_before(from, skipped);
    }
    return record.header.before.frames_received - before_part + skipped[static_cast<size_t>(EventKind::kFrameReceived)];
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

MergedNetworkCursor::MergedNetworkCursor(TraceIndex& index, ChunkCache& chunks) : chunks_(chunks) {
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

Result<uint64_t> MergedNetworkCursor::seek(VirtualTime from) {
  order_ = {};
  sequence_ = 0;
  for (size_t source = 0; source < sources_.size(); ++source) {
    ASSIGN_OR_RETURN(const uint64_t before, sources_[source]->seek(from));
    sequence_ += before;
    RETURN_IF_ERROR(queue_next_of(source));
  }
  started_ = true;
  return sequence_;
}

Result<bool> MergedNetworkCursor::next(NetworkEvent& event) {
  if (!started_) {
    ASSIGN_OR_RETURN(const uint64_t first, seek(VirtualTime{}));
    (void)first;
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
