#include "recorder/simgrid_platform.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <sstream>

#include "recorder/isolated_check.h"
#include "recorder/near_name.h"
#include "recorder/shown.h"
#include "recorder/simgrid_time.h"
#include "recorder/xml_file.h"

namespace reprise {
namespace {

using simgrid_compat::sg::Engine;
using simgrid_compat::sg::Host;
using simgrid_compat::sg::Link;

/// SimGrid takes SIGINT and SIGSEGV for itself when its engine starts; the recorder's own handlers must survive that.
class KeepSignalHandlers {
 public:
  KeepSignalHandlers() {
    for (size_t i = 0; i < kSignals.size(); ++i) {
      sigaction(kSignals[i], nullptr, &kept_[i]);
    }
  }
  ~KeepSignalHandlers() {
    for (size_t i = 0; i < kSignals.size(); ++i) {
      sigaction(kSignals[i], &kept_[i], nullptr);
    }
  }
  KeepSignalHandlers(const KeepSignalHandlers&) = delete;
  KeepSignalHandlers& operator=(const KeepSignalHandlers&) = delete;

 private:
  static constexpr std::array<int, 5> kSignals = {SIGINT, SIGSEGV, SIGTERM, SIGPIPE, SIGCHLD};
  std::array<struct sigaction, 5> kept_{};
};

/// What SimGrid must be told, unless the user told it something else.
std::vector<std::string> default_options(const SimgridSettings& set_by_user) {
  const std::vector<std::pair<std::string, std::string>> defaults = {
      {"network/model", "CM02"},      // latency + size / bandwidth, without LV08's factors for TCP
      {"network/crosstraffic", "0"},  // full duplex: replies do not slow requests down
      {"network/TCP-gamma", "0"},     // no TCP window: the guests bring their own
      {simgrid_compat::kPrecisionOption, kSimgridPrecision},
  };
  std::vector<std::string> options = {"--log=root.thres:warning"};
  for (const auto& [name, value] : defaults) {
    const bool precision = name == simgrid_compat::kPrecisionOption;
    const bool renamed = precision && (set_by_user.count(simgrid_compat::kOldPrecisionOption) != 0 ||
                                       set_by_user.count(simgrid_compat::kNewPrecisionOption) != 0);
    if (set_by_user.count(name) == 0 && !renamed) {
      options.push_back("--cfg=" + name + ":" + value);
    }
  }
  return options;
}

template <typename Component>
std::vector<std::string> names_of(const std::vector<Component*>& components) {
  std::vector<std::string> names;
  for (const auto* component : components) {
    names.push_back(component->get_name());
  }
  return names;
}

/// The line of SimGrid's output that says why it died, without its "[0.000000] file:line: [root/CRITICAL]".
std::string last_words(const std::string& output) {
  std::istringstream lines(output);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (const auto critical = line.find("/CRITICAL] "); critical != std::string::npos) {
      return line.substr(critical + std::string("/CRITICAL] ").size());
    }
    first = first.empty() ? line : first;
  }
  return first.empty() ? "nothing; it died" : first;
}

}  // namespace

SimgridPlatform::SimgridPlatform(std::filesystem::path file, std::vector<Attachment> guests, std::vector<std::string> arguments,
                                 NetworkConditions conditions, PlatformFile platform)
    : file_(std::move(file)),
      simgrid_file_(file_.string()),
      guests_(std::move(guests)),
      arguments_(std::move(arguments)),
      conditions_(std::move(conditions)),
      platform_(std::move(platform)) {}

