// Who lets the others wait: a native program that computes without calling, a process that somebody has stopped.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "trace_format/ids.h"

namespace reprise {

struct HeldUp {
  std::vector<std::string> by;  ///< names of guests, at least one
  VirtualTime from;             ///< where they were let go ...
  VirtualTime to;               ///< ... and where they are awaited; not later than `from`: they have not begun yet
  std::chrono::milliseconds waited{};
};

/// One line, without its end: who, since when, and what can be done.
[[nodiscard]] std::string held_up_text(const HeldUp& held_up);

}  // namespace reprise
