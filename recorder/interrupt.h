// SIGINT and SIGTERM as something to poll for, so that a run stops between two quanta and leaves nothing behind.
#pragma once

namespace reprise {

/// Blocks both signals while it lives; `fd()` becomes readable when one arrives.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace reprise
