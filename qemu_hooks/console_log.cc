#include "qemu_hooks/console_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace reprise {

Result<ConsoleLog> ConsoleLog::create(const std::string& path) {
  ConsoleLog log;
  log.fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (log.fd_ < 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot create the console log: {}", path, std::strerror(errno))};
  }
  return log;
}

void ConsoleLog::append(uint8_t byte) {
  if (fd_ < 0) {
    return;
  }
  line_.push_back(static_cast<char>(byte));
  if (byte == '\n' || line_.size() >= 4096) {
    flush();
  }
}

void ConsoleLog::flush() {
  size_t done = 0;
  while (fd_ >= 0 && done < line_.size()) {
    const ssize_t n = write(fd_, line_.data() + done, line_.size() - done);
    if (n <= 0 && errno != EINTR) {
      break;
    }
    done += static_cast<size_t>(std::max<ssize_t>(n, 0));
  }
  line_.clear();
}

}  // namespace reprise
