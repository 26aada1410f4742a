#include "qemu_hooks/guest_end.h"

#include <optional>

#include "qemu_hooks/qemu_internals.h"

namespace reprise {
namespace {

GuestSession* halted_session = nullptr;
uint32_t shift = 0;

// Virtual time is instructions plus warps (idle time that was skipped). After a triple fault QEMU's main loop may warp once more, or not,
// before it looks at the request; the instruction count stays exact. So what had been warped is noted in the first turn of the main loop
// that finds the request: a turn warps after we are called.
std::optional<int64_t> warped_before_end_ns;

int64_t warped_ns() {
  for (;;) {
    const int64_t instructions = qemu::instruction_count();
    const int64_t now_ns = qemu::now().ns;
    if (qemu::instruction_count() == instructions) {  // else the vCPU, in its last instructions, has added some in between
      return now_ns - (instructions << shift);
    }
  }
}

void note_end_request() {
  if (!warped_before_end_ns.has_value() && qemu::end_requested()) {
    warped_before_end_ns = warped_ns();
  }
}

void on_halt(bool interrupts_enabled) {
  if (!interrupts_enabled) {
    // The clock cannot be read inside this instruction; right after it, it still shows the instant of the halt.
    qemu::run_on_vcpu([] { halted_session->guest_ended(qemu::now(), EndReason::kHalt); });
  }
}

/// Whether a write to ACPI's PM1 control register suspends the machine to RAM: SLP_EN with QEMU's sleep type 1 (hw/acpi/core.c).
bool suspends(const qemu::IoTap::Access& access) {
  const uint64_t written = access.offset == 0 ? access.value : access.value << 8;
  constexpr uint64_t kSleepEnable = 0x2000;
  constexpr uint64_t kSleepType = 0x1c00;
  constexpr uint64_t kSuspendToRam = 0x0400;
  return (written & (kSleepEnable | kSleepType)) == (kSleepEnable | kSuspendToRam);
}

}  // namespace

void watch_halt(GuestSession& session, uint32_t icount_shift) {
  shift = icount_shift;
  halted_session = &session;
  qemu::hook_hlt(&on_halt);
}

void watch_end_requests(GuestSession& session) {
  qemu::before_main_loop_warps(&note_end_request);
  // ACPI's PM1 control register.
  qemu::IoTap::in_device("PIIX4_PM", "piix4-pm", 4, "acpi-cnt", 2, [&session](const qemu::IoTap::Access& access) {
    if (access.is_write && qemu::end_requested()) {
      session.guest_ended(qemu::now(), EndReason::kPowerOff);
    }
    if (access.is_write && suspends(access)) {
      // QEMU stops the vCPUs and with them the clock: nothing in virtual time can wake this machine.
      session.guest_ended(qemu::now(), EndReason::kHalt);
    }
  });
  // The keyboard controller's reset line, port 92 and the PCI reset control register.
  for (const uint64_t port : {0x64, 0x92, 0xcf9}) {
    qemu::IoTap::at_address(qemu::IoTap::Space::kPorts, port, 1, [&session](const qemu::IoTap::Access& access) {
      if (access.is_write && qemu::end_requested()) {
        session.guest_ended(qemu::now(), EndReason::kReset);
      }
    });
  }
}

void end_of_stopped_machine(GuestSession& session) {
  if (!qemu::ended_by_guest()) {
    session.guest_ended(qemu::now(), EndReason::kAborted);
  }
  const int64_t warped = warped_before_end_ns.has_value() ? *warped_before_end_ns : warped_ns();
  session.guest_ended({warped + (qemu::instruction_count() << shift)}, EndReason::kTripleFault);
}

}  // namespace reprise
