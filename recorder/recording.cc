#include "recorder/recording.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>

#include "launcher/guest_machine.h"
#include "launcher/guest_program.h"
#include "launcher/interrupt.h"
#include "launcher/private_folder.h"
#include "recorder/barrier.h"
#include "recorder/console_server.h"
#include "recorder/deployment.h"
#include "recorder/gateway_actor.h"
#include "recorder/live_folder.h"
#include "recorder/run_description.h"
#include "recorder/run_streams.h"
#include "recorder/seed_images.h"
#include "recorder/simgrid_network.h"
#include "recorder/size_budget.h"
#include "recorder/supervisor.h"
#include "trace_format/embedded_image.h"
#include "trace_format/trace_writer.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

Result<std::unique_ptr<NetworkModel>> make_network(const RecordOptions& options, const Deployment& deployment) {
  std::vector<Attachment> attachments;
  for (const DeployedGuest& guest : deployment.guests) {
    attachments.push_back(
        {.host = guest.host, .description = fmt::format("{}:{}: actor '{}'", deployment.path.string(), guest.line, guest.machine.name)});
  }
  return make_simgrid_network(options.platform, attachments, options.simgrid_options,
                              {.seed = options.seed, .outages = deployment.outages});
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

/// Sets `ran` when the run began, so that there may be something to recover.
Status drive(NetworkModel& network, Barrier& barrier, Supervisor& supervisor, const NetworkModel::Limits& limits,
             std::optional<PrivateFolder>& seeds, bool& ran) {
  Status status = barrier.meet();
  seeds.reset();  // every guest has mapped its own
  ran = status.ok();
  if (ran) {
    status = network.simulate(barrier, limits);
  }
  if (status.ok()) {
    return status;
  }
  Error error = status.error();
  const auto broken = barrier.broken_guest();
  barrier.dismiss();
  if (broken.has_value()) {
    error.message += "; " + supervisor.describe_end(*broken);
    // The hooks cannot know some things of a QEMU before its guest reads the clock, so they may refuse it after the run began.
    if (supervisor.misses_something(*broken)) {
      error.kind = ErrorKind::kMachine;
      ran = ran && barrier.now() > VirtualTime{};
    }
  }
  supervisor.wait_then_kill();
  return error;
}

bool is_gateway(const GuestInfo& guest) {
  return guest.kind == GuestKind::kGateway;
}

RecordOutcome outcome_of(const Barrier& barrier, const Supervisor& supervisor, const RunInfo& run, const NetworkModel& network) {
  RecordOutcome outcome;
  for (size_t i = 0; i < run.guests.size(); ++i) {
    outcome.guests.push_back({.name = run.guests[i].name, .end = barrier.ends()[i].at, .reason = barrier.ends()[i].reason, .words = {}});
    outcome.guests.back().is_gateway = is_gateway(run.guests[i]);
    if (barrier.ends()[i].reason == EndReason::kCrash) {
      outcome.guests.back().words = supervisor.words_of(GuestIndex{static_cast<uint32_t>(i)});
    }
  }
  const auto guests = static_cast<uint32_t>(run.guests.size());
  outcome.paths.resize(size_t{guests} * guests);
  for (uint32_t from = 0; from < guests; ++from) {
    for (uint32_t to = 0; to < guests; ++to) {
      if (from != to) {
        outcome.paths[from * guests + to] = network.path_facts({from}, {to});
      }
    }
  }
  outcome.frames_delivered = barrier.network_statistics().frames_delivered;
  outcome.frames_dropped = barrier.network_statistics().frames_dropped;
  if (barrier.ended_by_wish()) {
    outcome.full_at = barrier.now();
  }
  return outcome;
}

/// Everything that has to be right before a process is started or a file is made.
struct Prepared {
  std::unique_ptr<Interrupt> interrupt;  ///< from before there is a folder that must not stay, until it is gone
  std::unique_ptr<NetworkModel> network;
  GuestPrograms programs;
  RunInfo run;
  std::optional<PrivateFolder> seed_folder;  ///< none when no guest has a seed
  std::vector<ImageInfo> seeds;              ///< where they are now
};

/// Takes the folder, which is gone tomorrow, out of the paths of the seeds' images, and returns the images with it.
std::vector<ImageInfo> take_seeds(RunInfo& run) {
  std::vector<ImageInfo> seeds;
  for (GuestInfo& guest : run.guests) {
    for (ImageInfo& image : guest.images) {
      if (image.role == kSeedRole) {
        seeds.push_back(image);
        image.path = fs::path(image.path).filename().string();
      }
    }
  }
  return seeds;
}

Status check_output(const fs::path& output) {
  std::error_code ignored;
  if (!output.has_filename() || fs::is_directory(output, ignored)) {
    return Error{ErrorKind::kUsage, fmt::format("{}: is a folder; give the trace's file name", output.string())};
  }
  return {};
}

Result<Prepared> prepare(const RecordOptions& options) {
  Prepared prepared;
  if (options.trace) {
    RETURN_IF_ERROR(check_output(options.output));
  }
  ASSIGN_OR_RETURN(Deployment deployment, parse_deployment(options.deployment, guests_folder(), programs_folder()));
  if (options.adjust) {
    RETURN_IF_ERROR(options.adjust(deployment));
  }
  ASSIGN_OR_RETURN(prepared.network, make_network(options, deployment));
  if (!options.expose_gateway) {
    RETURN_IF_ERROR(check_exposure(deployment));
  }
  std::set<GuestKind> kinds;
  for (const DeployedGuest& guest : deployment.guests) {
    kinds.insert(guest.kind());
  }
  ASSIGN_OR_RETURN(prepared.programs, find_guest_programs(kinds));
  // Not before the network: loading a platform may take for ever, and nobody would hear.
  prepared.interrupt = std::make_unique<Interrupt>();
  if (std::ranges::any_of(deployment.guests, [](const DeployedGuest& guest) { return !guest.machine.seed.empty(); })) {
    // The trace carries the images of the seeds; of an encrypted run nothing readable goes to the disk.
    ASSIGN_OR_RETURN(PrivateFolder folder, PrivateFolder::create(!options.recipients.empty()));
    prepared.seed_folder.emplace(std::move(folder));
    RETURN_IF_ERROR(make_seed_images(deployment, prepared.seed_folder->path()));
  }
  ASSIGN_OR_RETURN(prepared.run, describe_run(options, deployment, *prepared.network, prepared.programs));
  prepared.seeds = take_seeds(prepared.run);
  if (const uint64_t smallest = SizeBudget::smallest(prepared.run, !options.recipients.empty());
      options.max_size_bytes != 0 && options.max_size_bytes < smallest) {
    return Error{ErrorKind::kUsage, fmt::format("--max-size: {} bytes are too few for {} guests; at least {} are needed",
                                                options.max_size_bytes, prepared.run.guests.size(), smallest)};
  }
  if (!options.console_folder.empty()) {
    std::error_code error;
    fs::create_directories(options.console_folder, error);
    if (error) {
      return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be created: {}", options.console_folder.string(), error.message())};
    }
  }
  if (prepared.interrupt->arrived()) {
    return Error{ErrorKind::kRunFailed, "interrupted before the run began"};
  }
  return prepared;
}

/// Where people get into a paced run. Gone before the streams are joined: their folder is removed then.
struct Entrance {
  std::optional<LiveFolder> folder;
  std::unique_ptr<ConsoleServer> consoles;
};

Result<Entrance> open_entrance(const RecordOptions& options, const RunInfo& run, const RunStreams& streams) {
  Entrance entrance;
  // Without a trace there is no folder that a client could find.
  if (!options.trace || (options.realtime == 0 && std::ranges::none_of(run.guests, is_gateway))) {
    return entrance;
  }
  ASSIGN_OR_RETURN(LiveFolder folder, LiveFolder::create(streams.folder));
  entrance.folder.emplace(std::move(folder));
  if (options.realtime == 0) {
    return entrance;
  }
  ASSIGN_OR_RETURN(const int listening, entrance.folder->listen("console"));
  std::vector<ConsoleServer::Console> consoles;
  for (const GuestInfo& guest : run.guests) {
    consoles.push_back({.guest = guest.name, .takes_input = guest.kind == GuestKind::kQemu});
  }
  ASSIGN_OR_RETURN(entrance.consoles, ConsoleServer::create(listening, std::move(consoles)));
  return entrance;
}

Result<RecordOutcome> run_guests(const RecordOptions& options, Prepared& prepared, RunStreams& streams) {
  ASSIGN_OR_RETURN(const Entrance entrance, open_entrance(options, prepared.run, streams));
  std::vector<GuestChannel> channels;
  ASSIGN_OR_RETURN(Supervisor supervisor,
                   Supervisor::start(prepared.programs, prepared.run,
                                     {.stream_folder = streams.folder,
                                      .console_folder = options.console_folder,
                                      .seed_folder = prepared.seed_folder ? prepared.seed_folder->path() : fs::path(),
                                      .durable = options.durable,
                                      .show_consoles = entrance.consoles != nullptr,
                                      .recipients = streams.recipients},
                                     channels));
  std::vector<std::string> names;
  std::vector<bool> companions;
  for (const GuestInfo& guest : prepared.run.guests) {
    names.push_back(guest.name);
    companions.push_back(is_gateway(guest));
  }
  NetworkModel::Limits limits{.until = options.until};
  Barrier::Options barrier_options{.until = options.until,
                                   .network_stream = streams.network.get(),
                                   .interrupt_fd = prepared.interrupt->fd(),
                                   .progress = seldom(options.progress),
                                   .consoles = entrance.consoles.get(),
                                   .lookahead = prepared.network->lookahead(),
                                   .companions = std::move(companions),
                                   .held_up = options.held_up};
  if (options.realtime != 0) {
    limits.longest_turn = Pacing::longest_turn(options.realtime);
    limits.longest_idle_turn = limits.longest_turn;
    barrier_options.pacing.emplace(options.realtime);
  }
  if (options.max_size_bytes != 0) {
    limits.longest_turn = std::min(limits.longest_turn, SizeBudget::kLongestTurn);
    barrier_options.wants_end = [budget = SizeBudget(streams.folder, options.max_size_bytes, prepared.run.guests.size(),
                                                     !options.recipients.empty())](VirtualTime /*now*/) mutable {
      return budget.used_up(std::chrono::steady_clock::now());
    };
  }
  Barrier barrier(std::move(channels), std::move(names), std::move(barrier_options));
  const Status driven = drive(*prepared.network, barrier, supervisor, limits, prepared.seed_folder, streams.worth_keeping);
  supervisor.wait_then_kill();
  Status sealed;
  if (streams.network != nullptr) {
    sealed = streams.network->finish(barrier.now(), driven.ok() ? EndReason::kUntil : EndReason::kAborted);
  }
  // The first of the two: what went wrong in the run is why its stream could not be sealed.
  if (!driven.ok()) {
    return driven.error();
  }
  if (!sealed.ok()) {
    return sealed.error();
  }
  return outcome_of(barrier, supervisor, prepared.run, *prepared.network);
}

}  // namespace

Result<RecordOutcome> record(const RecordOptions& options) {
  ASSIGN_OR_RETURN(Prepared prepared, prepare(options));
  RunStreams streams;
  if (options.trace) {
    ASSIGN_OR_RETURN(streams, begin_streams(options, prepared.run, prepared.seeds));
  }
  Result<RecordOutcome> outcome = run_guests(options, prepared, streams);
  prepared.seed_folder.reset();
  prepared.interrupt.reset();  // from here on a signal ends us, and leaves what can be recovered
  Status joined;
  if (outcome.ok() && options.trace) {
    prepared.run.until = outcome->full_at.value_or(prepared.run.until);
    joined = join_streams(streams.folder, prepared.run, options.output, {streams.identities, options.recipients});
  }
  if (outcome.ok() && joined.ok()) {
    return outcome;
  }
  Error error = outcome.ok() ? joined.error() : outcome.error();
  if (options.trace && !streams.worth_keeping) {
    remove_streams(streams);
  } else if (options.trace) {
    error.message += fmt::format("\n'reprise recover {} -o FILE{}' keeps what was recorded", streams.folder.string(),
                                 options.recipients.empty() ? "" : " --identity KEY --encrypt-to RECIPIENT");
  }
  return error;
}

}  // namespace reprise
