// The second thread of a stream: makes chunks of the log's sealed slots, compresses and writes them, and gives the slots back.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/chunk_builder.h"
#include "trace_format/event_log.h"
#include "trace_format/framing.h"
#include "trace_format/io.h"
#include "trace_format/status.h"

namespace reprise {

/// The log's slots are its bounded queue. When all wait for this thread, open() waits and counts: what the guest does next must not be
/// lost, and memory must not grow with a slow disk.
///
/// The first failing write stops all writing; chunks after it are not written, so that a reader never meets a gap. They stay in the log.
///
/// Power failure: every `secure_every` the thread marks what the log holds and, if durable, syncs it. A durable pipeline gives slots back
/// only when their chunks are on the device: until then the log is what holds them.
class ChunkPipeline {
 public:
  /// Writes the file's header, then the chunks, to `sink`.
  ChunkPipeline(std::unique_ptr<ByteSink> sink, std::unique_ptr<EventLog> log, StreamId stream, const StreamOptions& options);
  /// Writes what was sealed; closes the file. The open chunk stays in the log.
  ~ChunkPipeline();
  ChunkPipeline(const ChunkPipeline&) = delete;
  ChunkPipeline& operator=(const ChunkPipeline&) = delete;

  /// Opens the next chunk; nothing after an error.
  [[nodiscard]] std::optional<RowSpace> open(VirtualTime first);
  /// Hands the open chunk to the second thread. No row may be added to it.
  void seal();
  /// Writes all that was sealed, ends the thread, closes the file; then removes the log if nothing failed. Idempotent.
  Status close();

  [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_relaxed); }
  [[nodiscard]] Status status() const;
  [[nodiscard]] uint64_t stalls() const { return stalls_.load(std::memory_order_relaxed); }

 private:
  struct Work {
    uint64_t sealed;  ///< chunks before this number are to be written; written_ if there are none
    bool last;        ///< nothing is to be done any more
  };

  void run();
  /// Returns when there is work, or it is time to mark.
  Work wait_for_work();
  void write_chunks(uint64_t until);
  void write_chunk(uint64_t number);
  void secure_log();
  void keep_first_error(const Status& status);
  /// False if it had ended before.
  bool end_thread();

  std::unique_ptr<ByteSink> sink_;
  std::unique_ptr<EventLog> log_;
  StreamId stream_;
  StreamOptions options_;

  // The second thread's own.
  ChunkBuilder builder_;
  ColumnBuffers columns_;
  Compressor compressor_;
  std::vector<uint8_t> packed_;

  uint64_t opened_ = 0;  ///< chunks; the guest's thread's own
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t sealed_ = 0;               ///< chunks
  std::atomic<uint64_t> written_{0};  ///< chunks that need no slot any more; changes under the mutex
  bool closing_ = false;
  Status status_;
  std::atomic<bool> failed_{false};
  std::atomic<uint64_t> stalls_{0};
  std::thread thread_;
};

}  // namespace reprise
