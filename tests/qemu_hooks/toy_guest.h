// A guest without QEMU: does what a list of events says, in a child process, because a session ends the process that it is in.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "qemu_hooks/session.h"
#include "tests/analysis/synthetic_trace.h"

namespace reprise::testing {

/// What the guest does, in order of time; an end() is a guest that ends itself. After the last event the guest only waits.
using Plan = std::vector<ScriptEvent>;

/// The child process with the guest, and the test's end of the session's socket.
class ToyGuest {
 public:
  using SessionFactory = std::function<std::unique_ptr<GuestSession>(int session_fd)>;

  /// `make_session` is called in the child; what the guest does between two wake-ups comes from `plan`. `idle_until`: what it answers.
  /// `step`: its time moves in steps of so much, as with icount-shift, so that it may wake a little late.
  ToyGuest(const SessionFactory& make_session, const Plan& plan, VirtualTime idle_until = VirtualTime::never(), Duration step = {1});
  ~ToyGuest();
  ToyGuest(const ToyGuest&) = delete;
  ToyGuest& operator=(const ToyGuest&) = delete;

  /// The test's end. release_socket() hands it to a GuestChannel; hang_up() closes it.
  [[nodiscard]] int release_socket();
  void hang_up();
  /// All that the session writes until it closes its end.
  [[nodiscard]] std::string read_socket();

  /// Waits for the child: its exit code, or minus the signal that ended it.
  [[nodiscard]] int exit_code();
  /// "NS BYTES 0xFILL" for each frame that the guest was given, at which virtual time, "NS typed C" for each byte; after exit_code().
  [[nodiscard]] std::vector<std::string> deliveries() const { return deliveries_; }

 private:
  int socket_ = -1;
  int log_ = -1;
  pid_t child_ = -1;
  std::vector<std::string> deliveries_;
};

}  // namespace reprise::testing
