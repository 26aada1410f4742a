// What version 2.1 added, in one short run.
#pragma once

#include "tests/trace_format/sample_run.h"

namespace reprise::testing {

/// small_script() as two native processes: with their clock, one that exits and one that crashes.
[[nodiscard]] Script process_script();

/// small_script() with a gateway in the place of its first guest, as 2.2 has them.
[[nodiscard]] Script gateway_script();

}  // namespace reprise::testing
