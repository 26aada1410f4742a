// reprise_process_host: what QEMU and the plugin are to a virtual machine, this is to a native process. Recorder and replayer start it:
//
//   reprise_process_host SESSION-OPTION... -process PROCESS-ARGUMENT...
//
// with the options of qemu_hooks/plugin_args.h and the arguments of launcher/process_command.h.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "launcher/process_command.h"
#include "process_hooks/process_host.h"
#include "qemu_hooks/make_session.h"

namespace reprise {
namespace {

Result<ProcessNic> nic_of(const ProcessPlan& plan) {
  ProcessNic nic;
  ASSIGN_OR_RETURN(nic.mac, parse_mac(plan.mac));
  const size_t slash = plan.address.find('/');
  if (!plan.address.empty()) {
    ASSIGN_OR_RETURN(nic.address, parse_ipv4(plan.address.substr(0, slash)));
  }
  if (slash != std::string::npos) {
    const int prefix = std::atoi(plan.address.c_str() + slash + 1);
    const uint32_t hosts = prefix <= 0 || prefix >= 31 ? 0 : ~uint32_t{0} >> prefix;
    nic.broadcast.value = hosts == 0 ? 0 : nic.address.value | hosts;
  }
  for (const Neighbour& neighbour : plan.neighbours) {
    ASSIGN_OR_RETURN(const Ipv4Address address, parse_ipv4(neighbour.address));
    ASSIGN_OR_RETURN(nic.neighbours[address], parse_mac(neighbour.mac));
  }
  return nic;
}

/// For programs that ask the loader for our library where no system folder has it.
std::string library_path() {
  std::error_code error;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
  return "LD_LIBRARY_PATH=" + own.parent_path().parent_path().string();
}

Status run(const std::vector<std::string>& arguments) {
  const auto separator = std::find(arguments.begin(), arguments.end(), "-process");
  if (separator == arguments.end()) {
    return Error{ErrorKind::kUsage, "reprise_process_host is started by reprise; it is of no use alone"};
  }
  ASSIGN_OR_RETURN(const PluginArgs args, parse_plugin_args({arguments.begin(), separator}));
  ASSIGN_OR_RETURN(ProcessPlan plan, parse_process_arguments({separator + 1, arguments.end()}));
  ASSIGN_OR_RETURN(ProcessNic nic, nic_of(plan));
  fcntl(args.channel, F_SETFD, FD_CLOEXEC);
  RETURN_IF_ERROR(start_guardian());
  // Both live until the process ends, which is inside a call of theirs.
  ASSIGN_OR_RETURN(auto session, make_session(args, {}));
  auto* process = new VirtualProcess(*session.release(), std::move(nic), plan.call_cost);
  process->power_on();
  std::vector<std::string> command = {plan.program, REPRISE_CONNECTION_NAME};
  command.insert(command.end(), plan.arguments.begin(), plan.arguments.end());
  plan.environment.push_back(library_path());
  ASSIGN_OR_RETURN(const Program program, Program::start(command, plan.environment));
  serve(program, *process, args.channel);
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  const reprise::Status status = reprise::run({argv + 1, argv + argc});
  fmt::print(stderr, "reprise_process_host: {}\n", status.ok() ? "ended" : status.error().message);
  // The session's threads are not waited for.
  _exit(static_cast<int>(status.ok() ? reprise::ErrorKind::kRunFailed : status.error().kind));
}
