// Runs code that may abort() or exit() in a child process, and brings back what it said.
#pragma once

#include <functional>
#include <string>

#include "trace_format/status.h"

namespace reprise {

struct IsolatedOutcome {
  bool returned = false;  ///< the check came to its end; otherwise the child died
  Status status;          ///< what the check returned; meaningful when `returned`
  std::string output;     ///< what the child printed on stdout and stderr (at most 64 KiB of it)
};

/// Calls `check` in a forked child whose output is kept from the terminal. What it does to this process's memory is lost.
[[nodiscard]] IsolatedOutcome run_isolated(const std::function<Status()>& check);

}  // namespace reprise
