// What a trace is made of. Plain values; the bytes on disk are in FORMAT.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "trace_format/ids.h"

namespace reprise {

using ByteView = std::span<const uint8_t>;

/// Where a guest read the time. The numbers here and below are those of FORMAT.md.
enum class ClockSource : uint8_t { kTsc = 0, kHpet = 1, kPit = 2, kRtc = 3, kAcpiPm = 4, kLapic = 5, kProcess = 6 };
inline constexpr int kClockSourceCount = 7;
/// "tsc", "hpet", "pit", "rtc", "acpi_pm", "lapic", "process".
[[nodiscard]] std::string_view clock_source_name(ClockSource source);

/// Why a guest's stream ends.
enum class EndReason : uint8_t {
  kPowerOff = 0,     ///< the guest asked for power-off
  kReset = 1,        ///< the guest asked for a reset by a port
  kTripleFault = 2,  ///< the guest reset itself by a triple fault
  kHalt = 3,         ///< the guest halted with interrupts off, or suspended itself to RAM: nothing can wake it
  kUntil = 4,        ///< the run's --until deadline
  kAborted = 5,      ///< the run failed; the stream is a true prefix
  kTrimmed = 6,      ///< the last instant of a part that `trim` made
  kExit = 7,         ///< a native process exited with code 0
  kCrash = 8,        ///< a native process exited with another code, or by a signal
};
inline constexpr EndReason kLastEndReason = EndReason::kCrash;
/// "power-off", "reset", "triple fault", "halt", "until", "aborted", "trimmed", "exit", "crash".
[[nodiscard]] std::string_view end_reason_name(EndReason reason);

/// Why the network did not deliver a frame.
enum class DropReason : uint8_t { kHostDown = 0, kLinkDown = 1, kInFlightFailure = 2, kReceiverEnded = 3, kLoss = 4 };
inline constexpr int kDropReasonCount = 5;
/// "host down", "link down", "failed in flight", "receiver ended", "loss".
[[nodiscard]] std::string_view drop_reason_name(DropReason reason);
/// Frames that the network dropped, by DropReason.
using DropCounts = std::array<uint64_t, kDropReasonCount>;

enum class EventKind : uint8_t { kClockRead = 0, kFrameSent = 1, kFrameReceived = 2, kConsoleByte = 3, kEnd = 4, kConsoleInput = 5 };
inline constexpr size_t kEventKindCount = 6;

/// One event of a guest, in the order in which the guest saw it. Only the fields of its kind are set.
struct GuestEvent {
  EventKind kind = EventKind::kEnd;
  ClockSource source = ClockSource::kTsc;  ///< kClockRead
  EndReason reason = EndReason::kAborted;  ///< kEnd
  uint8_t byte = 0;                        ///< kConsoleByte: printed by the guest; kConsoleInput: typed, as its UART took it
  VirtualTime at;                          ///< never before the event before it
  uint64_t value = 0;                      ///< kClockRead: as read by the guest, unscaled
  GuestIndex sender;                       ///< kFrameReceived: who sent it
  SeqNo sender_frame;                      ///< kFrameReceived: which of the sender's sent frames it is; kFrameSent: its own number
  ByteView payload;                        ///< frames: valid until the cursor that gave it moves on
  SeqNo sequence;                          ///< counts this stream's events: clock reads, frames and console bytes (both ways together)
};

/// Events of a guest's stream before one of its places; of the network's, frames delivered and dropped (the first two).
struct EventNumbers {
  uint64_t clock_reads = 0;
  uint64_t frames_sent = 0;
  uint64_t frames_received = 0;
  uint64_t console_bytes = 0;  ///< printed and typed
  bool operator==(const EventNumbers&) const = default;
};

/// What the network did with one frame for one receiver.
struct NetworkEvent {
  enum class Kind : uint8_t { kDelivered = 0, kDropped = 1 };
  Kind kind = Kind::kDelivered;
  DropReason reason = DropReason::kLoss;  ///< kDropped
  VirtualTime at;                         ///< kDelivered: when the receiver's NIC gets it; kDropped: when it was sent
  VirtualTime sent_at;                    ///< when the sender's NIC handed it out
  GuestIndex sender;
  SeqNo sender_frame;  ///< which of the sender's sent frames it is
  GuestIndex receiver;
  SeqNo sequence;  ///< counts the network stream's events
};

}  // namespace reprise
