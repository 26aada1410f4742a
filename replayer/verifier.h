// Compares what a replayed guest does with its trace, event by event, and says what to feed it when.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"

namespace reprise {

/// The first event that is not as recorded.
struct Mismatch {
  std::string stream;  ///< "frame", "clock", "console" or "end"
  SeqNo sequence;      ///< the event's number in its stream
  VirtualTime at;      ///< the recorded event's time; the actual one's when nothing was recorded
  std::string field;   ///< "virtual_ns", "value", "source", "payload", "kind", ...
  std::string expected;
  std::string actual;
};

struct VerifiedCounts {
  uint64_t frames = 0;
  uint64_t clock_reads = 0;
  uint64_t console_bytes = 0;  ///< printed and typed
};

/// Knows nothing of QEMU. All calls in guest order; times never go back.
class Verifier {
 public:
  /// `reader` must outlive the verifier.
  [[nodiscard]] static Result<std::unique_ptr<Verifier>> create(TraceReader& reader, GuestIndex guest);

  /// Outputs of the guest. Each returns false when it is not what was recorded: see mismatch(). After that nothing may be called but
  /// accessors.
  [[nodiscard]] bool clock_read(VirtualTime at, ClockSource source, uint64_t value) {
    // The hot path: millions a second, nearly all as expected.
    if (expected_.kind == EventKind::kClockRead && expected_.at == at && expected_.source == source && expected_.value == value)
        [[likely]] {
      ++counts_.clock_reads;
      return advance();
    }
    return differs(GuestEvent{.kind = EventKind::kClockRead, .source = source, .at = at, .value = value, .payload = {}});
  }
  [[nodiscard]] bool frame_sent(VirtualTime at, ByteView payload);
  [[nodiscard]] bool console_byte(VirtualTime at, uint8_t byte);
  [[nodiscard]] bool ended(VirtualTime at, EndReason reason);

  /// When the guest must be given its next input; never() when there is none left.
  [[nodiscard]] VirtualTime next_input() const { return next_input_; }
  /// What the guest is to be given: a frame, or else a byte for its console.
  struct Input {
    ByteView frame;    ///< valid until the next call; empty: the byte
    uint8_t byte = 0;  ///< typed
  };
  /// The input due at `now`. False when something else was recorded before it: see mismatch().
  [[nodiscard]] bool take_input(VirtualTime now, Input& input);
  /// The guest's console had no room for the byte that was taken last. Always false: the mismatch.
  bool console_refused(VirtualTime now);

  /// Where the recorded stream ends: at the guest's own end, at --until, or where a recovered trace stops.
  [[nodiscard]] VirtualTime end() const { return end_; }
  [[nodiscard]] EndReason end_reason() const { return end_reason_; }
  /// True when the recording was stopped from outside, so that replay has to stop there too.
  [[nodiscard]] bool stops_at_end() const {
    return end_reason_ == EndReason::kUntil || end_reason_ == EndReason::kTrimmed || end_reason_ == EndReason::kAborted;
  }
  /// True when only the end of a stream is left that stops from outside.
  [[nodiscard]] bool at_open_end() const { return expected_.kind == EventKind::kEnd && stops_at_end(); }

  [[nodiscard]] const std::optional<Mismatch>& mismatch() const { return mismatch_; }
  /// Set when the trace itself could not be read further.
  [[nodiscard]] const std::optional<Error>& trace_error() const { return trace_error_; }
  [[nodiscard]] const VerifiedCounts& counts() const { return counts_; }

 private:
  Verifier(TraceReader& reader, GuestIndex guest);
  bool advance();
  bool find_next_input();
  bool differs(const GuestEvent& actual);

  TraceReader& reader_;
  GuestIndex guest_;
  std::unique_ptr<GuestCursor> events_;
  std::unique_ptr<GuestCursor> inputs_;  // runs ahead of events_: only what reaches the guest
  GuestEvent expected_;
  GuestEvent input_;
  VirtualTime next_input_ = VirtualTime::never();
  SeqNo taken_byte_;  // the number of the byte of console input that was taken last
  VirtualTime end_;
  EndReason end_reason_ = EndReason::kAborted;
  VerifiedCounts counts_;
  uint64_t frames_sent_ = 0;
  std::vector<uint8_t> delivered_;
  std::optional<Mismatch> mismatch_;
  std::optional<Error> trace_error_;
};

}  // namespace reprise
