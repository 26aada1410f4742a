#include "qemu_hooks/qemu_internals.h"

#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <array>
#include <cstdlib>
#include <cstring>

// Layouts and constants below are facts of QEMU 10.0's headers: include/qemu/timer.h, include/net/net.h, include/exec/memory.h,
// include/tcg/helper-info.h, target/i386/cpu.h, include/qemu/main-loop.h.
namespace reprise::qemu {
namespace {

constexpr int kClockVirtual = 1;         // QEMU_CLOCK_VIRTUAL
constexpr int kScaleNs = 1;              // SCALE_NS
constexpr int kTimerAttributesAll = ~0;  // QEMU_TIMER_ATTR_ALL
constexpr int kTapPriority = 0x10000;    // above every device, the local APIC (0x1000) among them
constexpr size_t kTimerBytes = 1024;     // QEMUTimer is far smaller; zeroed storage is what QEMU expects
constexpr size_t kRegionBytes = 2048;    // MemoryRegion is far smaller
constexpr uint64_t kInterruptFlag = 0x200;

// MemoryRegionSection, returned by value: `mr` at 16, `offset_within_region` at 32 (16-byte Int128 `size` first).
struct RegionSection {
  std::array<uint64_t, 32> words;
  [[nodiscard]] void* region() const { return reinterpret_cast<void*>(words[2]); }
  [[nodiscard]] uint64_t offset() const { return words[4]; }
};

// MemoryRegionOps.
struct RegionOps {
  uint64_t (*read)(void*, uint64_t, unsigned);
  void (*write)(void*, uint64_t, uint64_t, unsigned);
  void* read_with_attrs;
  void* write_with_attrs;
  int endianness;  // 2: little endian
  struct {
    unsigned min_access_size, max_access_size;
    bool unaligned;
    void* accepts;
  } valid;
  struct {
    unsigned min_access_size, max_access_size;
    bool unaligned;
  } impl;
};

// NetClientInfo: only type, size and receive are filled; the rest is optional callbacks.
struct NetClientInfo {
  int type = 0;        // NET_CLIENT_DRIVER_NONE
  size_t size = 4096;  // at least sizeof(NetClientState)
  int64_t (*receive)(void*, const uint8_t*, size_t) = nullptr;
  std::array<void*, 60> rest{};
};

// The head of CPUX86State.
struct CpuState {
  std::array<uint64_t, 16> regs;
  uint64_t eip;
  uint64_t eflags;
};
constexpr int kRax = 0;
constexpr int kRdx = 2;

// The head of TCGHelperInfo.
struct HelperInfo {
  void (*func)(CpuState*);
};

// The symbols, in one place. Signatures are QEMU's with opaque pointers.
struct Symbols {
  int64_t (*qemu_clock_get_ns)(int);
  int64_t (*qemu_clock_deadline_ns_all)(int, int);
  int64_t (*icount_get_raw)();
  void (*icount_update)(void*);
  bool (*all_cpu_threads_idle)();
  int (*qemu_shutdown_requested_get)();
  int (*qemu_reset_requested_get)();
  void (*timer_init_full)(void*, void*, int, int, int, void (*)(void*), void*);
  void (*timer_mod_ns)(void*, int64_t);
  void* (*net_hub_add_port)(int, const char*, void*);
  void* (*qemu_new_net_client)(void*, void*, const char*, const char*);
  long (*qemu_send_packet)(void*, const uint8_t*, int);
  void* (*qemu_chr_find)(const char*);
  int (*qemu_chr_be_can_write)(void*);
  void (*qemu_chr_be_write)(void*, const uint8_t*, int);
  void* (*get_system_memory)();
  void* (*get_system_io)();
  RegionSection (*memory_region_find)(void*, uint64_t, uint64_t);
  void (*memory_region_init_io)(void*, void*, const void*, void*, const char*, uint64_t);
  void (*memory_region_add_subregion_overlap)(void*, uint64_t, void*, int);
  unsigned (*memory_region_dispatch_read)(void*, uint64_t, uint64_t*, int, uint64_t);
  unsigned (*memory_region_dispatch_write)(void*, uint64_t, uint64_t, int, uint64_t);
  void* (*object_resolve_path_type)(const char*, const char*, bool*);
  void* (*object_resolve_path_component)(void*, const char*);
  void* (*qemu_add_vm_change_state_handler)(void (*)(void*, bool, int), void*);
  void (*qemu_register_shutdown_notifier)(void*);
  void (*main_loop_poll_add_notifier)(void*);
  void (*async_run_on_cpu)(void*, void (*)(void*, uint64_t), uint64_t);
  void** cpus_queue;  // its first word is the first CPU
  HelperInfo* helper_info_rdtsc;
  HelperInfo* helper_info_hlt;
};
Symbols symbols;
bool loaded = false;

const Symbols& call() {
  CHECK(loaded);
  return symbols;
}

template <typename T>
bool look_up(T& target, const char* name, std::string& missing) {
  void* address = dlsym(RTLD_DEFAULT, name);
  if (address == nullptr && missing.empty()) {
    missing = name;
  }
  std::memcpy(&target, &address, sizeof address);
  return address != nullptr;
}

// MemOp: log2 of the access size; little endian is 0 on this target.
int access_size_log2(unsigned bytes) {
  switch (bytes) {
    case 1:
      return 0;
    case 2:
      return 1;
    case 4:
      return 2;
    default:
      return 3;
  }
}

const RegionOps* tap_ops(uint64_t (*read)(void*, uint64_t, unsigned), void (*write)(void*, uint64_t, uint64_t, unsigned)) {
  static RegionOps ops{read, write, nullptr, nullptr, 2, {1, 8, true, nullptr}, {1, 8, true}};
  return &ops;
}

void (*rdtsc_in_qemu)(CpuState*) = nullptr;
void (*hlt_in_qemu)(CpuState*) = nullptr;
void (*rdtsc_callback)(uint64_t) = nullptr;
void (*hlt_callback)(bool) = nullptr;
CpuState* last_cpu_state = nullptr;

void rdtsc_hook(CpuState* cpu) {
  rdtsc_in_qemu(cpu);
  last_cpu_state = cpu;
  rdtsc_callback((cpu->regs[kRdx] << 32) | (cpu->regs[kRax] & 0xffffffff));
}

void hlt_hook(CpuState* cpu) {
  // QEMU's main loop may see this CPU halted, and skip its idle time, before the instructions up to here are added to the clock: the next
  // timer then fires late by as many instructions, when the host's threads happen to run so (docs/decisions/0004-idle-warp-race.md).
  // HLT ends its block, so the count is exact here.
  call().icount_update(*call().cpus_queue);
  hlt_callback((cpu->eflags & kInterruptFlag) != 0);
  hlt_in_qemu(cpu);  // does not return: leaves the translated code by a long jump
}

// ShutdownCause of qapi/run-state.json: guest-shutdown, guest-reset, guest-panic.
constexpr int kFirstGuestCause = 6;
constexpr int kLastGuestCause = 8;
int shutdown_cause = 0;

// Notifier of include/qemu/notify.h. The main loop clears the request when it sees it; this keeps the cause.
struct Notifier {
  void (*notify)(Notifier*, void* data);
  void* list_node[2];
};
Notifier shutdown_notifier{[](Notifier*, void* cause) { shutdown_cause = *static_cast<int*>(cause); }, {nullptr, nullptr}};

int find_build_id(dl_phdr_info* info, size_t /*size*/, void* out) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) {
      continue;
    }
    const auto* at = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
    const char* end = at + header.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const char* name = at + sizeof note;
      const char* description = name + ((note.n_namesz + 3) & ~3U);
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
        for (uint32_t k = 0; k < note.n_descsz; ++k) {
          *static_cast<std::string*>(out) += fmt::format("{:02x}", static_cast<unsigned char>(description[k]));
        }
        return 1;
      }
      at = description + ((note.n_descsz + 3) & ~3U);
    }
  }
  return 1;  // the program itself comes first; the libraries after it do not matter
}

}  // namespace

