#include "trace_format/trace_writer.h"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <tuple>

#include "trace_format/chunk_pipeline.h"
#include "trace_format/guest_columns.h"
#include "trace_format/limits.h"
#include "trace_format/network_columns.h"
#include "trace_format/stream_writer.h"

namespace reprise {
namespace {

constexpr int64_t kSealNow = std::numeric_limits<int64_t>::min();

/// The first time that belongs to another chunk than `first`.
int64_t next_seal_ns(VirtualTime first) {
  const int64_t seconds = first.ns / kSealNs;
  const int64_t last_second = std::numeric_limits<int64_t>::max() / kSealNs;
  return seconds >= last_second ? std::numeric_limits<int64_t>::max() : (seconds + 1) * kSealNs;
}

/// What both kinds of streams share: the open chunk, and handing it on.
class ChunkSequence {
 public:
  ChunkSequence(std::unique_ptr<ByteSink> sink, StreamId stream)
      : stream_(stream), pipeline_(std::move(sink), encode_file_header(FileKind::kStream, stream)) {}

  [[nodiscard]] SealedChunk* open() { return chunk_.get(); }
  SealedChunk& begin(VirtualTime first) {
    chunk_ = pipeline_.take_empty();
    chunk_->header = ChunkHeader{};
    chunk_->header.stream = stream_;
    chunk_->header.sequence = next_sequence_++;
    chunk_->header.first = first;
    return *chunk_;
  }
  void submit() { pipeline_.submit(std::move(chunk_)); }
  [[nodiscard]] ChunkPipeline& pipeline() { return pipeline_; }
  [[nodiscard]] const ChunkPipeline& pipeline() const { return pipeline_; }

 private:
  StreamId stream_;
  uint64_t next_sequence_ = 0;
  std::unique_ptr<SealedChunk> chunk_;
  ChunkPipeline pipeline_;
};

class GuestStreamWriter final : public StreamWriter {
 public:
  GuestStreamWriter(std::unique_ptr<ByteSink> sink, StreamId stream) : chunks_(std::move(sink), stream) {}

  void append_clock_read(VirtualTime at, ClockSource source, uint64_t value) override {
    if (at.ns < seal_at_ns_ && encoder_.extend_clock_run(at, source, value)) {
      return;
    }
    if (prepare(at)) {
      encoder_.append_clock_read(at, source, value);
      after_append();
    }
  }

  void append_frame_sent(VirtualTime at, ByteView payload) override {
    CHECK(!payload.empty() && payload.size() <= kMaxFrameBytes);
    if (prepare(at)) {
      encoder_.append_frame_sent(at, payload);
      after_append();
    }
  }

  void append_frame_received(VirtualTime at, GuestIndex sender, SeqNo sender_frame, uint32_t size_bytes) override {
    CHECK(size_bytes > 0 && size_bytes <= kMaxFrameBytes && sender.value < kMaxGuests);
    if (prepare(at)) {
      encoder_.append_frame_received(at, sender, sender_frame, size_bytes);
      after_append();
    }
  }

  void append_console_byte(VirtualTime at, uint8_t byte) override {
    if (prepare(at)) {
      encoder_.append_console_byte(at, byte);
      after_append();
    }
  }

  void append_network(const NetworkEvent& /*event*/) override { CHECK(!"network event in a guest's stream"); }

  Status status() const override { return chunks_.pipeline().status(); }
  uint64_t stalls() const override { return chunks_.pipeline().stalls(); }

  Status finish(VirtualTime at, EndReason reason) override {
    if (!finished_) {
      if (prepare(at)) {
        encoder_.append_end(at, reason);
        seal(true);
      }
      finished_ = true;
    }
    return chunks_.pipeline().close();
  }

 private:
  /// Checks the order, and opens a chunk if `at` needs a new one. False when events are dropped after an error.
  bool prepare(VirtualTime at) {
    CHECK(!finished_ && at >= last_ && (chunks_.open() == nullptr || at >= encoder_.last()));
    if (at.ns < seal_at_ns_) {
      return true;
    }
    seal(false);
    if (chunks_.pipeline().failed()) {
      return false;
    }
    encoder_.begin(chunks_.begin(at).columns, at);
    seal_at_ns_ = next_seal_ns(at);
    return true;
  }

  void after_append() {
    if (encoder_.bytes() >= kSealBytes) {
      seal_at_ns_ = kSealNow;
    }
  }

