// One guest's events to columns and back.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "trace_format/byte_codec.h"
#include "trace_format/columns.h"
#include "trace_format/event.h"

namespace reprise {

inline constexpr size_t kEventKindCount = 5;
using EventCounts = std::array<uint64_t, kEventKindCount>;  ///< by EventKind

/// Fills the columns of one chunk at a time. Keeps the open run of clock reads and of console bytes in members: extending a run touches no
/// memory beyond them. Rejected: writing each read and leaving it all to zstd, which costs ten times as much per read on the guest's
/// thread.
///
/// Times must not go back within a chunk; the caller checks that.
class GuestEncoder {
 public:
  /// Starts a chunk in `columns` (cleared here), which must outlive it. The first event must be at `first`.
  void begin(ColumnBuffers& columns, VirtualTime first);

  /// Counts a read that goes on like the one before it: same source, same steps of time and value. False, and nothing happened, if it does
  /// not. This is the hot path: a booting guest reads the TSC 25 million times.
  [[nodiscard]] bool extend_clock_run(VirtualTime at, ClockSource source, uint64_t value) {
    const auto ns = static_cast<uint64_t>(at.ns);
    if (run_source_ != static_cast<uint8_t>(source) || ns - last_ns_ != run_time_step_ || value - run_value_ != run_value_step_) {
      return false;
    }
    ++run_count_;
    last_ns_ = ns;
    run_value_ = value;
    return true;
  }

  void append_clock_read(VirtualTime at, ClockSource source, uint64_t value);
  void append_frame_sent(VirtualTime at, ByteView payload);
  void append_frame_received(VirtualTime at, GuestIndex sender, SeqNo sender_frame, uint32_t size_bytes);
  void append_console_byte(VirtualTime at, uint8_t byte);
  void append_end(VirtualTime at, EndReason reason);

  /// Closes the open runs; the columns are complete after this.
  void finish_chunk();

  /// Bytes in the columns, open runs not counted. Depends on the events alone.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  [[nodiscard]] VirtualTime last() const { return {static_cast<int64_t>(last_ns_)}; }
  /// Complete after finish_chunk().
  [[nodiscard]] const EventCounts& counts() const { return counts_; }

 private:
  static constexpr uint8_t kNoRun = 0xff;

  void close_clock_run();
  void close_console_run();
  void close_order_run();
  /// Closes what an event of `kind` interrupts, counts it, and returns its time step.
  uint64_t step_to(VirtualTime at, EventKind kind);
  void put(GuestColumn column, uint64_t value);

  ColumnBuffers* columns_ = nullptr;
  uint64_t last_ns_ = 0;
  uint64_t bytes_ = 0;
  EventCounts counts_{};

  uint8_t run_source_ = kNoRun;
  uint8_t run_rule_ = kRuleFollowsTime;
  uint64_t run_time_step_ = 0;
  uint64_t run_value_step_ = 0;
  uint64_t run_value_ = 0;  ///< of the last read of the run
  uint64_t run_count_ = 0;

  std::array<uint64_t, kClockSourceCount> value_of_{};   ///< last value of each source in the chunk
  std::array<uint64_t, kClockSourceCount> offset_of_{};  ///< value minus time of that read
  std::vector<uint64_t> frame_of_;                       ///< last frame received from each sender in the chunk
  uint64_t console_step_ = 0;
  uint64_t console_count_ = 0;
  uint8_t order_kind_ = 0;
  uint64_t order_count_ = 0;
};

/// Gives the events of one chunk. Works on pieces: equal steps of one kind, so that a long run costs nothing to load, skip or check.
/// Safe on any bytes; on those that check_guest_columns() accepted, failed() stays false.
class GuestDecoder {
 public:
  /// `columns` must outlive it.
  void start(const ColumnViews& columns, VirtualTime first);

  /// The next event: all fields but `sequence`, `sender_frame` of a sent frame and `payload` of a received one. False at the end.
  bool next(GuestEvent& event) {
    if (left_ == 0 && !load_piece()) {
      return false;
    }
    --left_;
    ns_ += time_step_;
    event.kind = kind_;
    event.at.ns = static_cast<int64_t>(ns_);
    if (kind_ == EventKind::kClockRead) {
      value_ += value_step_;
      event.source = source_;
      event.value = value_;
    } else {
      fill(event);
    }
    return true;
  }

  /// Bytes of the received frame that next() gave last.
  [[nodiscard]] uint32_t received_size() const { return received_size_; }

  /// Skips all events before `from`, adding them to `skipped`.
  void skip_before(VirtualTime from, EventCounts& skipped);

  /// Loads the next piece; requires that the last one is used up. False at the end or on bad bytes.
  bool load_piece();
  [[nodiscard]] uint64_t piece_left() const { return left_; }
  [[nodiscard]] EventKind piece_kind() const { return kind_; }
  [[nodiscard]] ClockSource piece_source() const { return source_; }
  [[nodiscard]] uint64_t piece_time_step() const { return time_step_; }
  [[nodiscard]] ByteView piece_payload() const { return payload_; }
  [[nodiscard]] EndReason piece_reason() const { return reason_; }
  /// Goes over `n` <= piece_left() events.
  void skip(uint64_t n) {
    left_ -= n;
    ns_ += time_step_ * n;
    value_ += value_step_ * n;
    if (kind_ == EventKind::kConsoleByte) {
      column_[kConsoleBytes].blob(n);
    }
  }

  [[nodiscard]] VirtualTime at() const { return {static_cast<int64_t>(ns_)}; }
  [[nodiscard]] bool failed() const;
  /// Nothing is left in any column.
  [[nodiscard]] bool drained() const;

 private:
  void fill(GuestEvent& event);
  bool load_clock_piece();
  bool load_received();

  std::array<ColumnReader, kGuestColumnCount> column_;
  bool bad_ = false;  ///< a value out of its range

  EventKind kind_ = EventKind::kEnd;
  ClockSource source_ = ClockSource::kTsc;
  EndReason reason_ = EndReason::kAborted;
  uint64_t left_ = 0;  ///< events left in the piece
  uint64_t ns_ = 0;
  uint64_t time_step_ = 0;
  uint64_t value_ = 0;
  uint64_t value_step_ = 0;
  ByteView payload_;
  GuestIndex sender_;
  SeqNo sender_frame_;
  uint32_t received_size_ = 0;

  uint64_t order_left_ = 0;  ///< events left in the order run beyond the piece
  uint64_t clock_left_ = 0;  ///< reads left in the clock run beyond the piece
  uint8_t clock_rule_ = 0;
  uint64_t clock_step_ = 0;
  uint64_t clock_value_step_ = 0;
  uint64_t console_left_ = 0;  ///< bytes left in the console run beyond the piece
  uint64_t console_step_ = 0;
  std::array<uint64_t, kClockSourceCount> value_of_{};
  std::array<uint64_t, kClockSourceCount> offset_of_{};
  std::vector<uint64_t> frame_of_;
};

}  // namespace reprise
