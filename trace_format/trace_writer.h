// Writing a trace: one stream file for each guest and one for the network while the run goes on, joined at its end.
//
//   ping.trace.partial/        the run is going on, or was killed
//     network.stream, network.log
//     guest-0.stream ...       sealed chunks, each written by its guest's own process
//     guest-0.log ...          the events after them, in memory that outlives the process (event_log.h)
//   ping.trace                 one rename at the end makes the run complete
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/event.h"
#include "trace_format/limits.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// Writes one stream. Events go as rows into the stream's log, where a kill of this process at any instant leaves them; a full chunk is
/// handed to a second thread that makes columns of it, compresses and writes it.
///
/// Chunk boundaries depend on the events alone (the rows' bytes, never the host's clock), so that two identical runs give identical chunks.
///
/// Single producer: all append_* calls come from one thread at a time. They allocate nothing, never block on compression unless all slots
/// of the log wait for it, and CHECK that `at` does not precede the stream's last event. A failing write is sticky: it is reported by
/// status() and by finish(); appends after the chunk that is open then are dropped.
///
/// Destroying a writer that is not finished leaves what a kill would leave.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;

  virtual void append_clock_read(VirtualTime at, ClockSource source, uint64_t value) = 0;
  /// Copies `payload`; 1 to 65,535 bytes (CHECK).
  virtual void append_frame_sent(VirtualTime at, ByteView payload) = 0;
  /// The payload stays in the sender's stream: stored once however many receive it. `size_bytes` is its length.
  virtual void append_frame_received(VirtualTime at, GuestIndex sender, SeqNo sender_frame, uint32_t size_bytes) = 0;
  virtual void append_console_byte(VirtualTime at, uint8_t byte) = 0;
  /// A byte that was typed, when the guest's UART took it.
  virtual void append_console_input(VirtualTime at, uint8_t byte) = 0;
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
  /// A power failure loses at most the last second of host time. Without it, what the kernel had not written by itself.
  bool durable = false;
  /// The stream's file is encrypted for these; empty: it is not. Then no event goes to the disk in the clear: a kill, or a power failure
  /// however durable, loses the chunks not yet written and up to 64 KiB of those that are.
  std::vector<AgeRecipient> recipients;
  /// A chunk is sealed when its rows hold this much; at most kSealBytes (CHECK). Tests make short runs of many chunks.
  uint64_t seal_bytes = kSealBytes;
  /// How often the log is marked and, if durable, synced. Less than half a second, so that a slow device has as much again.
  std::chrono::milliseconds secure_every{400};
};

/// Creates `directory / stream_file_name(stream)` and its log beside it; fails, and leaves neither, if one is there already or the disk has
/// no room for the log. finish() removes the log.
[[nodiscard]] Result<std::unique_ptr<StreamWriter>> create_stream(const std::filesystem::path& directory, StreamId stream,
                                                                  const StreamOptions& options = {});

/// Joins the streams of `directory` (all finished) into one file beside `output`, syncs it, renames it to `output` and removes the streams.
/// `output` is replaced only by a complete file. Fails with kRunFailed (disk) or kBadTrace (a stream is damaged, or encrypted for none of
/// the identities); then nothing is removed.
[[nodiscard]] Status join_streams(const std::filesystem::path& directory, const RunInfo& run, const std::filesystem::path& output,
                                  const FileKeys& keys = {});

/// Writes `run` into `directory` (as "run.info") at the start, so that a killed run can be recovered. Encrypted for `recipients`, if any.
[[nodiscard]] Status save_run_info(const std::filesystem::path& directory, const RunInfo& run,
                                   const std::vector<AgeRecipient>& recipients = {});

/// Turns the directory of a killed run into a trace of all that is left: each guest has its own true prefix, which ends aborted at its last
/// event unless the guest had ended by itself. The output passes a full read before this returns success. `directory` is left as it is.
/// Refused with kUsage while a process is recording to it, and when it is encrypted for none of the identities. Of an encrypted stream
/// that is cut off, what its whole chunks of 64 KiB hold is left.
[[nodiscard]] Status recover_run(const std::filesystem::path& directory, const std::filesystem::path& output, const FileKeys& keys = {});

}  // namespace reprise
