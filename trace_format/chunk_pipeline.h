// The second thread of a stream: takes sealed chunks, compresses and writes them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "trace_format/columns.h"
#include "trace_format/framing.h"
#include "trace_format/io.h"
#include "trace_format/status.h"

namespace reprise {

struct SealedChunk {
  ChunkHeader header;
  ColumnBuffers columns;
};

/// A bounded queue of recycled chunks with a thread at its end. When all chunks are in the queue, take_empty() waits and counts: what the
/// guest does next must not be lost, and memory must not grow with a slow disk.
///
/// The first failing write stops all writing; chunks after it are thrown away, so that a reader never meets a gap.
class ChunkPipeline {
 public:
  /// Writes `file_header`, then the chunks, to `sink`.
  ChunkPipeline(std::unique_ptr<ByteSink> sink, const FileHeaderBytes& file_header);
  /// Writes what was submitted; closes the file.
  ~ChunkPipeline();
  ChunkPipeline(const ChunkPipeline&) = delete;
  ChunkPipeline& operator=(const ChunkPipeline&) = delete;

  [[nodiscard]] std::unique_ptr<SealedChunk> take_empty();
  void submit(std::unique_ptr<SealedChunk> chunk);
  /// Writes all that was submitted, ends the thread, closes the file. Idempotent.
  Status close();

  [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_relaxed); }
  [[nodiscard]] Status status() const;
  [[nodiscard]] uint64_t stalls() const { return stalls_.load(std::memory_order_relaxed); }

 private:
  void run();
  void keep_first_error(const Status& status);

  std::unique_ptr<ByteSink> sink_;
  FileHeaderBytes file_header_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<SealedChunk>> submitted_;
  std::vector<std::unique_ptr<SealedChunk>> empty_;
  bool closing_ = false;
  Status status_;
  std::atomic<bool> failed_{false};
  std::atomic<uint64_t> stalls_{0};
  std::thread thread_;
};

}  // namespace reprise
