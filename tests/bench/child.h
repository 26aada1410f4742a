// Runs a program and says what it took.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace_format/status.h"

namespace reprise::bench {

struct ChildCost {
  int exit_code = 0;
  double wall_s = 0;
  double cpu_s = 0;         ///< user and system
  double peak_rss_mib = 0;  ///< resident memory at its largest
  uint64_t bytes_read = 0;  ///< by read calls, those of the program loader too
};

/// Runs `words` (a path and its arguments) to its end. Its output is thrown away; with `output_bytes` it goes into a pipe that is closed
/// after so many, as `| head` does. kRunFailed when it cannot be started or is killed. The peak is at least what this process has resident.
[[nodiscard]] Result<ChildCost> run_child(const std::vector<std::string>& words, uint64_t output_bytes = 0);

/// Bytes that this process has read by read calls so far.
[[nodiscard]] uint64_t bytes_read_by_this_process();

}  // namespace reprise::bench
