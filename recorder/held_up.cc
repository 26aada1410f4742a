#include "recorder/held_up.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "trace_format/event_text.h"

namespace reprise {

std::string held_up_text(const HeldUp& held_up) {
  const std::string what = held_up.to <= held_up.from ? "nothing heard since it was started"
                                                      : fmt::format("let run from {} s to {} s of virtual time, and not arrived",
                                                                    seconds_text(held_up.from), seconds_text(held_up.to));
  return fmt::format(
      "waiting for {} since {} s: {}; a native program that computes without calling holds up a run, and so does a process that was "
      "stopped; Ctrl-C ends the run and keeps what it recorded",
      fmt::join(held_up.by, ", "), held_up.waited.count() / 1000, what);
}

}  // namespace reprise
