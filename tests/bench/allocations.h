// Counts what a thread allocates. Linking allocations.cc replaces operator new in the whole program.
#pragma once

#include <cstdint>

namespace reprise::bench {

/// Calls of operator new by this thread since it began.
[[nodiscard]] uint64_t allocations_of_this_thread();

}  // namespace reprise::bench