Status load_internals() {
  std::string missing;
#define REPRISE_LOOK_UP(name) look_up(symbols.name, #name, missing)
  REPRISE_LOOK_UP(qemu_clock_get_ns);
  REPRISE_LOOK_UP(qemu_clock_deadline_ns_all);
  REPRISE_LOOK_UP(icount_get_raw);
  REPRISE_LOOK_UP(icount_update);
  REPRISE_LOOK_UP(all_cpu_threads_idle);
  REPRISE_LOOK_UP(qemu_shutdown_requested_get);
  REPRISE_LOOK_UP(qemu_reset_requested_get);
  REPRISE_LOOK_UP(timer_init_full);
  REPRISE_LOOK_UP(timer_mod_ns);
  REPRISE_LOOK_UP(net_hub_add_port);
  REPRISE_LOOK_UP(qemu_new_net_client);
  REPRISE_LOOK_UP(qemu_send_packet);
  REPRISE_LOOK_UP(qemu_chr_find);
  REPRISE_LOOK_UP(qemu_chr_be_can_write);
  REPRISE_LOOK_UP(qemu_chr_be_write);
  REPRISE_LOOK_UP(get_system_memory);
  REPRISE_LOOK_UP(get_system_io);
  REPRISE_LOOK_UP(memory_region_find);
  REPRISE_LOOK_UP(memory_region_init_io);
  REPRISE_LOOK_UP(memory_region_add_subregion_overlap);
  REPRISE_LOOK_UP(memory_region_dispatch_read);
  REPRISE_LOOK_UP(memory_region_dispatch_write);
  REPRISE_LOOK_UP(object_resolve_path_type);
  REPRISE_LOOK_UP(object_resolve_path_component);
  REPRISE_LOOK_UP(qemu_add_vm_change_state_handler);
  REPRISE_LOOK_UP(qemu_register_shutdown_notifier);
  REPRISE_LOOK_UP(main_loop_poll_add_notifier);
  REPRISE_LOOK_UP(async_run_on_cpu);
  REPRISE_LOOK_UP(cpus_queue);
  REPRISE_LOOK_UP(helper_info_rdtsc);
  REPRISE_LOOK_UP(helper_info_hlt);
#undef REPRISE_LOOK_UP
  if (!missing.empty()) {
    return Error{ErrorKind::kMachine,
                 fmt::format("this QEMU does not export '{}', which the plugin needs; use QEMU 10.0 from Debian", missing)};
  }
  loaded = true;
  symbols.qemu_register_shutdown_notifier(&shutdown_notifier);
  return {};
}

