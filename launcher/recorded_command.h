// A trace brings a QEMU command line with it. It is believed only as far as we would have written it ourselves.
#pragma once

#include <string>
#include <vector>

#include "trace_format/run_info.h"

namespace reprise {

/// Takes the variable parts (memory, seed, icount shift, kernel command line) out of the recorded arguments, composes the command line anew
/// and compares: one line for each difference, "argument 12: recorded '...', this Reprise uses '...'". Empty: the same. So a trace from a
/// stranger cannot make QEMU load or open anything, and a trace of a Reprise that started guests otherwise is refused with the reason.
[[nodiscard]] std::vector<std::string> compare_command_line(const GuestInfo& guest);

}  // namespace reprise
