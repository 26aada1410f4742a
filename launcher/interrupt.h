// SIGINT, SIGTERM and SIGHUP as something to poll for, so that a run or a replay stops in order and leaves nothing behind.
#pragma once

#include <signal.h>

namespace reprise {

/// Blocks these signals while it lives (SIGHUP not where it is ignored, as by `nohup`); `fd()` becomes readable when one arrives.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool arrived() const;

 private:
  sigset_t signals_;
  int fd_;
};

}  // namespace reprise
