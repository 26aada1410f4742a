#include "recorder/recording.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <memory>

#include "launcher/image_digest.h"
#include "launcher/qemu_command.h"
#include "launcher/qemu_program.h"
#include "recorder/barrier.h"
#include "recorder/deployment.h"
#include "recorder/interrupt.h"
#include "recorder/simgrid_network.h"
#include "recorder/supervisor.h"
#include "recorder/xml_file.h"
#include "trace_format/trace_writer.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

Result<GuestInfo> describe_guest(const DeployedGuest& guest, const QemuProgram& qemu, uint64_t seed,
                                 std::map<fs::path, ImageInfo>& digests) {
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
  for (const auto& [role, path] : {std::pair{"kernel", machine.kernel}, std::pair{"initrd", machine.initrd}}) {
    if (path.empty()) {
      continue;
    }
    if (!digests.contains(path)) {
      ASSIGN_OR_RETURN(digests[path], digest_image(role, path));
    }
    info.images.push_back(digests[path]);
    info.images.back().role = role;
  }
  return info;
}

Result<RunInfo> describe_run(const RecordOptions& options, const Deployment& deployment, const NetworkModel& network,
                             const QemuProgram& qemu) {
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
  std::map<fs::path, ImageInfo> digests;
  for (size_t i = 0; i < deployment.guests.size(); ++i) {
    ASSIGN_OR_RETURN(GuestInfo guest, describe_guest(deployment.guests[i], qemu, options.seed + i, digests));
    run.guests.push_back(std::move(guest));
  }
  return run;
}

Result<std::unique_ptr<NetworkModel>> make_network(const RecordOptions& options, const Deployment& deployment) {
  std::vector<Attachment> attachments;
  for (const DeployedGuest& guest : deployment.guests) {
    attachments.push_back(
        {.host = guest.host, .description = fmt::format("{}:{}: actor '{}'", deployment.path.string(), guest.line, guest.machine.name)});
  }
  return make_simgrid_network(options.platform, attachments, options.simgrid_options);
}

/// The streams of a run while it goes on: a folder beside the output.
struct Streams {
  fs::path folder;
  std::unique_ptr<StreamWriter> network;
};

Result<Streams> open_streams(const RecordOptions& options, const RunInfo& run) {
  Streams streams;
  streams.folder = fs::absolute(options.output).string() + ".partial";
  std::error_code error;
  if (!fs::create_directory(streams.folder, error)) {
    return error ? Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be created: {}", streams.folder.string(), error.message())}
                 : Error{ErrorKind::kUsage, fmt::format("{} is there already: a run is going on or was killed; keep what it recorded with "
                                                        "'reprise recover {} -o FILE', or remove the folder",
                                                        streams.folder.string(), streams.folder.string())};
  }
  RETURN_IF_ERROR(save_run_info(streams.folder, run));
  ASSIGN_OR_RETURN(streams.network, create_stream(streams.folder, StreamId::network()));
  return streams;
}

/// Calls `progress` a few times a second of host time, however short the quanta are.
std::function<void(VirtualTime)> seldom(std::function<void(VirtualTime)> progress) {
  if (!progress) {
    return {};
  }
  return [progress = std::move(progress), last = std::chrono::steady_clock::time_point{}](VirtualTime now) mutable {
    const auto host_now = std::chrono::steady_clock::now();
    if (host_now - last >= std::chrono::milliseconds(200)) {
      last = host_now;
      progress(now);
    }
  };
}

Status drive(NetworkModel& network, Barrier& barrier, Supervisor& supervisor, VirtualTime until) {
  Status status = barrier.meet();
  if (status.ok()) {
    status = network.simulate(barrier, until);
  }
  if (status.ok()) {
    return status;
  }
  Error error = status.error();
  const auto broken = barrier.broken_guest();
  barrier.dismiss();
  if (broken.has_value()) {
    error.message += "; " + supervisor.describe_end(*broken);
  }
  supervisor.wait_then_kill();
  return error;
}

RecordOutcome outcome_of(const Barrier& barrier, const RunInfo& run) {
  RecordOutcome outcome;
  for (size_t i = 0; i < run.guests.size(); ++i) {
    outcome.guests.push_back({.name = run.guests[i].name, .end = barrier.ends()[i].at, .reason = barrier.ends()[i].reason});
  }
  outcome.frames_delivered = barrier.network_statistics().frames_delivered;
  outcome.frames_dropped = barrier.network_statistics().frames_dropped;
  return outcome;
}

}  // namespace

Result<RecordOutcome> record(const RecordOptions& options) {
  ASSIGN_OR_RETURN(const Deployment deployment, parse_deployment(options.deployment, guests_folder()));
  ASSIGN_OR_RETURN(const auto network, make_network(options, deployment));
  ASSIGN_OR_RETURN(const QemuProgram qemu, find_qemu());
  ASSIGN_OR_RETURN(const fs::path plugin, find_plugin());
  ASSIGN_OR_RETURN(const RunInfo run, describe_run(options, deployment, *network, qemu));
  const Interrupt interrupt;
  Streams streams;
  if (options.trace) {
    ASSIGN_OR_RETURN(streams, open_streams(options, run));
  }
  if (!options.console_folder.empty()) {
    fs::create_directories(options.console_folder);
  }
  std::vector<GuestChannel> channels;
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::start(qemu, run, {plugin, streams.folder, options.console_folder}, channels));
  std::vector<std::string> names;
  for (const GuestInfo& guest : run.guests) {
    names.push_back(guest.name);
  }
  Barrier barrier(std::move(channels), std::move(names),
                  {.until = options.until,
                   .network_stream = streams.network.get(),
                   .interrupt_fd = interrupt.fd(),
                   .progress = seldom(options.progress)});
  Status status = drive(*network, barrier, supervisor, options.until);
  supervisor.wait_then_kill();
  if (streams.network != nullptr) {
    const Status finished = streams.network->finish(barrier.now(), status.ok() ? EndReason::kUntil : EndReason::kAborted);
    if (status.ok() && finished.ok()) {
      status = join_streams(streams.folder, run, options.output);
    } else if (status.ok()) {
      status = finished;
    }
  }
  if (!status.ok()) {
    Error error = status.error();
    if (options.trace) {
      error.message += fmt::format("\n'reprise recover {} -o FILE' keeps what was recorded", streams.folder.string());
    }
    return error;
  }
  return outcome_of(barrier, run);
}

}  // namespace reprise
