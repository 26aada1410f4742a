#include "cli/replay_text.h"

#include <fmt/format.h>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

std::string divergence_text(const GuestReplay& guest, const Divergence& divergence) {
  const std::string number = divergence.stream == "end" ? "" : fmt::format(" #{}", divergence.sequence.value);
  std::string text =
      fmt::format("{}: diverged: {}{} at {} ns, {}\n  expected: {}\n  actual:   {}\n", printable(guest.name), printable(divergence.stream),
                  number, divergence.at.ns, printable(divergence.field), printable(divergence.expected), printable(divergence.actual));
  if (!divergence.context.empty()) {
    text += "  before it:\n";
  }
  for (const std::string& event : divergence.context) {
    text += fmt::format("    {}\n", printable(event));
  }
  return text;
}

}  // namespace

std::string replay_text(const GuestReplay& guest) {
  if (guest.divergence.has_value()) {
    return divergence_text(guest, *guest.divergence);
  }
  if (guest.is_gateway) {
    return fmt::format("{}: a gateway: nothing to run; what it sent is among what the others received\n", printable(guest.name));
  }
  return fmt::format("{}: identical, {} s, {} frames, {} clock reads, {} console bytes\n", printable(guest.name), seconds_text(guest.end),
                     guest.frames, guest.clock_reads, guest.console_bytes);
}

}  // namespace reprise
