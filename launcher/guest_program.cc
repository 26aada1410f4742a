#include "launcher/guest_program.h"

namespace reprise {

Result<GuestPrograms> find_guest_programs(const std::set<GuestKind>& kinds) {
  GuestPrograms programs;
  if (kinds.contains(GuestKind::kQemu)) {
    ASSIGN_OR_RETURN(programs.qemu, find_qemu());
    ASSIGN_OR_RETURN(programs.plugin, find_plugin());
  }
  if (kinds.contains(GuestKind::kProcess)) {
    ASSIGN_OR_RETURN(programs.process_host, find_process_host());
  }
  if (kinds.contains(GuestKind::kGateway)) {
    ASSIGN_OR_RETURN(programs.gateway, find_gateway());
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
  const bool is_process = guest.kind == GuestKind::kProcess;
  std::vector<std::string> command = {(is_process ? programs.process_host : programs.gateway).string()};
  for (std::string& option : session_options(launch)) {
    command.push_back(std::move(option));
  }
  command.emplace_back(is_process ? "-process" : "-gateway");
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

const char* runner_name(GuestKind kind) {
  switch (kind) {
    case GuestKind::kQemu:
      return "QEMU";
    case GuestKind::kProcess:
      return "process host";
    case GuestKind::kGateway:
      return "gateway";
  }
  return "program";
}

}  // namespace reprise