Result<std::unique_ptr<SimgridPlatform>> SimgridPlatform::load(const std::filesystem::path& platform, const std::vector<Attachment>& guests,
                                                               const std::vector<std::string>& options,
                                                               const NetworkConditions& conditions) {
  static bool loaded = false;  // process-wide, as SimGrid's engine is
  CHECK(!loaded);
  CHECK(!guests.empty());
  ASSIGN_OR_RETURN(SimgridSettings settings, check_simgrid_options(options));
  ASSIGN_OR_RETURN(const PlatformFile in_file, check_platform_file(platform));
  settings.insert(in_file.settings.begin(), in_file.settings.end());  // what the command line has set stays
  RETURN_IF_ERROR(check_profiles(in_file, settings));

  std::vector<std::string> arguments = default_options(settings);
  arguments.insert(arguments.begin(), "reprise");
  arguments.insert(arguments.end(), options.begin(), options.end());
  std::unique_ptr<SimgridPlatform> result(new SimgridPlatform(platform, guests, arguments, conditions, in_file));
  if (settings.count(kLatencyFactorSetting) != 0) {
    RETURN_IF_ERROR(result->leave_out_latency_factor());
  }
  const IsolatedOutcome rehearsal = run_isolated([&result] {
    Status status = result->set_up();
    if (status.ok()) {
      status = result->try_frames();
    }
    static_cast<void>(result.release());  // the child exits; taking SimGrid down first could only add a crash
    return status;
  });
  if (!rehearsal.returned) {
    return result->simgrid_error(last_words(rehearsal.output));
  }
  RETURN_IF_ERROR(rehearsal.status);
  loaded = true;
  RETURN_IF_ERROR(result->set_up());
  return result;
}

Status SimgridPlatform::leave_out_latency_factor() {
  ASSIGN_OR_RETURN(const XmlFile file, read_xml_file(file_));
  const std::string text = without_latency_factor(file.text);
  const int fd = memfd_create("reprise-platform", MFD_CLOEXEC);  // as long as the process, like the engine
  if (fd < 0 || write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be copied for SimGrid: {}", file_.string(), std::strerror(errno))};
  }
  simgrid_file_ = fmt::format("/proc/self/fd/{}", fd);
  // SimGrid looks for profiles beside the file that it reads. What separates its settings cannot be in one.
  if (const std::string folder = file_.parent_path().string(); !folder.empty() && folder.find_first_of(" \t\n,") == std::string::npos) {
    arguments_.push_back("--cfg=path:" + folder);
  }
  return {};
}

/// Its first line, with FILE:LINE in front when SimGrid knows it.
Error SimgridPlatform::simgrid_error(std::string what) const {
  what.resize(std::min(what.size(), what.find('\n')));
  for (size_t at = 0; simgrid_file_ != file_ && (at = what.find(simgrid_file_, at)) != std::string::npos;) {
    what.replace(at, simgrid_file_.size(), file_.string());
    at += file_.string().size();
  }
  const std::string prefix = "Parse error at ";
  if (what.rfind(prefix + file_.string() + ":", 0) == 0) {
    return Error{ErrorKind::kUsage, what.substr(prefix.size())};
  }
  return Error{ErrorKind::kUsage, fmt::format("{}: SimGrid refuses this platform or its options: {}", file_.string(), what)};
}

Status SimgridPlatform::set_up() {
  try {
    start_engine();
    RETURN_IF_ERROR(find_hosts());
    RETURN_IF_ERROR(find_paths());
    RETURN_IF_ERROR(find_lookahead());
    RETURN_IF_ERROR(find_outages());
    install_latency_factor();
    return {};
  } catch (const std::exception& problem) {
    return simgrid_error(problem.what());
  }
}

Status SimgridPlatform::try_frames() {
  constexpr double kSecondsAtMost = 0.01;  // what is still under way then is not waited for
  const auto is_on = [](const auto* link_or_host) { return link_or_host->is_on(); };
  const auto way = std::ranges::find_if(paths_, [&](const SimgridPath& path) {
    return !path.links.empty() && path.from->is_on() && path.to->is_on() && std::ranges::all_of(path.links, is_on);
  });
  if (way == paths_.end()) {
    return {};
  }
  try {
    auto& frames = *new std::vector<simgrid_compat::sg::CommPtr>;  // as long as the engine, or it crashes: both end with the process
    for (const uint64_t bytes : {1, 1514, 65535}) {
      frames.push_back(simgrid_compat::sg::Comm::sendto_async(way->from, way->to, bytes));
    }
    engine_->run_until(way->latency_seconds + kSecondsAtMost);
    return {};
  } catch (const std::exception& problem) {
    return simgrid_error(problem.what());
  }
}

void SimgridPlatform::start_engine() {
  const KeepSignalHandlers keep;
  for (auto& argument : arguments_) {
    argv_.push_back(argument.data());
  }
  argv_.push_back(nullptr);
  int argc = static_cast<int>(arguments_.size());
  engine_ = std::make_unique<Engine>(&argc, argv_.data());
  engine_->load_platform(simgrid_file_);
  engine_->seal_platform();  // before it, zones with full routing lack their loopback, and asking for it aborts
}

