#include "qemu_hooks/guest_end.h"

#include "qemu_hooks/qemu_internals.h"

namespace reprise {
namespace {

GuestSession* halted_session = nullptr;

// Virtual time is instructions plus warps (idle time that was skipped). After a triple fault QEMU may warp once more, or not, before its
// main loop looks; the instruction count stays exact. So the end is computed as instructions plus the warps up to the guest's last TSC
// read: a guest that resets itself does not sleep between its last look at the clock and the fault.
struct WarpTracker {
  bool may_have_warped = true;
  int64_t now_minus_shifted_instructions_ns = 0;
};
WarpTracker warps;
uint32_t shift = 0;

void refresh_warps() {
  warps.may_have_warped = false;
  warps.now_minus_shifted_instructions_ns = qemu::now().ns - (qemu::instruction_count() << shift);
}

void on_halt(bool interrupts_enabled) {
  warps.may_have_warped = true;
  if (!interrupts_enabled) {
    // The clock cannot be read inside this instruction; right after it, it still shows the instant of the halt.
    qemu::run_on_vcpu([] { halted_session->guest_ended(qemu::now(), EndReason::kHalt); });
  }
}

}  // namespace

void note_progress_by_tsc() {
  if (warps.may_have_warped) {
    refresh_warps();
  }
}

void watch_halt(GuestSession& session, uint32_t icount_shift) {
  shift = icount_shift;
  halted_session = &session;
  qemu::hook_hlt(&on_halt);
}

void watch_power_ports(GuestSession& session) {
  const auto end_with = [&session](EndReason reason) {
    return [&session, reason](const qemu::IoTap::Access& access) {
      if (access.is_write && qemu::end_requested()) {
        session.guest_ended(qemu::now(), reason);
      }
    };
  };
  // ACPI's PM1 control register; the keyboard controller's reset line, port 92 and the PCI reset control register.
  qemu::IoTap::in_device("PIIX4_PM", "piix4-pm", 4, "acpi-cnt", 2, end_with(EndReason::kPowerOff));
  for (const uint64_t port : {0x64, 0x92, 0xcf9}) {
    qemu::IoTap::at_address(qemu::IoTap::Space::kPorts, port, 1, end_with(EndReason::kReset));
  }
}

void end_of_stopped_machine(GuestSession& session) {
  const VirtualTime end{warps.now_minus_shifted_instructions_ns + (qemu::instruction_count() << shift)};
  session.guest_ended(end, qemu::ended_by_guest() ? EndReason::kTripleFault : EndReason::kAborted);
}

}  // namespace reprise
