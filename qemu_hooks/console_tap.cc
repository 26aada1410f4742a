#include "qemu_hooks/console_tap.h"

#include "qemu_hooks/qemu_internals.h"

namespace reprise {
namespace {
// 16550 UART at COM1 (National Semiconductor PC16550D): offset 0 takes the byte to send, unless bit 7 of the line control register at
// offset 3 turns it into the divisor latch.
constexpr uint64_t kCom1 = 0x3f8;
constexpr uint64_t kTransmit = 0;
constexpr uint64_t kLineControl = 3;
constexpr uint64_t kDivisorLatch = 0x80;
}  // namespace

void tap_console(GuestSession& session) {
  qemu::IoTap::at_address(qemu::IoTap::Space::kPorts, kCom1, kLineControl + 1,
                          [&session, divisor_latch = false](const qemu::IoTap::Access& access) mutable {
                            if (!access.is_write) {
                              return;
                            }
                            if (access.offset == kLineControl) {
                              divisor_latch = (access.value & kDivisorLatch) != 0;
                            } else if (access.offset == kTransmit && !divisor_latch) {
                              session.console_byte(qemu::now(), static_cast<uint8_t>(access.value));
                            }
                          });
}

}  // namespace reprise
