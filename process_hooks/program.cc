#include "process_hooks/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "process_hooks/client_protocol.h"

namespace reprise {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    result.push_back(const_cast<char*>(text.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

struct Ends {
  int connection;
  int output;
  int problem;  ///< gets errno when the program cannot be executed; closed by exec
};

/// Runs in the child between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(char* const* arguments, char* const* environment, const char* folder, Ends ends, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  personality(ADDR_NO_RANDOMIZE);  // may be forbidden (containers): then a program that looks at its addresses differs from run to run
  // Out of the way of the numbers that are given out below.
  const int connection = fcntl(ends.connection, F_DUPFD_CLOEXEC, 10);
  const int output = fcntl(ends.output, F_DUPFD_CLOEXEC, 10);
  const int problem = fcntl(ends.problem, F_DUPFD_CLOEXEC, 10);
  const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (connection >= 0 && output >= 0 && problem >= 0 && dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2 &&
      dup2(connection, REPRISE_CONNECTION_FD) == REPRISE_CONNECTION_FD && chdir(folder) == 0) {
    syscall(SYS_close_range, REPRISE_CONNECTION_FD + 1, ~0U, 4U);  // 4: CLOSE_RANGE_CLOEXEC
    execve(arguments[0], arguments, environment);
  }
  const int error = errno;
  [[maybe_unused]] const ssize_t n = write(problem, &error, sizeof error);
  _exit(127);
}

}  // namespace

Result<Program> Program::start(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
  std::array<int, 2> sockets{};
  std::array<int, 2> output{};
  std::array<int, 2> problem{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0 || pipe2(output.data(), O_CLOEXEC | O_NONBLOCK) != 0 ||
      pipe2(problem.data(), O_CLOEXEC) != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("cannot connect {}: {}", command[0], std::strerror(errno))};
  }
  // Only our end of the pipe must not wait; the program knows nothing of that.
  fcntl(output[1], F_SETFL, fcntl(output[1], F_GETFL) & ~O_NONBLOCK);
  const std::vector<char*> arguments = pointers(command);
  const std::vector<char*> variables = pointers(environment);
  const std::string folder = std::filesystem::path(command[0]).parent_path();
  const pid_t parent = getpid();
  Program program;
  program.pid_ = fork();
  if (program.pid_ == 0) {
    become(arguments.data(), variables.data(), folder.c_str(), {sockets[1], output[1], problem[1]}, parent);
  }
  close(sockets[1]);
  close(output[1]);
  close(problem[1]);
  int error = program.pid_ < 0 ? errno : 0;
  if (program.pid_ > 0 && read(problem[0], &error, sizeof error) <= 0) {
    error = 0;
  }
  close(problem[0]);
  program.connection_ = sockets[0];
  program.output_ = output[0];
  if (error != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be executed: {}", command[0], std::strerror(error))};
  }
  program.exit_fd_ = static_cast<int>(syscall(SYS_pidfd_open, program.pid_, 0));
  if (program.exit_fd_ < 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be watched: {}", command[0], std::strerror(errno))};
  }
  return program;
}

int Program::wait_status() const {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

Status start_guardian() {
  if (getpgrp() != getpid()) {
    setpgid(0, 0);
  }
  std::array<int, 2> life{};
  if (pipe2(life.data(), O_CLOEXEC) != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("cannot make a pipe: {}", std::strerror(errno))};
  }
  const pid_t guardian = fork();
  if (guardian < 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("cannot start a process: {}", std::strerror(errno))};
  }
  if (guardian == 0) {
    // Keeps nothing open but its end: the recorder must see our connection close when we end.
    const int end = dup2(life[0], 0);
    syscall(SYS_close_range, 1U, ~0U, 0U);
    char byte = 0;
    while (read(end, &byte, 1) < 0 && errno == EINTR) {
    }
    kill(0, SIGKILL);
    _exit(0);
  }
  close(life[0]);
  return {};  // the other end closes with us
}

}  // namespace reprise
