// Writing a trace: one stream file for each guest and one for the network while the run goes on, joined at its end.
//
//   ping.trace.partial/        the run is going on, or was killed
//     network.stream
//     guest-0.stream ...       each written by its guest's own process
//   ping.trace                 one rename at the end makes the run complete
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "trace_format/event.h"
#include "trace_format/limits.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// Writes one stream. Events go into the open chunk's columns; a full chunk is handed to a second thread that compresses and writes it.
///
/// Chunk boundaries depend on the events alone (column bytes and virtual time, never the host's clock), so that two identical runs give
/// identical chunks. Rejected: sealing by host time, which would lose less on a kill but make two identical runs differ.
///
/// Single producer: all append_* calls come from one thread at a time. They allocate nothing once the columns have reached their size,
/// never block on compression unless the queue is full, and CHECK that `at` does not precede the stream's last event. A failing write is
/// sticky: it is reported by status() and by finish(); appends after it are dropped.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;

  virtual void append_clock_read(VirtualTime at, ClockSource source, uint64_t value) = 0;
  /// Copies `payload`; 1 to 65,535 bytes (CHECK).
  virtual void append_frame_sent(VirtualTime at, ByteView payload) = 0;
  /// The payload stays in the sender's stream: stored once however many receive it. `size_bytes` is its length.
  virtual void append_frame_received(VirtualTime at, GuestIndex sender, SeqNo sender_frame, uint32_t size_bytes) = 0;
  virtual void append_console_byte(VirtualTime at, uint8_t byte) = 0;
  /// Network streams only (CHECK); events come in the order (at, sender, sender_frame, receiver).
  virtual void append_network(const NetworkEvent& event) = 0;

  /// The first error of the writing thread, if any. Cheap.
  [[nodiscard]] virtual Status status() const = 0;
  /// Appends the end (guest streams; ignored for the network), seals, writes and closes. No append may follow. Idempotent.
  [[nodiscard]] virtual Status finish(VirtualTime at, EndReason reason) = 0;
  /// Times an append waited for the compressing thread.
  [[nodiscard]] virtual uint64_t stalls() const = 0;
};

/// Which stream a writer writes.
struct StreamId {
  static constexpr uint32_t kNetwork = 0xffffffff;
  uint32_t value = kNetwork;  ///< a GuestIndex, or kNetwork
  static StreamId network() { return {kNetwork}; }
  static StreamId guest(GuestIndex g) { return {g.value}; }
  [[nodiscard]] bool is_network() const { return value == kNetwork; }
  auto operator<=>(const StreamId&) const = default;
};

/// "network.stream", "guest-3.stream".
[[nodiscard]] std::filesystem::path stream_file_name(StreamId stream);

struct StreamOptions {
  uint64_t seal_bytes = kSealBytes;  ///< a chunk ends when it holds this much, at most kSealBytes (CHECK); smaller ones are for tests
};

/// Creates `directory / stream_file_name(stream)`; fails if it is there already.
[[nodiscard]] Result<std::unique_ptr<StreamWriter>> create_stream(const std::filesystem::path& directory, StreamId stream,
                                                                  const StreamOptions& options = {});

/// Joins the streams of `directory` (all finished) into one file beside `output`, syncs it, renames it to `output` and removes the streams.
/// `output` is replaced only by a complete file. Fails with kRunFailed (disk) or kBadTrace (a stream is damaged); then nothing is removed.
[[nodiscard]] Status join_streams(const std::filesystem::path& directory, const RunInfo& run, const std::filesystem::path& output);

/// Writes `run` into `directory` (as "run.info") at the start, so that a killed run can be recovered.
[[nodiscard]] Status save_run_info(const std::filesystem::path& directory, const RunInfo& run);

/// Turns the directory of a killed run into a trace that ends where its shortest sealed guest stream ends (streams that ended by themselves
/// count as endless). The output passes a full read before this returns success. `directory` is left as it is.
[[nodiscard]] Status recover_run(const std::filesystem::path& directory, const std::filesystem::path& output);

}  // namespace reprise
