#include "recorder/supervisor.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "launcher/guest_machine.h"

namespace reprise {
namespace {

// A guest that was told to end seals its stream at its next deadline: at most one quantum away.
constexpr std::chrono::seconds kGrace{10};

std::vector<ImageInfo> images_of(const GuestInfo& guest, const std::filesystem::path& seeds) {
  std::vector<ImageInfo> images = guest.images;
  for (ImageInfo& image : images) {
    if (image.role == kSeedRole) {
      image.path = (seeds / image.path).string();
    }
  }
  return images;
}

Result<ChildProcess> start_guest(const GuestPrograms& programs, const GuestInfo& guest, const Supervisor::Options& options, uint32_t index,
                                 std::vector<GuestChannel>& channels) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("cannot make a socket for guest '{}': {}", guest.name, std::strerror(errno))};
  }
  channels.emplace_back(ends[0]);
  PluginLaunch launch{.channel = ends[1],
                      .guest = index,
                      .icount_shift = guest.icount_shift,
                      .stream_folder = options.stream_folder,
                      .durable = options.durable,
                      .show_console = options.show_consoles && guest.kind == GuestKind::kQemu,
                      .recipients = options.recipients};
  if (!options.console_folder.empty()) {
    launch.console = options.console_folder / (guest.name + ".log");
  }
  auto child = ChildProcess::start(
      {.command = guest_command(programs, guest, images_of(guest, options.seed_folder), launch), .inherited_fd = ends[1]});
  close(ends[1]);
  return child;
}

}  // namespace

Result<Supervisor> Supervisor::start(const GuestPrograms& programs, const RunInfo& run, const Options& options,
                                     std::vector<GuestChannel>& channels) {
  Supervisor supervisor;
  for (uint32_t i = 0; i < run.guests.size(); ++i) {
    ASSIGN_OR_RETURN(ChildProcess child, start_guest(programs, run.guests[i], options, i, channels));
    supervisor.children_.push_back(std::move(child));
    supervisor.kinds_.push_back(run.guests[i].kind);
  }
  return supervisor;
}

std::string Supervisor::describe_end(GuestIndex guest) {
  ChildProcess& child = children_[guest.value];
  const auto status = child.wait_for(kGrace);
  std::string text =
      fmt::format("its {} {}", runner_name(kinds_[guest.value]), status.has_value() ? describe_wait_status(*status) : "hangs");
  if (const std::string output = child.printable_output(); !output.empty()) {
    text += "; it said:\n" + output;
  }
  return text;
}

bool Supervisor::misses_something(GuestIndex guest) {
  const auto status = children_[guest.value].wait_for(kGrace);
  return status.has_value() && WIFEXITED(*status) && WEXITSTATUS(*status) == static_cast<int>(ErrorKind::kMachine);
}

std::string Supervisor::words_of(GuestIndex guest) const {
  return children_[guest.value].printable_output();
}

void Supervisor::wait_then_kill() {
  for (ChildProcess& child : children_) {
    if (!child.wait_for(kGrace).has_value()) {
      child.kill();
    }
  }
}

}  // namespace reprise
