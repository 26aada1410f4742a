// The user's program while it runs: its process, its connection, and the pipe that it writes to.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "trace_format/status.h"

namespace reprise {

/// A child of ours, in our process group, that is killed when we end, however we end. Its standard input is empty; output and error are
/// one pipe; it starts in its own folder, without address space randomisation where the machine lets us.
class Program {
 public:
  /// `command`: file and arguments. `environment`: all of it. kRunFailed when the file cannot be executed.
  [[nodiscard]] static Result<Program> start(const std::vector<std::string>& command, const std::vector<std::string>& environment);
  Program(Program&&) = default;
  Program& operator=(Program&&) = delete;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() = default;  // everything ends with our process

  /// Our end of the connection (SOCK_SEQPACKET).
  [[nodiscard]] int connection() const { return connection_; }
  /// What it writes, to be read without waiting.
  [[nodiscard]] int output() const { return output_; }
  /// Readable when it has ended.
  [[nodiscard]] int exit_fd() const { return exit_fd_; }
  /// The wait status; call when exit_fd() is readable.
  [[nodiscard]] int wait_status() const;

 private:
  Program() = default;
  pid_t pid_ = -1;
  int connection_ = -1;
  int output_ = -1;
  int exit_fd_ = -1;
};

/// Starts a process that kills our process group once we have ended, so that what the program started is not left behind, even if we are
/// killed; what has left the group (setsid, setpgid) is. Makes us the leader of a group if we are not. Before any thread is made.
[[nodiscard]] Status start_guardian();

}  // namespace reprise