std::string build_id() {
  std::string hex;
  dl_iterate_phdr(find_build_id, &hex);
  return hex;
}

VirtualTime now() {
  return {call().qemu_clock_get_ns(kClockVirtual)};
}
int64_t instruction_count() {
  return call().icount_get_raw();
}
bool vcpus_idle() {
  return call().all_cpu_threads_idle();
}

VirtualTime next_timer() {
  const int64_t wait_ns = call().qemu_clock_deadline_ns_all(kClockVirtual, kTimerAttributesAll);
  return wait_ns < 0 ? VirtualTime::never() : now() + Duration{wait_ns};
}

bool end_requested() {
  return shutdown_cause != 0 || call().qemu_shutdown_requested_get() != 0 || call().qemu_reset_requested_get() != 0;
}
bool ended_by_guest() {
  return shutdown_cause >= kFirstGuestCause && shutdown_cause <= kLastGuestCause;
}

VirtualTimer::VirtualTimer(std::function<void()> on_fire) : on_fire_(std::move(on_fire)), timer_(std::calloc(1, kTimerBytes)) {
  CHECK(timer_ != nullptr);
  call().timer_init_full(timer_, nullptr, kClockVirtual, kScaleNs, 0, &VirtualTimer::fire, this);
}
void VirtualTimer::arm(VirtualTime at) {
  call().timer_mod_ns(timer_, at.ns);
}
void VirtualTimer::fire(void* self) {
  static_cast<VirtualTimer*>(self)->on_fire_();
}

namespace {
HubPort* the_port = nullptr;  // QEMU hands its own client to the callback, not ours
}

HubPort::HubPort(std::function<void(ByteView)> on_frame) : on_frame_(std::move(on_frame)) {
  CHECK(the_port == nullptr);
  the_port = this;
  static NetClientInfo info;
  info.receive = &HubPort::receive;
  void* peer = call().net_hub_add_port(0, nullptr, nullptr);
  client_ = call().qemu_new_net_client(&info, peer, "reprise", "reprise0");
  CHECK(client_ != nullptr);
}
void HubPort::deliver(ByteView frame) {
  call().qemu_send_packet(client_, frame.data(), static_cast<int>(frame.size()));
}
int64_t HubPort::receive(void* /*client*/, const uint8_t* data, size_t size) {
  the_port->on_frame_({data, size});
  return static_cast<int64_t>(size);
}

bool type_at_console(uint8_t byte) {
  // What `-serial` made; the UART is its other end.
  void* const line = call().qemu_chr_find("serial0");
  if (line == nullptr || call().qemu_chr_be_can_write(line) <= 0) {
    return false;
  }
  call().qemu_chr_be_write(line, &byte, 1);
  return true;
}