Status SimgridPlatform::find_hosts() {
  for (const auto& guest : guests_) {
    Host* host = engine_->host_by_name_or_null(guest.host);
    if (host == nullptr) {
      std::vector<std::string> names;
      for (const auto* known : engine_->get_all_hosts()) {
        names.push_back(known->get_name());
      }
      std::sort(names.begin(), names.end());
      return Error{ErrorKind::kUsage, fmt::format("{}: {} has no host '{}'{}; it has {} hosts", guest.description, file_.string(),
                                                  guest.host, near_name_hint(guest.host, names), names.size())};
    }
    hosts_.push_back(host);
  }
  return {};
}

Status SimgridPlatform::find_paths() {
  paths_.resize(guests_.size() * guests_.size());
  std::map<const Link*, size_t> entrance_of;
  for (uint32_t from = 0; from < guest_count(); ++from) {
    for (uint32_t to = 0; to < guest_count(); ++to) {
      if (from == to) {
        continue;
      }
      RETURN_IF_ERROR(find_path({from}, {to}));
      auto& path = paths_[from * guest_count() + to];
      path.entrance = entrance_of.emplace(path.links.front(), entrance_of.size()).first->second;
      latency_of_[{path.from, path.to}] = path.latency_seconds;
    }
  }
  entrance_count_ = entrance_of.size();
  return {};
}

Status SimgridPlatform::find_path(GuestIndex from, GuestIndex to) {
  auto& path = paths_[from.value * guest_count() + to.value];
  path.from = hosts_[from.value];
  path.to = hosts_[to.value];
  path.from->route_to(path.to, path.links, &path.latency_seconds);
  if (path.links.empty()) {
    return Error{ErrorKind::kUsage,
                 fmt::format("{}: there is no route over links from host '{}' ({}) to host '{}' ({}); add a <route>", file_.string(),
                             path.from->get_name(), guests_[from.value].description, path.to->get_name(), guests_[to.value].description)};
  }
  for (const auto* link : path.links) {
    if (link->get_sharing_policy() == Link::SharingPolicy::WIFI) {
      return Error{ErrorKind::kUsage,
                   fmt::format("{}: the route from host '{}' to host '{}' uses the Wi-Fi link '{}'; Wi-Fi is not supported, "
                               "its stations have no fixed rate; use a wired link",
                               file_.string(), path.from->get_name(), path.to->get_name(), shown(link->get_name()))};
    }
    if (!(link->get_bandwidth() > 0)) {
      return Error{ErrorKind::kUsage, fmt::format("{}: link '{}' between host '{}' and host '{}' has no bandwidth; give it some",
                                                  file_.string(), shown(link->get_name()), path.from->get_name(), path.to->get_name())};
    }
    path.link_components.push_back(number_component(link));
  }
  path.host_components = {number_component(path.from), number_component(path.to)};
  find_fates(path);
  return {};
}

void SimgridPlatform::find_fates(SimgridPath& path) const {
  path.fates = FrameFates(conditions_.seed);
  for (const auto* link : path.links) {
    path.fates.add_link(link->get_name(), impairments_of(link->get_name()));
  }
}

/// Not from SimGrid: it makes two links of one that is split into two directions, and gives them no properties.
LinkImpairments SimgridPlatform::impairments_of(const std::string& link) const {
  for (const std::string_view suffix : {"", "_UP", "_DOWN"}) {
    if (link.ends_with(suffix)) {
      const auto found = platform_.links.find(link.substr(0, link.size() - suffix.size()));
      if (found != platform_.links.end()) {
        return found->second;
      }
    }
  }
  return {};
}

NetworkModel::PathFacts SimgridPlatform::path_facts(GuestIndex from, GuestIndex to) const {
  const SimgridPath& way = path(from, to);
  NetworkModel::PathFacts facts;
  facts.latency_seconds = way.latency_seconds;
  facts.bytes_per_second = way.links.front()->get_bandwidth();
  for (const auto* link : way.links) {
    facts.bytes_per_second = std::min(facts.bytes_per_second, link->get_bandwidth());
    const LinkImpairments impairments = impairments_of(link->get_name());
    facts.most_delay = facts.most_delay + impairments.jitter + impairments.reorder_delay;
    facts.lossy = facts.lossy || impairments.loss > 0;
  }
  return facts;
}

