// The one place that composes a QEMU command line. Everything that could let the host shine through is switched off or seeded here.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/guest_machine.h"
#include "trace_format/age_keys.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// QEMU's arguments after the program, without the plugin; the images as ${kernel}, ${initrd}, ${root} and ${seed}. This is what a trace
/// records.
/// `seed` seeds what QEMU draws for the guest.
[[nodiscard]] std::vector<std::string> qemu_arguments(const GuestMachine& machine, uint64_t seed);

/// `arguments` with each ${role} replaced by its image's path: as a whole argument, or at the end of a memory backend's options.
[[nodiscard]] std::vector<std::string> expand_images(std::vector<std::string> arguments, const std::vector<ImageInfo>& images);

/// How the plugin is to behave; becomes `-plugin FILE,mode=...`. See qemu_hooks/plugin_args.h for the meanings.
struct PluginLaunch {
  bool replay = false;
  int channel = -1;
  uint32_t guest = 0;
  uint32_t icount_shift = 0;
  std::filesystem::path stream_folder;
  bool durable = false;
  bool show_console = false;  ///< recording: what the console prints goes to the recorder too
  std::vector<AgeRecipient> recipients;
  std::filesystem::path trace;
  std::vector<std::filesystem::path> identities;
  std::filesystem::path console;
};
/// "mode=live", "channel=5", ...: the options themselves, as a process's host takes them.
[[nodiscard]] std::vector<std::string> session_options(const PluginLaunch& launch);
[[nodiscard]] std::string plugin_argument(const std::filesystem::path& plugin, const PluginLaunch& launch);

/// "e1000", "vmxnet3", "virtio-net".
[[nodiscard]] std::string_view nic_name(NicModel nic);

}  // namespace reprise