IoTap::IoTap(void* target, uint64_t target_offset, Callback callback)
    : target_(target), target_offset_(target_offset), callback_(std::move(callback)), region_(std::calloc(1, kRegionBytes)) {
  CHECK(region_ != nullptr);
}

void IoTap::cover(void* parent, uint64_t address, uint64_t bytes) {
  call().memory_region_init_io(region_, nullptr, tap_ops(&IoTap::read, &IoTap::write), this, "reprise-tap", bytes);
  call().memory_region_add_subregion_overlap(parent, address, region_, kTapPriority);
}

bool IoTap::at_address(Space space, uint64_t address, uint64_t bytes, Callback callback) {
  void* root = space == Space::kMemory ? call().get_system_memory() : call().get_system_io();
  const RegionSection section = call().memory_region_find(root, address, 1);
  if (section.region() == nullptr) {
    return false;
  }
  (new IoTap(section.region(), section.offset(), std::move(callback)))->cover(root, address, bytes);
  return true;
}

bool IoTap::in_device(const char* device_type, const char* container, uint64_t offset, const char* region, uint64_t bytes,
                      Callback callback) {
  void* device = call().object_resolve_path_type("", device_type, nullptr);
  if (device == nullptr) {
    return false;
  }
  // A device's regions are its QOM children; the first of a name is "name[0]".
  void* parent = call().object_resolve_path_component(device, fmt::format("{}[0]", container).c_str());
  void* target = call().object_resolve_path_component(device, fmt::format("{}[0]", region).c_str());
  if (parent == nullptr || target == nullptr) {
    return false;
  }
  (new IoTap(target, 0, std::move(callback)))->cover(parent, offset, bytes);
  return true;
}

uint64_t IoTap::read(void* self, uint64_t offset, unsigned bytes) {
  auto* tap = static_cast<IoTap*>(self);
  uint64_t value = 0;
  call().memory_region_dispatch_read(tap->target_, tap->target_offset_ + offset, &value, access_size_log2(bytes), 0);
  tap->callback_({offset, value, bytes, false});
  return value;
}

void IoTap::write(void* self, uint64_t offset, uint64_t value, unsigned bytes) {
  auto* tap = static_cast<IoTap*>(self);
  call().memory_region_dispatch_write(tap->target_, tap->target_offset_ + offset, value, access_size_log2(bytes), 0);
  tap->callback_({offset, value, bytes, true});
}

void hook_rdtsc(void (*on_read)(uint64_t value)) {
  rdtsc_callback = on_read;
  if (rdtsc_in_qemu == nullptr) {
    rdtsc_in_qemu = call().helper_info_rdtsc->func;
    call().helper_info_rdtsc->func = rdtsc_hook;
  }
}

void hook_hlt(void (*on_halt)(bool interrupts_enabled)) {
  hlt_callback = on_halt;
  hlt_in_qemu = call().helper_info_hlt->func;
  call().helper_info_hlt->func = hlt_hook;
}

bool cpu_layout_agrees(uint64_t official_rax, uint64_t official_flags) {
  return last_cpu_state != nullptr && last_cpu_state->regs[kRax] == official_rax &&
         (last_cpu_state->eflags & kInterruptFlag) == (official_flags & kInterruptFlag);
}

void run_on_vcpu(void (*work)()) {
  call().async_run_on_cpu(
      *call().cpus_queue, [](void* /*cpu*/, uint64_t data) { reinterpret_cast<void (*)()>(data)(); }, reinterpret_cast<uint64_t>(work));
}

void before_main_loop_warps(void (*on_turn)()) {
  // main_loop_wait() of QEMU's util/main-loop.c notifies before it polls and again after it, right before icount_start_warp_timer().
  static void (*work)() = on_turn;
  static Notifier notifier{[](Notifier*, void* /*poll*/) { work(); }, {nullptr, nullptr}};
  call().main_loop_poll_add_notifier(&notifier);
}

void on_run_state(std::function<void(bool running)> on_change) {
  auto* callback = new std::function<void(bool)>(std::move(on_change));  // for the life of the process
  call().qemu_add_vm_change_state_handler(
      [](void* opaque, bool running, int /*state*/) { (*static_cast<std::function<void(bool)>*>(opaque))(running); }, callback);
}

}  // namespace reprise::qemu
