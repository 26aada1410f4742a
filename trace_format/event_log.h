// The log of a stream: the rows of its newest chunks in a mapped file beside the stream file, so that a killed process loses nothing.
//
//   guest-3.log     header page
//                   slot 0: header page, rows        chunk n lies in slot n mod kLogSlots until chunk n + kLogSlots takes its place,
//                   slot 1 ...                       which the writer allows when chunk n is in the stream file
//
// The page cache outlives the process: what was stored into the mapping is in the file however the process ends. docs/decisions/0006 has
// the alternatives. The file is reserved in full when it is created, so that a full disk is an error then and not a SIGBUS in the guest.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trace_format/event_rows.h"
#include "trace_format/limits.h"
#include "trace_format/status.h"
#include "trace_format/trace_writer.h"

namespace reprise {

/// One being filled, one being compressed, and two to even out bursts.
inline constexpr uint32_t kLogSlots = 4;
/// Rows of a chunk: it is sealed when they reach kSealBytes.
inline constexpr uint64_t kSlotRowBytes = (kSealBytes + kMaxRowBytes + 4095) / 4096 * 4096;

/// "network.log", "guest-3.log".
[[nodiscard]] std::filesystem::path log_file_name(StreamId stream);

/// What a log asks of the system; a test fails any of them. They return as the system's calls do.
struct LogCalls {
  std::function<int(int fd, off_t size)> reserve;
  std::function<void*(size_t size, int flags, int fd)> map;
  std::function<int(void* at, size_t size)> sync;
  static LogCalls of_the_system();
};

/// Writes a log. One thread opens chunks and appends rows, another may view and sync them at the same time.
class EventLog {
 public:
  /// Creates `path` and locks it until the log is destroyed or the process ends; fails when it is there already. kRunFailed names file and
  /// reason; then no file is left.
  [[nodiscard]] static Result<std::unique_ptr<EventLog>> create(const std::filesystem::path& path, StreamId stream,
                                                                const LogCalls& calls = LogCalls::of_the_system());
  /// As create(), but the rows are kept in memory only: a kill loses them. The file has the header and the lock.
  [[nodiscard]] static Result<std::unique_ptr<EventLog>> create_without_rows(const std::filesystem::path& path, StreamId stream,
                                                                             const LogCalls& calls = LogCalls::of_the_system());
  /// Without a file.
  [[nodiscard]] static std::unique_ptr<EventLog> in_memory();
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  /// Gives chunk `number` the slot of chunk `number` - kLogSlots.
  RowSpace open(uint64_t number, VirtualTime first);
  /// The committed rows of a chunk that has its slot now. The bytes stay as they are until the slot is opened again.
  [[nodiscard]] Rows rows(uint64_t number) const;

  /// Writes a mark of what is committed into the slots of chunks from `from` on, so that a reader can tell after a power failure how much
  /// of a slot reached the disk. False if the newest marks say it already. Not to be called while a slot from `from` on is opened again.
  bool mark(uint64_t from);
  /// Returns when all of the file is on the device.
  [[nodiscard]] Status sync();
  /// Removes the file and gives up its lock: the stream file has it all.
  [[nodiscard]] Status remove();

 private:
  EventLog(std::filesystem::path path, int fd, uint8_t* memory, const LogCalls& calls);

  std::filesystem::path path_;
  int fd_;
  uint8_t* memory_;
  LogCalls calls_;
};

/// What a log holds of one chunk.
struct LogChunk {
  VirtualTime first;
  std::vector<uint8_t> bytes;
  uint64_t run = 0;
  Committed previous;  ///< what the chunk before this one held in the end
  [[nodiscard]] Rows rows() const { return {first, bytes, run}; }
  [[nodiscard]] Committed committed() const { return {bytes.size(), run}; }
};

/// Reads a log, while it is written or after its writer was killed. By pread, not by a mapping: a file that is cut short meanwhile must not
/// end the reader.
class LogReader {
 public:
  /// kUsage when there is no such file, kBadTrace when it is not the log of `stream`.
  [[nodiscard]] static Result<LogReader> open(const std::filesystem::path& path, StreamId stream);
  ~LogReader();
  LogReader(LogReader&& other) noexcept;
  LogReader& operator=(LogReader&&) = delete;
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  /// A process holds the log: its stream is being recorded.
  [[nodiscard]] bool live() const;
  /// The log was written since the machine started, so that all that was committed is in it. If not, a power failure may have torn it, and
  /// chunk() gives what a mark vouches for.
  [[nodiscard]] bool whole() const { return whole_; }
  /// Bytes of rows of the chunk that is being filled and of the one before it, which may not be in the stream file yet.
  [[nodiscard]] uint64_t newest_row_bytes() const;
  /// Copies what is committed of chunk `number`; false when the log does not have it (any more).
  [[nodiscard]] bool chunk(uint64_t number, LogChunk& chunk) const;

 private:
  LogReader(int fd, uint32_t slots, uint64_t slot_rows, bool whole) : fd_(fd), slots_(slots), slot_rows_(slot_rows), whole_(whole) {}
  bool committed_chunk(uint64_t number, uint64_t slot_at, LogChunk& chunk) const;
  bool marked_chunk(uint64_t number, uint64_t slot_at, LogChunk& chunk) const;
  bool read(uint64_t at, void* to, uint64_t size) const;

  int fd_;
  uint32_t slots_;
  uint64_t slot_rows_;
  bool whole_;
};

}  // namespace reprise
