// One guest's events to columns and back.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "trace_format/byte_codec.h"
#include "trace_format/columns.h"
#include "trace_format/event.h"
#include "trace_format/status.h"

namespace reprise {

using EventCounts = std::array<uint64_t, kEventKindCount>;  ///< by EventKind

/// Console bytes with one time step.
struct ByteRun {
  uint64_t step = 0;
  uint64_t count = 0;
};

/// Fills the columns of one chunk at a time. Keeps the open run of clock reads and of console bytes in members: extending a run touches no
/// memory beyond them.
///
/// Clock reads become groups: four or more reads with equal steps are a group of one step; what lies between such runs is gathered into
/// groups that give a step for each read. Rejected: a group for each run however short, which costs an irregular read three bytes, not one
/// or two.
///
/// Times must not go back within a chunk; the caller checks that.
class GuestEncoder {
 public:
  /// Starts a chunk in `columns` (cleared here), which must outlive it. The first event must be at `first`.
  void begin(ColumnBuffers& columns, VirtualTime first);

  void append_clock_read(VirtualTime at, ClockSource source, uint64_t value) {
    const auto ns = static_cast<uint64_t>(at.ns);
    if (run_source_ == static_cast<uint8_t>(source) && ns - last_ns_ == run_time_step_ && value - run_value_ == run_value_step_) {
      ++run_count_;
      last_ns_ = ns;
      run_value_ = value;
      return;
    }
    start_clock_run(at, source, value);
  }
  /// Counts `n` more reads that go on like the one that was appended last. Times must not overflow.
  void repeat_clock_read(uint64_t n) {
    run_count_ += n;
    last_ns_ += run_time_step_ * n;
    run_value_ += run_value_step_ * n;
  }
  void append_frame_sent(VirtualTime at, ByteView payload);
  /// The payload is in the sender's stream; `size_bytes` is its length.
  void append_frame_received(VirtualTime at, GuestIndex sender, SeqNo sender_frame, uint32_t size_bytes);
  /// A frame whose sender's stream is not in the trace that is being written.
  void append_embedded_frame(VirtualTime at, GuestIndex sender, SeqNo sender_frame, ByteView payload);
  void append_console_byte(VirtualTime at, uint8_t byte);
  void append_console_input(VirtualTime at, uint8_t byte);
  void append_end(VirtualTime at, EndReason reason);

  /// Closes the open runs; the columns are complete after this.
  void finish_chunk();

  /// Bytes in the columns, open runs not counted. Depends on the events alone.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  [[nodiscard]] VirtualTime last() const { return {static_cast<int64_t>(last_ns_)}; }
  /// Complete after finish_chunk().
  [[nodiscard]] const EventCounts& counts() const { return counts_; }
  /// Payload bytes of the frames received.
  [[nodiscard]] uint64_t bytes_received() const { return bytes_received_; }

 private:
  static constexpr uint8_t kNoRun = 0xff;

  void start_clock_run(VirtualTime at, ClockSource source, uint64_t value);
  void close_clock_run();
  void add_to_each_group();
  void close_each_group();
  void put_clock_group(uint64_t count, bool each, uint8_t rule, uint8_t source);
  void append_byte(uint64_t step, uint8_t byte, ByteRun& run, GuestColumn time, GuestColumn bytes);
  void close_byte_run(ByteRun& run, GuestColumn time);
  void close_order_run();
  void put_reception(VirtualTime at, GuestIndex sender, SeqNo sender_frame, bool embedded);
  /// Closes what an event of `kind` interrupts, counts it, and returns its time step.
  uint64_t step_to(VirtualTime at, EventKind kind);
  void put(GuestColumn column, uint64_t value);

  ColumnBuffers* columns_ = nullptr;
  uint64_t last_ns_ = 0;
  uint64_t bytes_ = 0;
  uint64_t bytes_received_ = 0;
  EventCounts counts_{};

  uint8_t run_source_ = kNoRun;
  uint8_t run_rule_ = kRuleFollowsTime;
  uint64_t run_time_step_ = 0;
  uint64_t run_value_step_ = 0;
  uint64_t run_value_ = 0;  ///< of the last read of the run
  uint64_t run_count_ = 0;

  uint8_t each_source_ = kNoRun;  ///< of the open group that gives a step for each read
  uint8_t each_rule_ = kRuleFollowsTime;
  uint64_t each_count_ = 0;

