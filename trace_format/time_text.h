// Virtual times as a user writes them: on the command line, in XML files.
#pragma once

#include <string_view>

#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

/// Parses "30s", "250ms", "10us", "5ns", "1.5s", "2min": digits, perhaps a fraction, and a unit, without blanks. Exact: what is not a whole
/// number of nanoseconds is refused, as is what no run can reach. kUsage with the forms that are understood.
[[nodiscard]] Result<VirtualTime> parse_time(std::string_view text);

}  // namespace reprise
