#include "tests/bench/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <fstream>

extern char** environ;

namespace reprise::bench {
namespace {

/// The counter `rchar` of a process that exists, or has ended and was not waited for.
uint64_t bytes_read_by(const std::string& process) {
  std::ifstream file("/proc/" + process + "/io");
  std::string name;
  uint64_t value = 0;
  while (file >> name >> value) {
    if (name == "rchar:") {
      return value;
    }
  }
  return 0;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// Takes up to `bytes` from `pipe`, then closes it: the writer learns it at its next write.
void read_head(int pipe, uint64_t bytes) {
  std::array<char, 65536> buffer{};
  while (bytes > 0) {
    const ssize_t n = read(pipe, buffer.data(), std::min<uint64_t>(buffer.size(), bytes));
    if (n <= 0) {
      break;
    }
    bytes -= static_cast<uint64_t>(n);
  }
  close(pipe);
}

/// A new process takes over its parent's resident memory as its own first peak: makes ours as small as it can be.
void forget_own_peak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

Result<pid_t> start(const std::vector<std::string>& words, int output) {
  std::vector<std::string> copies = words;
  std::vector<char*> argv;
  for (std::string& word : copies) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  if (output < 0) {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  }
  forget_own_peak();
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot start: {}", words[0], std::strerror(error))};
  }
  return pid;
}

}  // namespace

Result<ChildCost> run_child(const std::vector<std::string>& words, uint64_t output_bytes) {
  std::array<int, 2> ends{-1, -1};
  if (output_bytes > 0 && pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("pipe: {}", std::strerror(errno))};
  }
  const auto begin = std::chrono::steady_clock::now();
  const Result<pid_t> pid = start(words, ends[1]);
  if (output_bytes > 0) {
    close(ends[1]);
    read_head(ends[0], pid.ok() ? output_bytes : 0);
  }
  if (!pid.ok()) {
    return pid.error();
  }
  siginfo_t ended{};
  if (waitid(P_PID, static_cast<id_t>(*pid), &ended, WEXITED | WNOWAIT) != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("waitid: {}", std::strerror(errno))};
  }
  ChildCost cost;
  cost.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  cost.bytes_read = bytes_read_by(std::to_string(*pid));  // before it is waited for, after which it is gone
  int status = 0;
  rusage usage{};
  if (wait4(*pid, &status, 0, &usage) != *pid || (!WIFEXITED(status) && !(output_bytes > 0 && WTERMSIG(status) == SIGPIPE))) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: killed by signal {}", fmt::join(words, " "), WTERMSIG(status))};
  }
  cost.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  cost.cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  cost.peak_rss_mib = static_cast<double>(usage.ru_maxrss) / 1024;
  return cost;
}

uint64_t bytes_read_by_this_process() {
  return bytes_read_by("self");
}

}  // namespace reprise::bench
