#include "recorder/isolated_check.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace reprise {
namespace {

/// Files in memory instead of pipes: the child can never block on a reader, so there is no dead-lock to think about.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] int fd() const { return fd_; }

  [[nodiscard]] std::string read_all() const {
    constexpr size_t kMost = 65536;
    std::string text(kMost, '\0');
    const ssize_t got = pread(fd_, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
  }

 private:
  int fd_;
};

constexpr char kGood = '0';

/// The first byte is the error's kind as a digit, or kGood; the rest is the message.
[[noreturn]] void run_child(const std::function<Status()>& check, int output, int verdict) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);  // an abort() in here is an expected answer
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  const Status status = check();
  const std::string text =
      status.ok() ? std::string(1, kGood) : static_cast<char>('0' + static_cast<int>(status.error().kind)) + status.error().message;
  const bool written = write(verdict, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  std::fflush(nullptr);
  _exit(written ? 0 : 1);
}

}  // namespace

IsolatedOutcome run_isolated(const std::function<Status()>& check) {
  const MemoryFile output("output");
  const MemoryFile verdict("verdict");
  std::fflush(nullptr);  // or the child's copy of our buffers would be printed twice
  const pid_t child = output.fd() < 0 || verdict.fd() < 0 ? -1 : fork();
  if (child < 0) {
    return {true, Error{ErrorKind::kMachine, fmt::format("cannot start a process: {}", std::strerror(errno))}, {}};
  }
  if (child == 0) {
    run_child(check, output.fd(), verdict.fd());
  }
  int ending = 0;
  while (waitpid(child, &ending, 0) < 0 && errno == EINTR) {
  }
  IsolatedOutcome outcome{false, {}, output.read_all()};
  const std::string text = verdict.read_all();
  if (!WIFEXITED(ending) || WEXITSTATUS(ending) != 0 || text.empty()) {
    return outcome;
  }
  outcome.returned = true;
  if (text[0] != kGood) {
    outcome.status = Error{static_cast<ErrorKind>(text[0] - '0'), text.substr(1)};
  }
  return outcome;
}

}  // namespace reprise
