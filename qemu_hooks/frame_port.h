// The guest's cable: frames out of its NIC go to the session, frames of the session go into its NIC.
#pragma once

#include "qemu_hooks/qemu_internals.h"
#include "qemu_hooks/session.h"

namespace reprise {

class FramePort {
 public:
  /// Create in the vCPU-init callback: the hub and the guest's NIC exist then, and nothing has been sent yet.
  explicit FramePort(GuestSession& session);
  void deliver(ByteView frame) { port_.deliver(frame); }

 private:
  qemu::HubPort port_;
};

}  // namespace reprise
