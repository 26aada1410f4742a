// Every way in which a guest can read the time: RDTSC by instruction, the others by their registers.
#pragma once

#include "qemu_hooks/session.h"

namespace reprise {

/// Hooks RDTSC and RDTSCP. Call before the first instruction is translated (at plugin load). `session` must live for ever.
void tap_tsc(GuestSession& session);

/// Taps HPET, PIT, RTC, ACPI PM timer and LAPIC count, as far as the machine has them. Call when the machine exists and has not run.
void tap_clock_devices(GuestSession& session);

}  // namespace reprise
