// The defined end of a guest: the exact virtual instant of its power-off, reset, suspension, triple fault, or of a halt
// that nothing can wake.
#pragma once

#include <cstdint>

#include "qemu_hooks/session.h"

namespace reprise {

/// Watches HLT. Call before the first instruction is translated (at plugin load). `session` must live for ever.
/// `icount_shift`: one instruction takes 2^icount_shift ns.
void watch_halt(GuestSession& session, uint32_t icount_shift);

/// Watches the power and reset ports, and QEMU's main loop for ends without a port. Call when the machine exists and has not run.
void watch_end_requests(GuestSession& session);

/// Does not return (guest_ended ends the process). Tells the session of an end that no port write announced, once the vCPUs are stopped: a
/// triple fault, or QEMU being ended from outside.
void end_of_stopped_machine(GuestSession& session);

}  // namespace reprise