ComponentIndex SimgridPlatform::number_component(const void* link_or_host) {
  return component_of_.emplace(link_or_host, component_of_.size()).first->second;
}

std::optional<ComponentIndex> SimgridPlatform::component_of(const void* link_or_host) const {
  const auto found = component_of_.find(link_or_host);
  return found == component_of_.end() ? std::nullopt : std::optional(found->second);
}

Status SimgridPlatform::find_outages() {
  for (const Outage& outage : conditions_.outages) {
    if (outage.of == Outage::Of::kLink) {
      RETURN_IF_ERROR(find_outage_of_link(outage));
      continue;
    }
    const Host* host = engine_->host_by_name_or_null(outage.name);
    if (host == nullptr) {
      return unknown_name(outage, "host", names_of(engine_->get_all_hosts()));
    }
    plan(outage, host);
  }
  return {};
}

/// A link that is split into two directions goes down as a whole when it is called by its name in the platform file.
Status SimgridPlatform::find_outage_of_link(const Outage& outage) {
  bool found = false;
  for (const char* suffix : {"", "_UP", "_DOWN"}) {
    if (const Link* link = engine_->link_by_name_or_null(outage.name + suffix); link != nullptr) {
      plan(outage, link);
      found = true;
      if (*suffix == '\0') {
        break;
      }
    }
  }
  return found ? Status{} : unknown_name(outage, "link", names_of(engine_->get_all_links()));
}

void SimgridPlatform::plan(const Outage& outage, const void* link_or_host) {
  // What is on no path changes nothing when it is down.
  if (const auto component = component_of(link_or_host)) {
    outages_.push_back({*component, outage.down, outage.up});
  }
}

Error SimgridPlatform::unknown_name(const Outage& outage, const char* kind, std::vector<std::string> names) const {
  std::sort(names.begin(), names.end());
  return Error{ErrorKind::kUsage, fmt::format("{}: {} has no {} '{}'{}; it has {} of them", outage.description, file_.string(), kind,
                                              shown(outage.name), near_name_hint(outage.name, names), names.size())};
}

Status SimgridPlatform::find_lookahead() {
  lookahead_ = {1'000'000'000};  // a guest alone: nothing limits it
  std::optional<double> smallest;
  for (uint32_t from = 0; from < guest_count(); ++from) {
    for (uint32_t to = 0; to < guest_count(); ++to) {
      if (from == to) {
        continue;
      }
      const SimgridPath& forth = path({from}, {to});
      if (lookahead_for(forth.latency_seconds) < Duration{1}) {
        return latency_error(forth, {from}, {to});
      }
      if (!smallest || forth.latency_seconds < *smallest) {
        smallest = forth.latency_seconds;
      }
    }
  }
  if (smallest) {
    lookahead_ = lookahead_for(*smallest);
  }
  return {};
}

Error SimgridPlatform::latency_error(const SimgridPath& path, GuestIndex from, GuestIndex to) const {
  const std::string& sender = guests_[from.value].description;
  const std::string& receiver = guests_[to.value].description;
  if (path.from == path.to) {
    return Error{ErrorKind::kUsage,
                 fmt::format("{}: host '{}' is the same as that of {}, and its loopback has no latency; use another host, or "
                             "give the loopback a latency ('-- --cfg=network/loopback-lat:0.000001' is 1 us)",
                             receiver, path.to->get_name(), sender)};
  }
  return Error{
      ErrorKind::kUsage,
      fmt::format("{}: the path from host '{}' ({}) to host '{}' ({}) has a latency of {} s; the guests are synchronised by latency and "
                  "need at least 2 ns: give one of its links latency=\"1us\", say",
                  file_.string(), path.from->get_name(), sender, path.to->get_name(), receiver, path.latency_seconds)};
}

void SimgridPlatform::install_latency_factor() {
  simgrid_compat::set_latency_factor(*engine_, [this](const Host* from, const Host* to) {
    const auto latency = latency_of_.find({from, to});
    return latency == latency_of_.end() ? 1.0 : remaining_latency_factor(latency->second, lookahead_);
  });
}

std::string simgrid_version() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  sg_version_get(&major, &minor, &patch);
  return fmt::format("{}.{}", major, minor);
}

}  // namespace reprise
