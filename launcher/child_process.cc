#include "launcher/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

constexpr off_t kOutputTail = 65536;

/// Runs in the child between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(const ChildOptions& options, char* const* arguments, int output_fd, pid_t parent) {
  setpgid(0, 0);
  if (options.die_with_us) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
      _exit(127);  // the parent ended before the request was in place
    }
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null_fd = open("/dev/null", O_RDWR);
  dup2(null_fd, 0);
  dup2(options.capture_stdout ? output_fd : null_fd, 1);
  dup2(output_fd, 2);
  if (null_fd > 2) {
    close(null_fd);
  }
  if (options.inherited_fd >= 0) {
    fcntl(options.inherited_fd, F_SETFD, 0);
  }
  execv(arguments[0], arguments);
  dprintf(2, "cannot execute %s: %s\n", arguments[0], strerror(errno));
  _exit(127);
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const ChildOptions& options) {
  ChildProcess child;
  child.output_fd_ = memfd_create("reprise-child-output", MFD_CLOEXEC);
  std::vector<char*> arguments;
  for (const std::string& word : options.command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  child.pid_ = fork();
  if (child.pid_ == 0) {
    become(options, arguments.data(), child.output_fd_, parent);
  }
  if (child.pid_ < 0 || child.output_fd_ < 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("cannot start {}: {}", options.command[0], std::strerror(errno))};
  }
  setpgid(child.pid_, child.pid_);  // here as well: whichever runs first
  child.pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, child.pid_, 0));
  if (child.pid_fd_ < 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("cannot watch {}: {}", options.command[0], std::strerror(errno))};
  }
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pid_fd_(std::exchange(other.pid_fd_, -1)),
      output_fd_(std::exchange(other.output_fd_, -1)),
      wait_status_(other.wait_status_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pid_fd_, other.pid_fd_);
  std::swap(output_fd_, other.output_fd_);
  std::swap(wait_status_, other.wait_status_);
  return *this;
}

ChildProcess::~ChildProcess() {
  kill();
  for (const int fd : {pid_fd_, output_fd_}) {
    if (fd >= 0) {
      close(fd);
    }
  }
}

std::optional<int> ChildProcess::wait_for(std::chrono::milliseconds limit) {
  if (wait_status_.has_value() || pid_ < 0) {
    return wait_status_;
  }
  pollfd poll_exit{.fd = pid_fd_, .events = POLLIN, .revents = 0};
  if (poll(&poll_exit, 1, static_cast<int>(limit.count())) <= 0) {
    return std::nullopt;
  }
  // What it left in its group goes too. Before it is reaped: until then the group's number cannot be anyone else's.
  ::kill(-pid_, SIGKILL);
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) {
    return std::nullopt;
  }
  wait_status_ = status;
  return wait_status_;
}

void ChildProcess::kill() {
  if (pid_ < 0 || wait_status_.has_value()) {
    return;
  }
  ::kill(-pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  wait_status_ = status;
}

std::string ChildProcess::output() const {
  const off_t size = lseek(output_fd_, 0, SEEK_END);
  const off_t start = size > kOutputTail ? size - kOutputTail : 0;
  std::string text(static_cast<size_t>(size > 0 ? size - start : 0), '\0');
  const ssize_t n = pread(output_fd_, text.data(), text.size(), start);
  text.resize(static_cast<size_t>(n > 0 ? n : 0));
  return text;
}

std::string ChildProcess::printable_output() const {
  const std::string whole = output();
  std::string lines;
  for (std::string_view text = whole; !text.empty();) {
    const size_t length = text.find('\n');
    lines += printable(text.substr(0, length));
    lines += length == std::string_view::npos ? "" : "\n";
    text.remove_prefix(length == std::string_view::npos ? text.size() : length + 1);
  }
  return lines;
}

std::string describe_wait_status(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  return fmt::format("exited with code {}", WEXITSTATUS(status));
}

}  // namespace reprise
