// All contact with QEMU that is not the official plugin API, as a small C++ interface.
//
// Debian's QEMU exports its functions (it is built with loadable modules), so a plugin can look them up by name. Every symbol is looked
// up at load, one by one: a QEMU that lacks one is refused with its name. Nothing of QEMU's binary is changed; two entries of a writable
// table, the helpers that TCG calls for RDTSC and HLT, are pointed at ours (docs/decisions/0001-clock-reads-by-helper.md).
//
// Threads: everything here is called with QEMU's big lock held, or on the vCPU thread. One guest a process, so the state is global.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "trace_format/event.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise::qemu {

/// Looks up every symbol. kMachine with the first name that is missing. Must be the first call; the others CHECK it.
[[nodiscard]] Status load_internals();

/// The build id of the running QEMU program in lower-case hex, or empty.
[[nodiscard]] std::string build_id();

/// QEMU_CLOCK_VIRTUAL. Exact in timer, frame and I/O callbacks and in the RDTSC hook.
[[nodiscard]] VirtualTime now();

/// Instructions executed so far; not moved by idle warps. Exact where now() is, and when the vCPUs are stopped.
[[nodiscard]] int64_t instruction_count();

/// True when every vCPU waits for an interrupt.
[[nodiscard]] bool vcpus_idle();

/// When the next virtual-clock timer of any device fires; never() when none is armed. Our own timer counts while it is armed.
[[nodiscard]] VirtualTime next_timer();

/// Whether the guest (or the host) has asked QEMU to end. Set synchronously on the vCPU thread by a guest's request.
[[nodiscard]] bool end_requested();

/// Once QEMU's main loop has seen the request: whether it was the guest's own.
[[nodiscard]] bool ended_by_guest();

/// A timer on the virtual clock that fires at the exact virtual nanosecond (icount bounds the vCPU's budget by it).
/// Create it when the machine first runs: earlier, arming crashes QEMU. Never destroyed: QEMU may hold it until it exits.
class VirtualTimer {
 public:
  explicit VirtualTimer(std::function<void()> on_fire);
  /// Fires at `at`, or at once (after everything else that is due) when `at` is not after now().
  void arm(VirtualTime at);

 private:
  static void fire(void* self);
  std::function<void()> on_fire_;
  void* timer_;
};

/// Our port on hub 0, the other end of the guest's NIC. Never destroyed.
class HubPort {
 public:
  /// `on_frame` gets each frame that the guest sends, synchronously, with now() exact; the view is valid during the call.
  explicit HubPort(std::function<void(ByteView)> on_frame);
  /// Hands a frame to the guest's NIC at now().
  void deliver(ByteView frame);

 private:
  static int64_t receive(void* client, const uint8_t* data, size_t size);
  std::function<void(ByteView)> on_frame_;
  void* client_;
};

/// Hands a byte to the guest's first UART at now(), as its line would. False, and nothing happened, when the UART has no room for it.
[[nodiscard]] bool type_at_console(uint8_t byte);

/// An I/O region laid over a device's registers: every access is handed on to the device and then shown to us.
/// Never destroyed: QEMU keeps the region until it exits.
class IoTap {
 public:
  struct Access {
    uint64_t offset;  ///< from the start of the tap
    uint64_t value;   ///< read from, or written to the device
    uint32_t bytes;   ///< 1, 2, 4 or 8
    bool is_write;
  };
  using Callback = std::function<void(const Access&)>;

  enum class Space { kMemory, kPorts };
  /// Taps [address, address + bytes). Returns false, and taps nothing, when no device is there.
  static bool at_address(Space space, uint64_t address, uint64_t bytes, Callback callback);
  /// Taps a device's own region, wherever the firmware puts it: `device_type` and `region` are QEMU's names ("PIIX4_PM", "acpi-tmr").
  /// `container` is the region that holds it, `offset` where. Returns false when the machine has no such device.
  static bool in_device(const char* device_type, const char* container, uint64_t offset, const char* region, uint64_t bytes,
                        Callback callback);

 private:
  IoTap(void* target, uint64_t target_offset, Callback callback);
  static uint64_t read(void* self, uint64_t offset, unsigned bytes);
  static void write(void* self, uint64_t offset, uint64_t value, unsigned bytes);
  void cover(void* parent, uint64_t address, uint64_t bytes);

  void* target_;
  uint64_t target_offset_;
  Callback callback_;
  void* region_;
};

/// Calls `on_read` with the value after each RDTSC or RDTSCP, on the vCPU thread, with now() exact. First call before the
/// first translation; a later call replaces `on_read`.
void hook_rdtsc(void (*on_read)(uint64_t value));

/// Calls `on_halt` before each HLT, on the vCPU thread; `interrupts_enabled` is EFLAGS.IF. now() is not readable in it.
void hook_hlt(void (*on_halt)(bool interrupts_enabled));

/// Compares the CPU state that the hooks read with what the official plugin API says of the same registers. False: this QEMU lays its CPU
/// state out differently. Call in the first RDTSC hook.
[[nodiscard]] bool cpu_layout_agrees(uint64_t official_rax, uint64_t official_flags);

/// Runs `work` on the vCPU thread as soon as the current instruction is over, before time can warp.
void run_on_vcpu(void (*work)());

/// Calls `on_turn` in each turn of QEMU's main loop before idle time may be skipped in it, with the big lock held.
void before_main_loop_warps(void (*on_turn)());

/// Calls `on_change(running)` when the machine starts and stops; when it stops the vCPUs are paused.
void on_run_state(std::function<void(bool running)> on_change);

}  // namespace reprise::qemu