  void seal(bool ends) {
    SealedChunk* const chunk = chunks_.open();
    seal_at_ns_ = kSealNow;
    if (chunk == nullptr) {
      return;
    }
    encoder_.finish_chunk();
    last_ = encoder_.last();
    const EventCounts& counts = encoder_.counts();
    ChunkHeader& header = chunk->header;
    header.last = last_;
    header.clock_reads = counts[static_cast<size_t>(EventKind::kClockRead)];
    header.frames_sent = counts[static_cast<size_t>(EventKind::kFrameSent)];
    header.frames_received = counts[static_cast<size_t>(EventKind::kFrameReceived)];
    header.console_bytes = counts[static_cast<size_t>(EventKind::kConsoleByte)];
    header.first_sent_frame = frames_sent_;
    header.ends = ends;
    frames_sent_ += header.frames_sent;
    chunks_.submit();
  }

  ChunkSequence chunks_;
  GuestEncoder encoder_;
  int64_t seal_at_ns_ = kSealNow;  ///< an event at or after this goes into a new chunk
  VirtualTime last_;               ///< of the last sealed chunk
  uint64_t frames_sent_ = 0;       ///< in sealed chunks
  bool finished_ = false;
};

class NetworkStreamWriter final : public StreamWriter {
 public:
  explicit NetworkStreamWriter(std::unique_ptr<ByteSink> sink) : chunks_(std::move(sink), StreamId::network()) {}

  void append_clock_read(VirtualTime, ClockSource, uint64_t) override { CHECK(!"clock read in the network's stream"); }
  void append_frame_sent(VirtualTime, ByteView) override { CHECK(!"sent frame in the network's stream"); }
  void append_frame_received(VirtualTime, GuestIndex, SeqNo, uint32_t) override { CHECK(!"received frame in the network's stream"); }
  void append_console_byte(VirtualTime, uint8_t) override { CHECK(!"console byte in the network's stream"); }

  void append_network(const NetworkEvent& event) override {
    CHECK(!finished_ && event.sent_at.ns >= 0 && event.sent_at <= event.at);
    CHECK(event.sender.value < kMaxGuests && event.receiver.value < kMaxGuests);
    CHECK(!last_event_ || key(*last_event_) <= key(event));
    last_event_ = event;
    if (event.at.ns >= seal_at_ns_) {
      seal(false);
      if (chunks_.pipeline().failed()) {
        return;
      }
      encoder_.begin(chunks_.begin(event.at).columns, event.at);
      seal_at_ns_ = next_seal_ns(event.at);
    }
    encoder_.append(event);
    if (encoder_.bytes() >= kSealBytes) {
      seal_at_ns_ = kSealNow;
    }
  }

  Status status() const override { return chunks_.pipeline().status(); }
  uint64_t stalls() const override { return chunks_.pipeline().stalls(); }

  Status finish(VirtualTime /*at*/, EndReason /*reason*/) override {
    if (!finished_) {
      finished_ = true;
      if (chunks_.open() == nullptr && !chunks_.pipeline().failed()) {
        // A stream without an open chunk ends with an empty one: without it, a truncated file would look finished.
        const VirtualTime last = last_event_ ? last_event_->at : VirtualTime{};
        encoder_.begin(chunks_.begin(last).columns, last);
      }
      seal(true);
    }
    return chunks_.pipeline().close();
  }

 private:
  static std::tuple<int64_t, uint32_t, uint64_t, uint32_t> key(const NetworkEvent& e) {
    return {e.at.ns, e.sender.value, e.sender_frame.value, e.receiver.value};
  }

  void seal(bool ends) {
    SealedChunk* const chunk = chunks_.open();
    seal_at_ns_ = kSealNow;
    if (chunk == nullptr) {
      return;
    }
    chunk->header.last = encoder_.last();
    chunk->header.clock_reads = encoder_.delivered();
    chunk->header.frames_sent = encoder_.dropped();
    chunk->header.ends = ends;
    chunks_.submit();
  }

  ChunkSequence chunks_;
  NetworkEncoder encoder_;
  int64_t seal_at_ns_ = kSealNow;
  std::optional<NetworkEvent> last_event_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<StreamWriter> make_stream_writer(std::unique_ptr<ByteSink> sink, StreamId stream) {
  if (stream.is_network()) {
    return std::make_unique<NetworkStreamWriter>(std::move(sink));
  }
  CHECK(stream.value < kMaxGuests);
  return std::make_unique<GuestStreamWriter>(std::move(sink), stream);
}

std::filesystem::path stream_file_name(StreamId stream) {
  return stream.is_network() ? "network.stream" : fmt::format("guest-{}.stream", stream.value);
}

Result<std::unique_ptr<StreamWriter>> create_stream(const std::filesystem::path& directory, StreamId stream) {
  ASSIGN_OR_RETURN(auto sink, create_file(directory / stream_file_name(stream)));
  return make_stream_writer(std::move(sink), stream);
}

}  // namespace reprise
