#include "replayer/replay.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <thread>

#include "launcher/child_process.h"
#include "launcher/guest_program.h"
#include "launcher/interrupt.h"
#include "replayer/provenance_check.h"
#include "replayer/trace_consistency.h"
#include "replayer/verdict.h"
#include "trace_format/event_text.h"
#include "trace_format/trace_reader.h"

namespace reprise {
namespace {

constexpr size_t kContextEvents = 10;

struct Job {
  GuestIndex guest;
  std::vector<ImageInfo> images;
  std::optional<ChildProcess> qemu;
  int verdict_fd = -1;
  std::string verdict_text;
  std::optional<GuestReplay> result;
};

/// The recorded events before `mismatch`, oldest first.
Result<std::vector<std::string>> context_before(TraceReader& reader, GuestIndex guest, const Mismatch& mismatch) {
  std::deque<std::string> lines;
  // Looks back further and further: how many events a span holds is not known beforehand.
  for (int64_t span_ns = 100'000; lines.size() < kContextEvents;
       span_ns = span_ns > mismatch.at.ns / 100 ? mismatch.at.ns : span_ns * 100) {
    lines.clear();
    const VirtualTime from{std::max<int64_t>(0, mismatch.at.ns - span_ns)};
    const auto cursor = reader.guest_events(guest);
    RETURN_IF_ERROR(cursor->seek(from));
    for (GuestEvent event;;) {
      ASSIGN_OR_RETURN(const bool more, cursor->next(event));
      const bool is_it = event.sequence == mismatch.sequence && stream_name(event.kind) == mismatch.stream;
      if (!more || event.at > mismatch.at || is_it) {
        break;
      }
      lines.push_back(describe_event(reader.run(), guest, event));
      if (lines.size() > kContextEvents) {
        lines.pop_front();
      }
    }
    if (from.ns == 0) {
      break;
    }
  }
  return std::vector<std::string>(lines.begin(), lines.end());
}

Result<GuestReplay> result_of(TraceReader& reader, GuestIndex guest, const Verdict& verdict) {
  GuestReplay result{.name = reader.run().guests[guest.value].name,
                     .end = verdict.reached,
                     .frames = verdict.counts.frames,
                     .clock_reads = verdict.counts.clock_reads,
                     .console_bytes = verdict.counts.console_bytes,
                     .divergence = {}};
  if (verdict.error.has_value()) {
    return *verdict.error;
  }
  if (verdict.mismatch.has_value()) {
    const Mismatch& m = *verdict.mismatch;
    ASSIGN_OR_RETURN(auto context, context_before(reader, guest, m));
    result.divergence = Divergence{.guest = result.name,
                                   .stream = m.stream,
                                   .sequence = m.sequence,
                                   .at = m.at,
                                   .field = m.field,
                                   .expected = m.expected,
                                   .actual = m.actual,
                                   .context = std::move(context)};
  }
  return result;
}

Result<std::vector<GuestIndex>> chosen_guests(const TraceReader& reader, const ReplayOptions& options) {
  std::vector<GuestIndex> chosen;
  for (const std::string& name : options.guests) {
    const auto guest = reader.guest_by_name(name);
    if (!guest.has_value()) {
      return Error{ErrorKind::kUsage, fmt::format("{}: no guest '{}'; 'reprise info' lists them", options.trace.string(), name)};
    }
    chosen.push_back(*guest);
  }
  if (options.guests.empty()) {
    for (uint32_t i = 0; i < reader.run().guests.size(); ++i) {
      if (!reader.run().guests[i].omitted) {
        chosen.push_back(GuestIndex{i});
      }
    }
  }
  std::ranges::sort(chosen);
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

Status start_job(Job& job, const GuestInfo& guest, const GuestPrograms& programs, const ReplayOptions& options) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("cannot make a socket for guest '{}': {}", guest.name, std::strerror(errno))};
  }
  job.verdict_fd = ends[0];
  PluginLaunch launch{.replay = true,
                      .channel = ends[1],
                      .guest = job.guest.value,
                      .icount_shift = guest.icount_shift,
                      .trace = options.trace,
                      .identities = options.identities};
  if (!options.console_folder.empty()) {
    launch.console = options.console_folder / (guest.name + ".log");
  }
  Result<ChildProcess> child =
      ChildProcess::start({.command = guest_command(programs, guest, job.images, launch), .inherited_fd = ends[1], .die_with_us = true});
  close(ends[1]);
  if (!child.ok()) {
    return child.error();
  }
  job.qemu.emplace(std::move(child).value());
  return {};
}

/// Why the process of a replayed guest left without a verdict: its exit code is an ErrorKind if it knew (a trace that it cannot read, say).
Error without_verdict(Job& job, const GuestInfo& guest) {
  const auto status = job.qemu->wait_for(std::chrono::seconds(10));
  ErrorKind kind = ErrorKind::kRunFailed;
  if (status.has_value() && WIFEXITED(*status) && WEXITSTATUS(*status) >= static_cast<int>(ErrorKind::kUsage) &&
      WEXITSTATUS(*status) <= static_cast<int>(ErrorKind::kRunFailed)) {
    kind = static_cast<ErrorKind>(WEXITSTATUS(*status));
  }
  return Error{kind, fmt::format("the replay of guest '{}' gave no verdict: its {} {}; it said:\n{}", guest.name, runner_name(guest.kind),
                                 status.has_value() ? describe_wait_status(*status) : "hangs", job.qemu->printable_output())};
}

