#include "cli/standard_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace reprise {

// write(2), not stdio: its errors are known here and now, not at a flush while the program exits. main() ignores SIGPIPE.
Result<bool> write_output(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      return Error{ErrorKind::kRunFailed, fmt::format("standard output: {}", std::strerror(errno))};
    }
  }
  return true;
}

void say(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (written == 0 || errno != EINTR) {
      return;
    }
  }
}

void occupy_standard_streams() {
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(standard, F_GETFD) < 0) {
      // The lowest number that is free, which is this one.
      [[maybe_unused]] const int taken = open("/dev/null", O_RDWR);
    }
  }
}

Status print(std::string_view text) {
  const Result<bool> result = write_output(text);
  return result.ok() ? Status() : Status(result.error());
}

}  // namespace reprise
