#include "qemu_hooks/virtual_deadline.h"

namespace reprise {

VirtualDeadline::VirtualDeadline(GuestSession& session, FramePort& port) : session_(session), port_(port), timer_([this] { on_timer(); }) {}

void VirtualDeadline::start() {
  const VirtualTime next = session_.wake(qemu::now(), *this);
  running_ = true;
  if (next != VirtualTime::never()) {
    timer_.arm(next);
  }
}

void VirtualDeadline::deliver(ByteView frame) {
  port_.deliver(frame);
}

bool VirtualDeadline::type(uint8_t byte) {
  return qemu::type_at_console(byte);
}

VirtualTime VirtualDeadline::idle_until() const {
  // Before the machine runs its vCPUs are stopped, which looks like idle.
  return running_ && qemu::vcpus_idle() ? qemu::next_timer() : qemu::now();
}

void VirtualDeadline::on_timer() {
  // A guest that has asked for its end may still see its clock warp while QEMU shuts down: nothing after the request counts.
  if (qemu::end_requested()) {
    return;
  }
  const VirtualTime now = qemu::now();
  if (!behind_the_others_) {
    behind_the_others_ = true;
    timer_.arm(now);
    return;
  }
  behind_the_others_ = false;
  const VirtualTime next = session_.wake(now, *this);
  CHECK(next > now);
  if (next != VirtualTime::never()) {
    timer_.arm(next);
  }
}

}  // namespace reprise
