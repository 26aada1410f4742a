#include "trace_format/trace_writer.h"

#include <fmt/format.h>

#include <optional>
#include <tuple>

#include "trace_format/chunk_pipeline.h"
#include "trace_format/guest_columns.h"
#include "trace_format/limits.h"
#include "trace_format/network_columns.h"
#include "trace_format/stream_writer.h"

namespace reprise {
namespace {

/// What both kinds of streams share: the open chunk, and handing it on.
class ChunkSequence {
 public:
  ChunkSequence(std::unique_ptr<ByteSink> sink, StreamId stream, const StreamOptions& options)
      : seal_bytes_(options.seal_bytes), stream_(stream), pipeline_(std::move(sink), encode_file_header(FileKind::kStream, stream)) {}

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

  [[nodiscard]] bool full(uint64_t bytes) const { return bytes >= seal_bytes_; }

 private:
  uint64_t seal_bytes_;
  StreamId stream_;
  uint64_t next_sequence_ = 0;
  std::unique_ptr<SealedChunk> chunk_;
  ChunkPipeline pipeline_;
};

class GuestStreamWriter final : public StreamWriter {
 public:
  GuestStreamWriter(std::unique_ptr<ByteSink> sink, StreamId stream, const StreamOptions& options)
      : chunks_(std::move(sink), stream, options) {}

  void append_clock_read(VirtualTime at, ClockSource source, uint64_t value) override {
    if (prepare(at)) {
      encoder_.append_clock_read(at, source, value);
    }
  }

  void append_frame_sent(VirtualTime at, ByteView payload) override {
    CHECK(!payload.empty() && payload.size() <= kMaxFrameBytes);
    if (prepare(at)) {
      encoder_.append_frame_sent(at, payload);
    }
  }

  void append_frame_received(VirtualTime at, GuestIndex sender, SeqNo sender_frame, uint32_t size_bytes) override {
    CHECK(size_bytes > 0 && size_bytes <= kMaxFrameBytes && sender.value < kMaxGuests);
    if (prepare(at)) {
      encoder_.append_frame_received(at, sender, sender_frame, size_bytes);
    }
  }

  void append_console_byte(VirtualTime at, uint8_t byte) override {
    if (prepare(at)) {
      encoder_.append_console_byte(at, byte);
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
    if (chunks_.open() != nullptr && !chunks_.full(encoder_.bytes())) {
      return true;
    }
    seal(false);
    if (chunks_.pipeline().failed()) {
      return false;
    }
    encoder_.begin(chunks_.begin(at).columns, at);
    return true;
  }

  void seal(bool ends) {
    SealedChunk* const chunk = chunks_.open();
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
    header.before = before_;
    header.bytes_received = encoder_.bytes_received();
    header.ends = ends;
    before_ = numbers_after(header);
    chunks_.submit();
  }

  ChunkSequence chunks_;
  GuestEncoder encoder_;
  VirtualTime last_;     ///< of the last sealed chunk
  EventNumbers before_;  ///< in sealed chunks
  bool finished_ = false;
};

class NetworkStreamWriter final : public StreamWriter {
 public:
  NetworkStreamWriter(std::unique_ptr<ByteSink> sink, const StreamOptions& options)
      : chunks_(std::move(sink), StreamId::network(), options) {}

  void append_clock_read(VirtualTime, ClockSource, uint64_t) override { CHECK(!"clock read in the network's stream"); }
  void append_frame_sent(VirtualTime, ByteView) override { CHECK(!"sent frame in the network's stream"); }
  void append_frame_received(VirtualTime, GuestIndex, SeqNo, uint32_t) override { CHECK(!"received frame in the network's stream"); }
  void append_console_byte(VirtualTime, uint8_t) override { CHECK(!"console byte in the network's stream"); }

  void append_network(const NetworkEvent& event) override {
    CHECK(!finished_ && event.sent_at.ns >= 0 && event.sent_at <= event.at);
    CHECK(event.sender.value < kMaxGuests && event.receiver.value < kMaxGuests);
    CHECK(!last_event_ || key(*last_event_) <= key(event));
    last_event_ = event;
    if (chunks_.open() == nullptr || chunks_.full(encoder_.bytes())) {
      seal(false);
      if (chunks_.pipeline().failed()) {
        return;
      }
      encoder_.begin(chunks_.begin(event.at).columns, event.at);
    }
    encoder_.append(event);
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
    if (chunk == nullptr) {
      return;
    }
    chunk->header.last = encoder_.last();
    chunk->header.clock_reads = encoder_.delivered();
    chunk->header.frames_sent = encoder_.dropped();
    chunk->header.before = before_;
    chunk->header.ends = ends;
    before_ = numbers_after(chunk->header);
    chunks_.submit();
  }

  ChunkSequence chunks_;
  NetworkEncoder encoder_;
  EventNumbers before_;  ///< in sealed chunks
  std::optional<NetworkEvent> last_event_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<StreamWriter> make_stream_writer(std::unique_ptr<ByteSink> sink, StreamId stream, const StreamOptions& options) {
  CHECK(options.seal_bytes <= kSealBytes);
  if (stream.is_network()) {
    return std::make_unique<NetworkStreamWriter>(std::move(sink), options);
  }
  CHECK(stream.value < kMaxGuests);
  return std::make_unique<GuestStreamWriter>(std::move(sink), stream, options);
}

std::filesystem::path stream_file_name(StreamId stream) {
  return stream.is_network() ? "network.stream" : fmt::format("guest-{}.stream", stream.value);
}

Result<std::unique_ptr<StreamWriter>> create_stream(const std::filesystem::path& directory, StreamId stream, const StreamOptions& options) {
  ASSIGN_OR_RETURN(auto sink, create_file(directory / stream_file_name(stream)));
  return make_stream_writer(std::move(sink), stream, options);
}

}  // namespace reprise
