#include "recorder/run_description.h"

#include "launcher/image_digest.h"
#include "launcher/process_command.h"
#include "launcher/qemu_command.h"
#include "recorder/simgrid_network.h"
#include "recorder/xml_file.h"

namespace reprise {
namespace {

Result<GuestInfo> describe_machine(const DeployedGuest& guest, const QemuProgram& qemu, uint64_t seed, ImageDigests& digests) {
  const GuestMachine& machine = guest.machine;
  GuestInfo info{.name = machine.name,
                 .host = guest.host,
                 .address = machine.address,
                 .mac = machine.mac,
                 .nic = std::string(nic_name(machine.nic)),
                 .qemu_version = qemu.version,
                 .qemu_build_id = qemu.build_id,
                 .command_line = qemu_arguments(machine, seed),
                 .images = {},
                 .icount_shift = machine.icount_shift};
  std::vector<std::pair<std::string, std::filesystem::path>> files = {{"kernel", machine.kernel}};
  if (!machine.initrd.empty()) {
    files.emplace_back("initrd", machine.initrd);
  }
  if (!machine.root.empty()) {
    files.emplace_back("root", machine.root);
  }
  if (!machine.seed.empty()) {
    files.emplace_back("seed", machine.seed);
  }
  files.insert(files.end(), qemu.firmware.begin(), qemu.firmware.end());
  for (const auto& [role, path] : files) {
    ASSIGN_OR_RETURN(ImageInfo image, digests.of(role, path));
    info.images.push_back(std::move(image));
  }
  return info;
}

Result<GuestInfo> describe_process(const Deployment& deployment, const DeployedGuest& guest, ImageDigests& digests) {
  ProcessPlan plan{.address = guest.machine.address,
                   .mac = guest.machine.mac,
                   .call_cost = guest.process->call_cost,
                   .environment = process_environment(),
                   .arguments = guest.process->arguments};
  for (const DeployedGuest& other : deployment.guests) {
    const std::string& address = other.machine.address;
    if (&other != &guest && !address.empty()) {
      plan.neighbours.push_back({address.substr(0, address.find('/')), other.machine.mac});
    }
  }
  GuestInfo info{.name = guest.machine.name,
                 .host = guest.host,
                 .address = guest.machine.address,
                 .mac = guest.machine.mac,
                 .nic = "process",
                 .command_line = process_arguments(plan),
                 .kind = GuestKind::kProcess};
  ASSIGN_OR_RETURN(ImageInfo program, digests.of("program", guest.process->program));
  info.images.push_back(std::move(program));
  return info;
}

GuestInfo describe_gateway(const DeployedGuest& guest) {
  GatewayPlan plan = *guest.gateway;
  plan.name = guest.machine.name;
  plan.address = guest.machine.address;
  plan.mac = guest.machine.mac;
  return {.name = plan.name,
          .host = guest.host,
          .address = plan.address,
          .mac = plan.mac,
          .nic = "gateway",
          .command_line = gateway_arguments(plan),
          .kind = GuestKind::kGateway};
}

Result<GuestInfo> describe_guest(const Deployment& deployment, const DeployedGuest& guest, const GuestPrograms& programs, uint64_t seed,
                                 ImageDigests& digests) {
  switch (guest.kind()) {
    case GuestKind::kProcess:
      return describe_process(deployment, guest, digests);
    case GuestKind::kGateway:
      return describe_gateway(guest);
    case GuestKind::kQemu:
      break;
  }
  return describe_machine(guest, *programs.qemu, seed, digests);
}

}  // namespace

Result<RunInfo> describe_run(const RecordOptions& options, const Deployment& deployment, const NetworkModel& network,
                             const GuestPrograms& programs) {
  RunInfo run;
  run.reprise_version = REPRISE_VERSION;
  run.simgrid_version = simgrid_version();
  run.simgrid_options = options.simgrid_options;
  ASSIGN_OR_RETURN(const XmlFile platform, read_xml_file(options.platform));
  run.platform_xml = platform.text;
  run.deployment_xml = deployment.text;
  run.seed = options.seed;
  run.lookahead = network.lookahead();
  run.until = options.until;
  ImageDigests digests;
  for (size_t i = 0; i < deployment.guests.size(); ++i) {
    ASSIGN_OR_RETURN(GuestInfo guest, describe_guest(deployment, deployment.guests[i], programs, options.seed + i, digests));
    run.guests.push_back(std::move(guest));
  }
  return run;
}

}  // namespace reprise
