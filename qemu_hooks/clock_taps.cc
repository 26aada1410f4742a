#include "qemu_hooks/clock_taps.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string_view>

#include "qemu_hooks/qemu_internals.h"
#include "qemu_hooks/qemu_plugin_api.h"

namespace reprise {
namespace {

GuestSession* tsc_session = nullptr;

void on_rdtsc(uint64_t value) {
  // Under icount the TSC is the virtual clock (the launcher switches SVM and with it TSC offsets off), so the value is also the time,
  // and QEMU's clock need not be asked millions of times.
  tsc_session->clock_read(VirtualTime{static_cast<int64_t>(value)}, ClockSource::kTsc, value);
}

/// What the official plugin API says of a register, or nothing. On the vCPU thread.
std::optional<uint64_t> official_register(std::string_view name) {
  GArray* registers = qemu_plugin_get_registers();
  std::optional<uint64_t> value;
  GByteArray* bytes = g_byte_array_new();
  for (guint i = 0; i < registers->len && !value.has_value(); ++i) {
    const auto& candidate = g_array_index(registers, qemu_plugin_reg_descriptor, i);
    if (name == candidate.name && qemu_plugin_read_register(candidate.handle, bytes) > 0 && bytes->len <= sizeof(uint64_t)) {
      uint64_t raw = 0;
      std::memcpy(&raw, bytes->data, bytes->len);
      value = raw;
    }
  }
  g_byte_array_free(bytes, TRUE);
  g_array_free(registers, TRUE);
  return value;
}

/// The hook reads registers at places that QEMU does not promise: believed only after the official API has said the same once.
void on_first_rdtsc(uint64_t value) {
  const auto rax = official_register("rax");
  const auto flags = official_register("eflags");
  if (!rax.has_value() || !flags.has_value() || !qemu::cpu_layout_agrees(*rax, *flags)) {
    fmt::print(stderr, "reprise plugin: this QEMU lays out its CPU state otherwise than QEMU 10.0; use QEMU 10.0 from Debian\n");
    _exit(static_cast<int>(ErrorKind::kMachine));
  }
  qemu::hook_rdtsc(&on_rdtsc);
  on_rdtsc(value);
}

using Space = qemu::IoTap::Space;

/// Records reads of `bytes` bytes from `address` on; writes pass by.
void tap_reads(GuestSession& session, ClockSource source, Space space, uint64_t address, uint64_t bytes) {
  qemu::IoTap::at_address(space, address, bytes, [&session, source](const qemu::IoTap::Access& access) {
    if (!access.is_write) {
      session.clock_read(qemu::now(), source, access.value);
    }
  });
}

}  // namespace

void tap_tsc(GuestSession& session) {
  tsc_session = &session;
  qemu::hook_rdtsc(&on_first_rdtsc);
}

void tap_clock_devices(GuestSession& session) {
  // Addresses: IA-PC HPET specification 2.3 (main counter at 0xf0), Intel 8254 (0x40-0x42), MC146818 (data port 0x71),
  // Intel SDM 3 chapter 11 (APIC current count at 0x390).
  tap_reads(session, ClockSource::kHpet, Space::kMemory, 0xfed000f0, 8);
  tap_reads(session, ClockSource::kPit, Space::kPorts, 0x40, 3);
  tap_reads(session, ClockSource::kRtc, Space::kPorts, 0x71, 1);
  tap_reads(session, ClockSource::kLapic, Space::kMemory, 0xfee00390, 4);
  // The firmware chooses where the PM timer lies, so it is tapped in its device (QEMU's hw/acpi/piix4.c and core.c name the regions).
  qemu::IoTap::in_device("PIIX4_PM", "piix4-pm", 8, "acpi-tmr", 4, [&session](const qemu::IoTap::Access& access) {
    if (!access.is_write) {
      session.clock_read(qemu::now(), ClockSource::kAcpiPm, access.value);
    }
  });
}

}  // namespace reprise
