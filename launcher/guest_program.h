// What runs guests on this machine, and the whole command that runs one: recorder and replayer start guests from here.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "launcher/qemu_command.h"
#include "launcher/qemu_program.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

struct GuestPrograms {
  std::optional<QemuProgram> qemu;
  std::filesystem::path plugin;
  std::filesystem::path process_host;
  std::filesystem::path gateway;
};

/// What guests of `kinds` need, and nothing else: a run of processes alone needs no QEMU. kMachine with the remedy when one is not there.
[[nodiscard]] Result<GuestPrograms> find_guest_programs(const std::set<GuestKind>& kinds);

/// The program and arguments that run `guest` from `images`, `launch` being how its session is to behave.
[[nodiscard]] std::vector<std::string> guest_command(const GuestPrograms& programs, const GuestInfo& guest,
                                                     const std::vector<ImageInfo>& images, const PluginLaunch& launch);

/// "QEMU", "process host" or "gateway": for messages.
[[nodiscard]] const char* runner_name(GuestKind kind);

}  // namespace reprise
