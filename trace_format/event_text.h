// One event, one line: the text that `dump` prints, that `diff` shows and that a divergence report gives as context.
//
//   TIME GUEST clock #N SOURCE VALUE
//   TIME GUEST frame #N sent IDENTITY FRAME
//   TIME GUEST frame #N received IDENTITY FRAME
//   TIME GUEST console #N 0xHH 'C'
//   TIME GUEST console #N input 0xHH 'C'
//   TIME GUEST end REASON
//   TIME GUEST network #N delivered IDENTITY sent TIME
//   TIME GUEST network #N dropped IDENTITY sent TIME: REASON
//
// For example:
//
//   12345 alice clock #17 tsc 12345
//   23400 bob frame #0 received alice/1 98 bytes 52:..:01 > 52:..:02 0x0800 xxh3:60a3...
//   24000 bob console #5 0x41 'A'
//   24500 bob console #6 input 0x0d '\r'
//   99000 bob end power-off
//   12400 bob network #5 dropped alice/2 sent 12400: link down
//
// TIME is virtual time in nanoseconds. N counts the guest's events of that stream, from 0. GUEST of a network line is the receiver.
// IDENTITY is SENDER/NUMBER: which of the sender's sent frames it is, the same wherever the frame shows up. FRAME is the length, source and
// destination MAC, EtherType (absent when the frame is shorter than its header) and the payload's XXH3-64, or with `payload` its bytes in
// hex. The line is stable: programs may split it at blanks. Names and bytes that a terminal would act on are written as \xHH.
#pragma once

#include <string>
#include <string_view>

#include "trace_format/event.h"
#include "trace_format/run_info.h"

namespace reprise {

enum class PayloadText { kDigest, kHex };

/// "frame", "clock", "console" or "end": the stream in which the event is counted.
[[nodiscard]] std::string_view stream_name(EventKind kind);

/// The guest's name, printable; "guest-7" when `run` has no such guest.
[[nodiscard]] std::string guest_text(const RunInfo& run, GuestIndex guest);

/// Appends the event's line, without a newline. Allocates only when `out` grows or a name is not printable.
void append_event_text(std::string& out, const RunInfo& run, GuestIndex guest, const GuestEvent& event,
                       PayloadText payload = PayloadText::kDigest);
void append_event_text(std::string& out, const RunInfo& run, const NetworkEvent& event);

[[nodiscard]] std::string describe_event(const RunInfo& run, GuestIndex guest, const GuestEvent& event);
[[nodiscard]] std::string describe_event(const RunInfo& run, const NetworkEvent& event);

/// "0x41 'A'", "0x0a '\n'", "0xff".
[[nodiscard]] std::string byte_text(uint8_t byte);

/// `text` with everything that a terminal would act on as \xHH; UTF-8 letters stay.
[[nodiscard]] std::string printable(std::string_view text);

/// "10.726155164": seconds with all nine digits, exact.
[[nodiscard]] std::string seconds_text(VirtualTime time);

}  // namespace reprise
