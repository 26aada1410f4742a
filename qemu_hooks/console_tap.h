// The guest's serial console: each byte that it writes to the first UART, with its virtual time.
#pragma once

#include "qemu_hooks/session.h"

namespace reprise {

/// Taps COM1. Call when the machine exists and has not run. `session` must live for ever.
void tap_console(GuestSession& session);

}  // namespace reprise
