// The barrier inside the guest: a timer on the virtual clock in which the session may block.
#pragma once

#include <memory>

#include "qemu_hooks/frame_port.h"
#include "qemu_hooks/qemu_internals.h"
#include "qemu_hooks/session.h"

namespace reprise {

/// Wakes the session at the virtual times that it asks for.
///
/// Each wake is two-phased: the timer fires, is armed again for the same instant, and only the second firing reaches the session. QEMU runs
/// timers of one instant in the order in which they were armed, and ours is armed at other moments in a recording (deadlines) than in a
/// replay (deliveries only). Going once more behind everything that is due now makes the order the same in both.
class VirtualDeadline final : public StoppedGuest {
 public:
  /// Create when the machine first runs.
  VirtualDeadline(GuestSession& session, FramePort& port);
  /// The first wake, at the present instant.
  void start();

  void deliver(ByteView frame) override;
  [[nodiscard]] bool type(uint8_t byte) override;
  [[nodiscard]] VirtualTime idle_until() const override;

 private:
  void on_timer();

  GuestSession& session_;
  FramePort& port_;
  qemu::VirtualTimer timer_;
  bool running_ = false;
  bool behind_the_others_ = false;
};

}  // namespace reprise
