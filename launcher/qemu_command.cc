#include "launcher/qemu_command.h"

#include <fmt/format.h>

namespace reprise {
namespace {

// Boots fast and quietly; each word was measured (the figures are in docs/decisions/0002-lean-boot.md).
constexpr std::string_view kDefaultKernelCommandLine =
    "console=ttyS0 panic=-1 reboot=t quiet acpi=off nolapic_timer tsc=reliable tsc_early_khz=1000000 nokaslr cryptomgr.notests "
    "initcall_blacklist=trace_eval_init,tracer_init_tracefs";

std::string kernel_command_line(const GuestMachine& machine) {
  std::string line(kDefaultKernelCommandLine);
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
  std::vector<std::string> arguments = {
      "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none",
      // The console's bytes are taken at the UART; a back-end that can make the guest wait would not be deterministic.
      "-serial", "null", "-machine", "pc", "-smp", std::to_string(machine.cpus), "-m", fmt::format("{}M", machine.memory_mib),
      // No RDRAND, RDSEED or KVM clock in qemu64. Without SVM no TSC offsets, without MONITOR every idle CPU executes HLT: the plugin
      // relies on both.
      "-cpu", "qemu64,-svm,-monitor", "-accel", "tcg,thread=single", "-icount",
      fmt::format("shift={},sleep=off,align=off", machine.icount_shift), "-rtc", "base=2024-01-01T00:00:00,clock=vm", "-seed",
      std::to_string(seed & 0xffffffff), "-netdev", "hubport,id=n0,hubid=0", "-device", nic_device(machine), "-kernel", "${kernel}"};
  if (!machine.initrd.empty()) {
    arguments.insert(arguments.end(), {"-initrd", "${initrd}"});
  }
  arguments.insert(arguments.end(), {"-append", kernel_command_line(machine)});
  return arguments;
}

std::vector<std::string> expand_images(std::vector<std::string> arguments, const std::vector<ImageInfo>& images) {
  for (std::string& argument : arguments) {
    for (const ImageInfo& image : images) {
      if (argument == "${" + image.role + "}") {
        argument = image.path;
        break;
      }
    }
  }
  return arguments;
}

std::string plugin_argument(const std::filesystem::path& plugin, const PluginLaunch& launch) {
  std::string argument = fmt::format("file={},mode={},channel={},guest={},icount_shift={}", escape_commas(plugin.string()),
                                     launch.replay ? "replay" : "live", launch.channel, launch.guest, launch.icount_shift);
  const auto add_path = [&argument](const char* name, const std::filesystem::path& path) {
    if (!path.empty()) {
      argument += fmt::format(",{}={}", name, escape_commas(std::filesystem::absolute(path).string()));
    }
  };
  add_path("stream_folder", launch.stream_folder);
  argument += launch.durable ? ",durable=on" : "";
  for (const AgeRecipient& recipient : launch.recipients) {
    argument += ",recipient=" + text(recipient);
  }
  add_path("trace", launch.trace);
  for (const std::filesystem::path& identity : launch.identities) {
    add_path("identity", identity);
  }
  add_path("console", launch.console);
  return argument;
}

}  // namespace reprise
