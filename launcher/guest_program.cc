#include "launcher/guest_program.h"

namespace reprise {

Result<GuestPrograms> find_guest_programs(bool machines, bool processes) {
  GuestPrograms programs;
  if (machines) {
    ASSIGN_OR_RETURN(programs.qemu, find_qemu());
    ASSIGN_OR_RETURN(programs.plugin, find_plugin());
  }
  if (processes) {
    ASSIGN_OR_RETURN(programs.process_host, find_process_host());
  }
  return programs;
}

std::vector<std::string> guest_command(const GuestPrograms& programs, const GuestInfo& guest, const std::vector<ImageInfo>& images,
                                       const PluginLaunch& launch) {
  std::vector<std::string> arguments = expand_images(guest.command_line, images);
  if (guest.kind == GuestKind::kQemu) {
    arguments.insert(arguments.begin(), programs.qemu->path.string());
    arguments.insert(arguments.end(), {"-plugin", plugin_argument(programs.plugin, launch)});
    return arguments;
  }
  std::vector<std::string> command = {programs.process_host.string()};
  for (std::string& option : session_options(launch)) {
    command.push_back(std::move(option));
  }
  command.emplace_back("-process");
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

const char* runner_name(GuestKind kind) {
  return kind == GuestKind::kQemu ? "QEMU" : "process host";
}

}  // namespace reprise