  std::array<uint64_t, kClockSourceCount> value_of_{};   ///< last value of each source in the chunk
  std::array<uint64_t, kClockSourceCount> offset_of_{};  ///< value minus time of that read
  std::vector<uint64_t> frame_of_;                       ///< last frame received from each sender in the chunk
  ByteRun console_;
  ByteRun input_;
  uint8_t order_kind_ = 0;
  uint64_t order_count_ = 0;
};

/// Gives the events of one chunk. Works on pieces: events of one kind that follow one another, so that a long run of equal steps costs
/// nothing to load, skip or check. Safe on any bytes; on those that check_columns() accepted, failed() stays false.
class GuestDecoder {
 public:
  /// `columns` must outlive it.
  void start(const ColumnViews& columns, VirtualTime first);

  /// The next event: all fields but `sequence`, `sender_frame` of a sent frame and `payload` of a received one that is not embedded. False
  /// at the end.
  bool next(GuestEvent& event) {
    if (left_ == 0 && !load_piece()) {
      return false;
    }
    --left_;
    event.kind = kind_;
    if (kind_ == EventKind::kClockRead) {
      step_clock();
      event.at.ns = static_cast<int64_t>(ns_);
      event.source = source_;
      event.value = value_;
      return true;
    }
    ns_ += time_step_;
    event.at.ns = static_cast<int64_t>(ns_);
    fill(event);
    return true;
  }

  /// Skips all events before `from`, adding them to `skipped`.
  void skip_before(VirtualTime from, EventCounts& skipped);

  /// Loads the next piece; requires that the last one is used up. False at the end or on bad bytes.
  bool load_piece();
  [[nodiscard]] uint64_t piece_left() const { return left_; }
  [[nodiscard]] EventKind piece_kind() const { return kind_; }
  [[nodiscard]] ClockSource piece_source() const { return source_; }
  /// The bytes of a sent frame, or of an embedded received one.
  [[nodiscard]] ByteView piece_payload() const { return payload_; }
  [[nodiscard]] EndReason piece_reason() const { return reason_; }
  [[nodiscard]] GuestIndex piece_sender() const { return sender_; }
  [[nodiscard]] SeqNo piece_sender_frame() const { return sender_frame_; }
  /// Time before the next event of the piece.
  [[nodiscard]] uint64_t next_time_step() const;
  /// The piece is not one of clock reads that have a step each.
  [[nodiscard]] bool piece_has_equal_steps() const { return !each_; }
  /// Goes over `n` <= piece_left() events of a piece of equal steps.
  void skip_equal_steps(uint64_t n);
  /// Goes over what is left of the piece. False if that is later than `last` or its values are malformed.
  bool skip_piece_within(VirtualTime last);
  /// Goes over what is left of the piece, which was checked.
  void skip_piece() { CHECK(skip_piece_within(VirtualTime::never())); }

  [[nodiscard]] VirtualTime at() const { return {static_cast<int64_t>(ns_)}; }
  [[nodiscard]] bool failed() const;
  /// Nothing is left in any column.
  [[nodiscard]] bool drained() const;

 private:
  void step_clock() {
    if (each_) {
      ns_ += column_[kClockTime].varint();
      value_ = clock_rule_ == kRuleFollowsTime ? ns_ + offset_ : value_ + unzigzag(column_[kClockValue].varint());
    } else {
      ns_ += time_step_;
      value_ += value_step_;
    }
    if (left_ == 0) {
      leave_clock_piece();
    }
  }
  void leave_clock_piece();
  bool skip_each_within(uint64_t end);
  void fill(GuestEvent& event);
  bool load_clock_piece();
  bool load_received();
  bool load_bytes(ByteRun& run, GuestColumn time);

  std::array<ColumnReader, kGuestColumnCount> column_;
  bool bad_ = false;  ///< a value out of its range

  EventKind kind_ = EventKind::kEnd;
  ClockSource source_ = ClockSource::kTsc;
  EndReason reason_ = EndReason::kAborted;
  bool each_ = false;  ///< the piece is of clock reads that have a step each
  uint64_t left_ = 0;  ///< events left in the piece
  uint64_t ns_ = 0;
  uint64_t time_step_ = 0;
  uint64_t value_ = 0;
  uint64_t value_step_ = 0;
  uint64_t offset_ = 0;  ///< of the piece's source
  ByteView payload_;
  GuestIndex sender_;
  SeqNo sender_frame_;

  uint64_t order_left_ = 0;  ///< events left in the order run beyond the piece
  uint64_t clock_left_ = 0;  ///< reads left in the clock group beyond the piece
  bool clock_each_ = false;
  uint8_t clock_rule_ = 0;
  uint64_t clock_step_ = 0;
  uint64_t clock_value_step_ = 0;
  ByteRun console_;  ///< what is left of the run beyond the piece
  ByteRun input_;    ///< the same
  std::array<uint64_t, kClockSourceCount> value_of_{};
  std::array<uint64_t, kClockSourceCount> offset_of_{};
  std::vector<uint64_t> frame_of_;
};

}  // namespace reprise