/// Reads what there is of the verdict; at its end, makes it the job's result.
Status read_verdict(Job& job, TraceReader& reader) {
  char buffer[4096];
  const ssize_t n = recv(job.verdict_fd, buffer, sizeof buffer, 0);
  if (n > 0) {
    job.verdict_text.append(buffer, static_cast<size_t>(n));
    return {};
  }
  close(job.verdict_fd);
  job.verdict_fd = -1;
  if (job.verdict_text.empty()) {
    return without_verdict(job, reader.run().guests[job.guest.value]);
  }
  job.qemu.reset();
  ASSIGN_OR_RETURN(const Verdict verdict, verdict_from_json(job.verdict_text));
  ASSIGN_OR_RETURN(job.result, result_of(reader, job.guest, verdict));
  return {};
}

Error interrupted() {
  return {ErrorKind::kRunFailed, "interrupted"};
}

Status wait_for_some(std::vector<Job>& jobs, TraceReader& reader, const Interrupt& interrupt) {
  std::vector<pollfd> polled;
  std::vector<Job*> owner;
  for (Job& job : jobs) {
    if (job.verdict_fd >= 0) {
      polled.push_back({.fd = job.verdict_fd, .events = POLLIN, .revents = 0});
      owner.push_back(&job);
    }
  }
  polled.push_back({.fd = interrupt.fd(), .events = POLLIN, .revents = 0});
  if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
    return Error{ErrorKind::kRunFailed, "cannot wait for the replayed guests"};
  }
  if (polled.back().revents != 0) {
    return interrupted();
  }
  for (size_t i = 0; i < owner.size(); ++i) {
    if (polled[i].revents != 0) {
      RETURN_IF_ERROR(read_verdict(*owner[i], reader));
    }
  }
  return {};
}

GuestReplay gateway_result(TraceReader& reader, GuestIndex guest) {
  const GuestStatistics statistics = reader.guest_statistics(guest);
  return {.name = reader.run().guests[guest.value].name,
          .end = statistics.last,
          .frames = statistics.frames_sent + statistics.frames_received,
          .clock_reads = 0,
          .console_bytes = statistics.console_bytes,
          .is_gateway = true,
          .divergence = {}};
}

/// Everything that can be said before a QEMU is started: the machine fits, and the trace does not contradict itself.
Result<std::vector<Job>> prepare(TraceReader& reader, const std::vector<GuestIndex>& guests, const GuestPrograms& programs,
                                 const ReplayHere& here, const Interrupt& interrupt) {
  std::vector<Job> jobs;
  ImageDigests digests;
  for (const GuestIndex guest : guests) {
    if (interrupt.arrived()) {
      return interrupted();
    }
    Job job;
    job.guest = guest;
    const GuestInfo& info = reader.run().guests[guest.value];
    if (info.kind != GuestKind::kGateway) {
      ASSIGN_OR_RETURN(job.images, check_provenance(info, programs, digests, here));
    }
    ASSIGN_OR_RETURN(const auto contradiction, find_contradiction(reader, guest));
    if (contradiction.has_value()) {
      ASSIGN_OR_RETURN(job.result,
                       result_of(reader, guest, {.reached = contradiction->at, .counts = {}, .mismatch = contradiction, .error = {}}));
    } else if (info.kind == GuestKind::kGateway) {
      job.result = gateway_result(reader, guest);
    }
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace

Status replay(const ReplayOptions& options, const std::function<void(const GuestReplay&)>& on_guest) {
  ASSIGN_OR_RETURN(const std::vector<AgeIdentity> identities, load_age_identities(options.identities));
  ASSIGN_OR_RETURN(const auto reader, TraceReader::open(options.trace, identities));
  if (reader->run().from > VirtualTime{}) {
    return Error{ErrorKind::kUsage,
                 fmt::format("{}: a part of a run that begins at {} s: a guest can only be run from its power-on; replay the "
                             "whole trace, or a part from 0",
                             options.trace.string(), seconds_text(reader->run().from))};
  }
  ASSIGN_OR_RETURN(const auto guests, chosen_guests(*reader, options));
  std::set<GuestKind> kinds;
  for (const GuestIndex guest : guests) {
    kinds.insert(reader->run().guests[guest.value].kind);
  }
  kinds.erase(GuestKind::kGateway);
  ASSIGN_OR_RETURN(const GuestPrograms programs, find_guest_programs(kinds));
  const Interrupt interrupt;  // before there is a folder that must not stay, and until it is gone
  ASSIGN_OR_RETURN(const CarriedImages carried, CarriedImages::extract(*reader, guests, !options.identities.empty()));
  const ReplayHere here{.carried = &carried, .any_program = options.any_program};
  ASSIGN_OR_RETURN(std::vector<Job> jobs, prepare(*reader, guests, programs, here, interrupt));
  if (!options.console_folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.console_folder, error);
    if (error) {
      return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be created: {}", options.console_folder.string(), error.message())};
    }
  }
  const size_t at_a_time = options.jobs != 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency());
  size_t reported = 0;
  size_t next = 0;
  while (reported < jobs.size()) {
    const auto running = static_cast<size_t>(std::ranges::count_if(jobs, [](const Job& job) { return job.verdict_fd >= 0; }));
    if (jobs[reported].result.has_value()) {
      on_guest(*jobs[reported++].result);
    } else if (next < jobs.size() && running < at_a_time) {
      Job& job = jobs[next++];
      if (!job.result.has_value()) {
        RETURN_IF_ERROR(start_job(job, reader->run().guests[job.guest.value], programs, options));
      }
    } else {
      RETURN_IF_ERROR(wait_for_some(jobs, *reader, interrupt));
    }
  }
  return {};
}

}  // namespace reprise
