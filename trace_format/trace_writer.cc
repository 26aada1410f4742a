#include "trace_format/trace_writer.h"

#include <fmt/format.h>

#include <optional>
#include <system_error>
#include <tuple>

#include "trace_format/chunk_pipeline.h"
#include "trace_format/encrypted_io.h"
#include "trace_format/event_log.h"
#include "trace_format/event_rows.h"
#include "trace_format/io.h"
#include "trace_format/limits.h"
#include "trace_format/stream_writer.h"

namespace reprise {
namespace {

/// The stream of one guest.
class GuestStreamWriter final : public StreamWriter {
 public:
  GuestStreamWriter(std::unique_ptr<ByteSink> sink, std::unique_ptr<EventLog> log, StreamId stream, const StreamOptions& options)
      : chunks_(std::move(sink), std::move(log), stream, options), seal_bytes_(options.seal_bytes) {}

  void append_clock_read(VirtualTime at, ClockSource source, uint64_t value) override {
    if (rows_.extend_clock_run(at, source, value)) {
      return;
    }
    if (prepare(at)) {
      rows_.append_clock_read(at, source, value);
      seal_if_full();
    }
  }

  void append_frame_sent(VirtualTime at, ByteView payload) override {
    CHECK(!payload.empty() && payload.size() <= kMaxFrameBytes);
    if (prepare(at)) {
      rows_.append_frame_sent(at, payload);
      seal_if_full();
    }
  }

  void append_frame_received(VirtualTime at, GuestIndex sender, SeqNo sender_frame, uint32_t size_bytes) override {
    CHECK(size_bytes > 0 && size_bytes <= kMaxFrameBytes && sender.value < kMaxGuests);
    if (prepare(at)) {
      rows_.append_frame_received(at, sender, sender_frame, size_bytes);
      seal_if_full();
    }
  }

  void append_console_byte(VirtualTime at, uint8_t byte) override {
    if (prepare(at)) {
      rows_.append_console_byte(at, byte);
      seal_if_full();
    }
  }

  void append_console_input(VirtualTime at, uint8_t byte) override {
    if (prepare(at)) {
      rows_.append_console_input(at, byte);
      seal_if_full();
    }
  }

  void append_network(const NetworkEvent& /*event*/) override { CHECK(!"network event in a guest's stream"); }

  Status status() const override { return chunks_.status(); }
  uint64_t stalls() const override { return chunks_.stalls(); }

  Status finish(VirtualTime at, EndReason reason) override {
    if (!finished_) {
      if (prepare(at)) {
        rows_.append_end(at, reason);
        seal();
      }
      finished_ = true;
    }
    return chunks_.close();
  }

 private:
  /// Checks the order, and opens a chunk if none is open. False when events are dropped after an error.
  bool prepare(VirtualTime at) {
    CHECK(!finished_ && at >= rows_.last());
    if (open_) {
      return true;
    }
    const auto space = chunks_.open(at);
    if (!space) {
      return false;
    }
    rows_.open(*space, at);
    open_ = true;
    return true;
  }

  void seal_if_full() {
    if (rows_.bytes() >= seal_bytes_) {
      seal();
    }
  }

  void seal() {
    rows_.close();
    open_ = false;
    chunks_.seal();
  }

  ChunkPipeline chunks_;
  GuestRowWriter rows_;
  uint64_t seal_bytes_;
  bool open_ = false;  ///< a chunk is
  bool finished_ = false;
};

class NetworkStreamWriter final : public StreamWriter {
 public:
  NetworkStreamWriter(std::unique_ptr<ByteSink> sink, std::unique_ptr<EventLog> log, const StreamOptions& options)
      : chunks_(std::move(sink), std::move(log), StreamId::network(), options), seal_bytes_(options.seal_bytes) {}

  void append_clock_read(VirtualTime, ClockSource, uint64_t) override { CHECK(!"clock read in the network's stream"); }
  void append_frame_sent(VirtualTime, ByteView) override { CHECK(!"sent frame in the network's stream"); }
  void append_frame_received(VirtualTime, GuestIndex, SeqNo, uint32_t) override { CHECK(!"received frame in the network's stream"); }
  void append_console_byte(VirtualTime, uint8_t) override { CHECK(!"console byte in the network's stream"); }
  void append_console_input(VirtualTime, uint8_t) override { CHECK(!"console input in the network's stream"); }

  void append_network(const NetworkEvent& event) override {
    CHECK(!finished_ && event.sent_at.ns >= 0 && event.sent_at <= event.at);
    CHECK(event.sender.value < kMaxGuests && event.receiver.value < kMaxGuests);
    CHECK(!last_event_ || key(*last_event_) <= key(event));
    last_event_ = event;
    if (!prepare(event.at)) {
      return;
    }
    rows_.append(event);
    if (rows_.bytes() >= seal_bytes_) {
      seal();
    }
  }

  Status status() const override { return chunks_.status(); }
  uint64_t stalls() const override { return chunks_.stalls(); }

  Status finish(VirtualTime /*at*/, EndReason /*reason*/) override {
    if (!finished_) {
      finished_ = true;
      // Without an open chunk the stream ends with an empty one: without it, a truncated file would look finished.
      if (prepare(last_event_ ? last_event_->at : VirtualTime{})) {
        rows_.append_end();
        seal();
      }
    }
    return chunks_.close();
  }

 private:
  static std::tuple<int64_t, uint32_t, uint64_t, uint32_t> key(const NetworkEvent& e) {
    return {e.at.ns, e.sender.value, e.sender_frame.value, e.receiver.value};
  }

  /// Opens a chunk if none is open. False when events are dropped after an error.
  bool prepare(VirtualTime at) {
    if (open_) {
      return true;
    }
    const auto space = chunks_.open(at);
    if (!space) {
      return false;
    }
    rows_.open(*space, at);
    open_ = true;
    return true;
  }

  void seal() {
    open_ = false;
    chunks_.seal();
  }

  ChunkPipeline chunks_;
  NetworkRowWriter rows_;
  uint64_t seal_bytes_;
  bool open_ = false;  ///< a chunk is
  std::optional<NetworkEvent> last_event_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<StreamWriter> make_stream_writer(std::unique_ptr<ByteSink> sink, std::unique_ptr<EventLog> log, StreamId stream,
                                                 const StreamOptions& options) {
  CHECK(options.seal_bytes <= kSealBytes);
  if (stream.is_network()) {
    return std::make_unique<NetworkStreamWriter>(std::move(sink), std::move(log), options);
  }
  CHECK(stream.value < kMaxGuests);
  return std::make_unique<GuestStreamWriter>(std::move(sink), std::move(log), stream, options);
}

std::filesystem::path stream_file_name(StreamId stream) {
  return stream.is_network() ? "network.stream" : fmt::format("guest-{}.stream", stream.value);
}

Result<std::unique_ptr<StreamWriter>> create_stream(const std::filesystem::path& directory, StreamId stream, const StreamOptions& options) {
  const std::filesystem::path path = directory / stream_file_name(stream);
  ASSIGN_OR_RETURN(auto sink, create_output(path, options.recipients));
  const std::filesystem::path log_path = directory / log_file_name(stream);
  auto log = options.recipients.empty() ? EventLog::create(log_path, stream) : EventLog::create_without_rows(log_path, stream);
  Status status = log.ok() ? Status{} : Status{log.error()};
  if (status.ok() && options.durable) {
    status = sync_directory(directory);
  }
  if (!status.ok()) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    return status.error();
  }
  return make_stream_writer(std::move(sink), std::move(*log), stream, options);
}

}  // namespace reprise
