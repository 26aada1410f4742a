// Rows: how an event lies in a stream's log until its chunk is sealed. Written on the guest's thread, so they are what is cheap to write;
// the columns that a trace keeps are made of them on the second thread. Not a format that lasts: a log is read by the release that wrote
// it.
//
//   every row      kind byte (bits 0-2: EventKind), varint time step since the event before it (the chunk's first time before the first)
//   clock read     kind byte bits 3-6: source, bit 7: rule; rule 1: varint zigzag(value - last value of the source); once it is not the
//   last
//                  row: varint count of reads that go on with the same steps of time and value
//   frame sent     varint size, payload
//   frame received varint sender, varint number of the sent frame, varint size
//   console byte   byte; console input the same
//   end            reason byte
//   network        kind byte 0: delivered, 1 + reason: dropped; varint step, varint transit, varint sender, varint frame, varint receiver
//   network's end  kind byte 255, nothing else
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "trace_format/event.h"
#include "trace_format/limits.h"

namespace reprise {

class GuestEncoder;
class NetworkEncoder;

/// What is valid in a slot, in one word, so that one aligned store publishes an event: the rows' bytes, and the reads that the last row
/// counts if it is a clock read.
struct Committed {
  static constexpr unsigned kRunBits = 40;
  static constexpr uint64_t kMaxRun = (uint64_t{1} << kRunBits) - 1;

  uint64_t bytes = 0;
  uint64_t run = 0;

  [[nodiscard]] uint64_t word() const { return bytes << kRunBits | run; }
  static Committed of(uint64_t word) { return {word >> kRunBits, word & kMaxRun}; }
  bool operator==(const Committed&) const = default;
};

/// Where the rows of one chunk go. The memory may be seen by other processes at any time: what `committed` says is never changed.
struct RowSpace {
  uint8_t* rows = nullptr;
  std::atomic<uint64_t>* committed = nullptr;  ///< a Committed's word
};

/// The largest row, with the count of the clock run that it closes.
inline constexpr uint64_t kMaxRowBytes = kMaxFrameBytes + 64;

/// Writes the rows of a guest's chunk. The caller checks that times do not go back, that values are in range, and that a row has room.
class GuestRowWriter {
 public:
  /// The next event is the chunk's first.
  void open(RowSpace space, VirtualTime first);
  /// No row goes on after this.
  void close() { run_source_ = kNoRun; }

  /// Counts a read that goes on like the one before it: same source, same steps of time and value. False, and nothing happened, if it does
  /// not. This is the hot path: a booting guest reads the TSC 25 million times.
  [[nodiscard]] bool extend_clock_run(VirtualTime at, ClockSource source, uint64_t value) {
    const auto ns = static_cast<uint64_t>(at.ns);
    if (run_source_ != static_cast<uint8_t>(source) || ns - last_ns_ != run_time_step_ || value - run_value_ != run_value_step_ ||
        (word_ & Committed::kMaxRun) == Committed::kMaxRun) {
      return false;
    }
    last_ns_ = ns;
    run_value_ = value;
    space_.committed->store(++word_, std::memory_order_release);
    return true;
  }

  void append_clock_read(VirtualTime at, ClockSource source, uint64_t value);
  void append_frame_sent(VirtualTime at, ByteView payload);
  void append_frame_received(VirtualTime at, GuestIndex sender, SeqNo sender_frame, uint32_t size_bytes);
  void append_console_byte(VirtualTime at, uint8_t byte) { append_byte(at, EventKind::kConsoleByte, byte); }
  void append_console_input(VirtualTime at, uint8_t byte) { append_byte(at, EventKind::kConsoleInput, byte); }
  void append_end(VirtualTime at, EndReason reason);

  /// Depends on the events alone.
  [[nodiscard]] uint64_t bytes() const { return Committed::of(word_).bytes; }
  [[nodiscard]] VirtualTime last() const { return {static_cast<int64_t>(last_ns_)}; }

 private:
  static constexpr uint8_t kNoRun = 0xff;

  /// Closes the open run and writes what all rows begin with. Returns where the row goes on.
  uint8_t* begin_row(VirtualTime at, EventKind kind);
  uint8_t* close_run(uint8_t* to);
  void append_byte(VirtualTime at, EventKind kind, uint8_t byte);
  void publish(const uint8_t* end, uint64_t run);

  RowSpace space_;
  uint64_t word_ = 0;
  uint64_t last_ns_ = 0;
  uint8_t run_source_ = kNoRun;
  uint64_t run_time_step_ = 0;
  uint64_t run_value_step_ = 0;
  uint64_t run_value_ = 0;                               ///< of the last read of the run
  std::array<uint64_t, kClockSourceCount> value_of_{};   ///< last value of each source in the chunk
  std::array<uint64_t, kClockSourceCount> offset_of_{};  ///< value minus time of that read
};

/// Writes the rows of a chunk of the network's; the caller checks as above.
class NetworkRowWriter {
 public:
  void open(RowSpace space, VirtualTime first);
  void append(const NetworkEvent& event);
  void append_end();
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  void publish(const uint8_t* end);

  RowSpace space_;
  uint64_t bytes_ = 0;
  uint64_t last_ns_ = 0;
};

/// What a chunk's rows hold, as far as they are committed.
struct Rows {
  VirtualTime first;
  ByteView bytes;
  uint64_t run = 0;  ///< Committed::run
};

/// Feeds the events of `rows` to `encoder` (begun by the caller at rows.first), in time proportional to the bytes. `ends` tells whether the
/// last is the stream's end. False when `rows` are not rows; then what was fed is worthless. Safe on any bytes.
[[nodiscard]] bool replay_guest_rows(const Rows& rows, GuestEncoder& encoder, bool& ends);
[[nodiscard]] bool replay_network_rows(const Rows& rows, NetworkEncoder& encoder, bool& ends);

}  // namespace reprise
