// Turns a deployment into one whose guests ping each other.
#pragma once

#include <cstdint>

#include "recorder/deployment.h"
#include "trace_format/status.h"

namespace reprise {

/// Makes each guest of `deployment` ping every other `samples` times (1 to 1,000), then itself, and print the round trips: the demo guest's
/// command "validate" takes the place of what `append` said. kUsage with FILE:LINE for a guest that is not the demo guest or has no
/// address, and for more than 64 guests, which do not fit a kernel's command line.
[[nodiscard]] Status plan_pings(Deployment& deployment, uint64_t samples);

}  // namespace reprise
