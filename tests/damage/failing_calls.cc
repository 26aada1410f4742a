#include "tests/damage/failing_calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>

namespace reprise::testing {
namespace {

std::atomic<bool> armed{false};
std::atomic<bool> sticky{false};
std::atomic<int> calls_left{0};

std::atomic<const char*> first_failed{nullptr};

/// Whether this call of `name` fails.
bool fails(const char* name) {
  if (!armed.load()) {
    return false;
  }
  const int left = calls_left.fetch_sub(1);
  if (left == 0) {
    first_failed = name;
  }
  return left == 0 || (left < 0 && sticky.load());
}

bool is_for_writing(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

}  // namespace

FailingCalls::FailingCalls(int nth, bool for_good) {
  calls_left = nth;
  sticky = for_good;
  first_failed = nullptr;
  armed = true;
}

FailingCalls::~FailingCalls() {
  armed = false;
}

const char* FailingCalls::failed() {
  return first_failed.load();
}

}  // namespace reprise::testing

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name,cert-dcl50-cpp): they are the C library's
extern "C" {

using reprise::testing::fails;

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
    if (fails("open")) {
      errno = ENOSPC;
      return -1;
    }
  }
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

ssize_t write(int fd, const void* bytes, size_t size) {
  if (fails("write")) {
    errno = ENOSPC;
    return -1;
  }
  return syscall(SYS_write, fd, bytes, size);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  if (fails("pwrite")) {
    errno = ENOSPC;
    return -1;
  }
  return syscall(SYS_pwrite64, fd, bytes, size, at);
}

int fsync(int fd) {
  if (fails("fsync")) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fsync, fd));
}

int msync(void* at, size_t size, int flags) {
  if (fails("msync")) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_msync, at, size, flags));
}

int posix_fallocate(int fd, off_t at, off_t size) {
  if (fails("posix_fallocate")) {
    return ENOSPC;
  }
  return syscall(SYS_fallocate, fd, 0, at, size) == 0 ? 0 : errno;
}

int close(int fd) {
  const bool fail = reprise::testing::is_for_writing(fd) && fails("close");
  const auto result = static_cast<int>(syscall(SYS_close, fd));
  if (fail) {
    errno = EIO;  // the kernel closes it all the same
    return -1;
  }
  return result;
}

int rename(const char* from, const char* to) noexcept {
  if (fails("rename")) {
    errno = ENOSPC;
    return -1;
  }
  return static_cast<int>(syscall(SYS_rename, from, to));
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name,cert-dcl50-cpp)
