#include "launcher/qemu_command.h"

#include <fmt/format.h>

namespace reprise {
namespace {

// Boots fast and quietly; each word was measured (the figures are in docs/decisions/0002-lean-boot.md).
constexpr std::string_view kDefaultKernelCommandLine =
    "console=ttyS0 panic=-1 reboot=t quiet acpi=off nolapic_timer tsc=reliable tsc_early_khz=1000000 nokaslr cryptomgr.notests "
    "initcall_blacklist=trace_eval_init,tracer_init_tracefs";

constexpr uint64_t kMiB = uint64_t{1} << 20U;
constexpr uint64_t kGiB = uint64_t{1} << 30U;
constexpr std::string_view kMemoryBackend = "memory-backend-file,";

uint64_t round_up_to_gib(uint64_t bytes) {
  return (bytes + kGiB - 1) / kGiB * kGiB;
}

/// An image as memory of the guest.
struct ImageMemory {
  std::string_view role;
  uint64_t address;
  uint64_t bytes;
};

/// Where the machine `pc` has room for them: in the first whole GiB above its memory, of which it puts what does not fit below 3.5 GiB (or
/// 3 GiB, if there is more) above 4 GiB.
std::vector<ImageMemory> image_memories(const GuestMachine& machine) {
  const uint64_t memory = machine.memory_mib * kMiB;
  const uint64_t above_4_gib = memory < 3584 * kMiB ? 0 : memory - 3 * kGiB;
  uint64_t address = round_up_to_gib(4 * kGiB + above_4_gib);
  std::vector<ImageMemory> memories;
  if (!machine.root.empty()) {
    memories.push_back({"root", address, machine.root_bytes});
    address += round_up_to_gib(machine.root_bytes);
  }
  if (!machine.seed.empty()) {
    memories.push_back({"seed", address, machine.seed_bytes});
  }
  return memories;
}

/// With room for the images, and for the alignment that the machine gives each of them.
std::string memory_option(const GuestMachine& machine, const std::vector<ImageMemory>& images) {
  if (images.empty()) {
    return fmt::format("{}M", machine.memory_mib);
  }
  uint64_t most = machine.memory_mib;
  for (const ImageMemory& image : images) {
    most += round_up_to_gib(image.bytes) / kMiB;
  }
  return fmt::format("{}M,slots={},maxmem={}M", machine.memory_mib, images.size(), most);
}

/// A file as an NVDIMM: its reads and writes are the guest's own loads and stores, so nothing completes at an instant that the host
/// chooses. Mapped privately from a file that is opened for reading only: every guest starts from the same bytes, and pages are shared
/// until written.
void add_images(std::vector<std::string>& arguments, const std::vector<ImageMemory>& images) {
  for (const ImageMemory& image : images) {
    arguments.insert(arguments.end(), {"-object",
                                       fmt::format("{}id={}-memory,share=off,readonly=on,rom=off,size={},mem-path=${{{}}}", kMemoryBackend,
                                                   image.role, image.bytes, image.role),
                                       "-device", fmt::format("nvdimm,id={0},memdev={0}-memory,addr={1:#x}", image.role, image.address)});
  }
}

std::string kernel_command_line(const GuestMachine& machine, const std::vector<ImageMemory>& images) {
  std::string line(kDefaultKernelCommandLine);
  // Without ACPI nothing else tells the kernel; and what it is told by ACPI's NFIT it refuses to use with DAX.
  for (const ImageMemory& image : images) {
    line += fmt::format(" memmap={:#x}!{:#x}", image.bytes, image.address);
  }
  if (!machine.address.empty()) {
    line += " ip4=" + machine.address;
  }
  if (!machine.append.empty()) {
    line += " " + machine.append;
  }
  return line;
}

std::string nic_device(const GuestMachine& machine) {
  std::string device;
  switch (machine.nic) {
    case NicModel::kE1000:
      device = "e1000";
      break;
    case NicModel::kVmxnet3:
      device = "vmxnet3";
      break;
    case NicModel::kVirtioNet:
      // With ioeventfd, or with tx=bh, frames leave from QEMU's main loop at an instant that the host chooses.
      device = "virtio-net-pci,ioeventfd=off,tx=timer";
      break;
  }
  // romfile= skips the option ROM, which only costs time.
  return fmt::format("{},netdev=n0,mac={},romfile=", device, machine.mac);
}

/// QEMU's option parser takes a doubled comma for a comma.
std::string escape_commas(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == ',') {
      out += ',';
    }
  }
  return out;
}

}  // namespace

