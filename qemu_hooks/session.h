// What the hooks feed: the same hook code runs when a guest is recorded and when it is replayed, so that replay cannot drift from record.
#pragma once

#include <cstdint>

#include "trace_format/event.h"
#include "trace_format/ids.h"

namespace reprise {

/// The guest, as a session sees it while it is stopped at a virtual instant.
class StoppedGuest {
 public:
  virtual ~StoppedGuest() = default;
  /// Hands a frame to the guest's NIC at the present instant.
  virtual void deliver(ByteView frame) = 0;
  /// Hands a byte to the guest's console as if it was typed. False, and nothing happened, when the console has no room for it now, or when
  /// the guest has none.
  [[nodiscard]] virtual bool type(uint8_t byte) = 0;
  /// The virtual time before which the guest does nothing unless a frame reaches it; the present instant when it is busy.
  [[nodiscard]] virtual VirtualTime idle_until() const = 0;
};

/// One guest's inputs and outputs. All calls come in guest order, one at a time, from QEMU's threads under its big lock (clock reads of the
/// TSC: on the vCPU thread). A session that is at its end finishes its files and leaves the process: QEMU has no state of ours to save.
class GuestSession {
 public:
  virtual ~GuestSession() = default;

  virtual void clock_read(VirtualTime at, ClockSource source, uint64_t value) = 0;
  virtual void frame_sent(VirtualTime at, ByteView frame) = 0;
  virtual void console_byte(VirtualTime at, uint8_t byte) = 0;
  /// The guest ended itself (or QEMU is being ended from outside: kAborted). Does not return.
  [[noreturn]] virtual void guest_ended(VirtualTime at, EndReason reason) = 0;

  /// Called at virtual time 0 and then at each time that the call before returned. May block: guest time does not exist meanwhile.
  /// Returns when to be called next, later than `now`.
  [[nodiscard]] virtual VirtualTime wake(VirtualTime now, StoppedGuest& guest) = 0;
};

}  // namespace reprise
