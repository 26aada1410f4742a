// A program that we start, own and never leave behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "trace_format/status.h"

namespace reprise {

struct ChildOptions {
  std::vector<std::string> command;  ///< program path and arguments
  int inherited_fd = -1;             ///< kept open in the child under the same number; all others are closed on exec
  bool capture_stdout = false;       ///< into output() as well as standard error
  bool die_with_us = false;          ///< SIGKILL when our process ends, however it ends
};

/// In its own process group, so that a terminal's Ctrl-C reaches only us and we decide. The destructor kills the group and reaps.
class ChildProcess {
 public:
  [[nodiscard]] static Result<ChildProcess> start(const ChildOptions& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Readable when the child has ended (for poll).
  [[nodiscard]] int exit_fd() const { return pid_fd_; }
  /// Waits up to `limit`; the wait status when the child has ended. Then the rest of its group has been killed.
  [[nodiscard]] std::optional<int> wait_for(std::chrono::milliseconds limit);
  /// SIGKILL to the whole group, then reaps.
  void kill();
  /// What the child wrote (the last 64 KiB).
  [[nodiscard]] std::string output() const;
  /// The same, each line as printable(): a guest may make its QEMU say anything.
  [[nodiscard]] std::string printable_output() const;

 private:
  ChildProcess() = default;
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  int output_fd_ = -1;
  std::optional<int> wait_status_;
};

/// "exited with code 3", "was killed by signal 9 (Killed)".
[[nodiscard]] std::string describe_wait_status(int status);

}  // namespace reprise