std::string_view nic_name(NicModel nic) {
  switch (nic) {
    case NicModel::kE1000:
      return "e1000";
    case NicModel::kVmxnet3:
      return "vmxnet3";
    case NicModel::kVirtioNet:
      return "virtio-net";
  }
  return "?";
}

std::vector<std::string> qemu_arguments(const GuestMachine& machine, uint64_t seed) {
  const std::vector<ImageMemory> images = image_memories(machine);
  std::vector<std::string> arguments = {
      "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none",
      // The console's bytes are taken at the UART; a back-end that can make the guest wait would not be deterministic.
      "-serial", "null", "-machine", images.empty() ? "pc" : "pc,nvdimm=on", "-smp", std::to_string(machine.cpus), "-m",
      memory_option(machine, images),
      // No RDRAND, RDSEED or KVM clock in qemu64. Without SVM no TSC offsets, without MONITOR every idle CPU executes HLT: the plugin
      // relies on both.
      "-cpu", "qemu64,-svm,-monitor", "-accel", "tcg,thread=single", "-icount",
      fmt::format("shift={},sleep=off,align=off", machine.icount_shift), "-rtc", "base=2024-01-01T00:00:00,clock=vm", "-seed",
      std::to_string(seed & 0xffffffff), "-netdev", "hubport,id=n0,hubid=0", "-device", nic_device(machine), "-kernel", "${kernel}"};
  if (!machine.initrd.empty()) {
    arguments.insert(arguments.end(), {"-initrd", "${initrd}"});
  }
  add_images(arguments, images);
  arguments.insert(arguments.end(), {"-append", kernel_command_line(machine, images)});
  return arguments;
}

std::vector<std::string> expand_images(std::vector<std::string> arguments, const std::vector<ImageInfo>& images) {
  for (std::string& argument : arguments) {
    for (const ImageInfo& image : images) {
      const std::string placeholder = "${" + image.role + "}";
      if (argument == placeholder) {
        argument = image.path;
        break;
      }
      if (argument.starts_with(kMemoryBackend) && argument.ends_with(",mem-path=" + placeholder)) {
        argument.resize(argument.size() - placeholder.size());
        argument += escape_commas(image.path);
        break;
      }
    }
  }
  return arguments;
}

std::vector<std::string> session_options(const PluginLaunch& launch) {
  std::vector<std::string> options = {launch.replay ? "mode=replay" : "mode=live", fmt::format("channel={}", launch.channel),
                                      fmt::format("guest={}", launch.guest), fmt::format("icount_shift={}", launch.icount_shift)};
  const auto add_path = [&options](const char* name, const std::filesystem::path& path) {
    if (!path.empty()) {
      options.push_back(fmt::format("{}={}", name, std::filesystem::absolute(path).string()));
    }
  };
  add_path("stream_folder", launch.stream_folder);
  if (launch.durable) {
    options.emplace_back("durable=on");
  }
  if (launch.show_console) {
    options.emplace_back("show_console=on");
  }
  for (const AgeRecipient& recipient : launch.recipients) {
    options.push_back("recipient=" + text(recipient));
  }
  add_path("trace", launch.trace);
  for (const std::filesystem::path& identity : launch.identities) {
    add_path("identity", identity);
  }
  add_path("console", launch.console);
  return options;
}

std::string plugin_argument(const std::filesystem::path& plugin, const PluginLaunch& launch) {
  std::string argument = "file=" + escape_commas(plugin.string());
  for (const std::string& option : session_options(launch)) {
    argument += "," + escape_commas(option);
  }
  return argument;
}

}  // namespace reprise
