// The system calls by which files are written, any one of which can be made to fail. They take the place of the C library's in this
// program, so that the failure also reaches calls that the C++ library makes (rename).
#pragma once

namespace reprise::testing {

/// While it lives, all threads' calls that write are counted: open to create, write, pwrite, fsync, msync, posix_fallocate, close of a file
/// open for writing, rename. One process has one at a time.
class FailingCalls {
 public:
  /// The `nth` call from now on (from 0) fails; with `for_good` all after it, too: a full disk stays full.
  FailingCalls(int nth, bool for_good);
  ~FailingCalls();
  FailingCalls(const FailingCalls&) = delete;
  FailingCalls& operator=(const FailingCalls&) = delete;

  /// The name of the first call that failed; nullptr when it has not come.
  [[nodiscard]] static const char* failed();
};

}  // namespace reprise::testing
