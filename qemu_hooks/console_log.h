// The console as a plain text file beside the trace, for `--console DIR`.
#pragma once

#include <cstdint>
#include <string>

#include "trace_format/status.h"

namespace reprise {

/// Appends bytes to a file, written at each line's end. A log that cannot be written must not change the guest: errors are dropped.
class ConsoleLog {
 public:
  /// Writes nothing.
  ConsoleLog() = default;
  /// Creates or empties `path`; kRunFailed when that is not possible.
  [[nodiscard]] static Result<ConsoleLog> create(const std::string& path);

  void append(uint8_t byte);
  void flush();

 private:
  int fd_ = -1;  // open until the process ends
  std::string line_;
};

}  // namespace reprise
