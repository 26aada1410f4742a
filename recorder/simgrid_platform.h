// SimGrid's engine with the platform loaded and the guests attached: who is where, and which way frames go.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "recorder/frame_fates.h"
#include "recorder/platform_file.h"
#include "recorder/simgrid_compat.h"
#include "recorder/simgrid_network.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

/// A link or a host, by number: what is down or up.
using ComponentIndex = size_t;

/// The way from one guest's host to another's. SimGrid's routes do not change during a run.
struct SimgridPath {
  simgrid_compat::sg::Host* from = nullptr;
  simgrid_compat::sg::Host* to = nullptr;
  std::vector<simgrid_compat::sg::Link*> links;  ///< not empty
  double latency_seconds = 0;
  size_t entrance = 0;                              ///< number of its first link among all first links, from 0
  std::vector<ComponentIndex> link_components;      ///< as `links`
  std::array<ComponentIndex, 2> host_components{};  ///< of `from` and `to`
  FrameFates fates;                                 ///< what its links do to frames
};

class SimgridPlatform {
 public:
  /// As make_simgrid_network(). First in a child process, because SimGrid aborts on some mistakes and prints more than its message.
  [[nodiscard]] static Result<std::unique_ptr<SimgridPlatform>> load(const std::filesystem::path& platform,
                                                                     const std::vector<Attachment>& guests,
                                                                     const std::vector<std::string>& options,
                                                                     const NetworkConditions& conditions);

  [[nodiscard]] const simgrid_compat::sg::Engine& engine() const { return *engine_; }
  [[nodiscard]] uint32_t guest_count() const { return static_cast<uint32_t>(guests_.size()); }
  [[nodiscard]] Duration lookahead() const { return lookahead_; }
  /// Of two different guests.
  [[nodiscard]] const SimgridPath& path(GuestIndex from, GuestIndex to) const { return paths_[from.value * guest_count() + to.value]; }
  [[nodiscard]] NetworkModel::PathFacts path_facts(GuestIndex from, GuestIndex to) const;
  /// How many different links paths begin with.
  [[nodiscard]] size_t entrance_count() const { return entrance_count_; }
  /// Links and hosts of all paths.
  [[nodiscard]] size_t component_count() const { return component_of_.size(); }
  /// Nothing for a link or host that is on no path.
  [[nodiscard]] std::optional<ComponentIndex> component_of(const void* link_or_host) const;

  struct PlannedOutage {
    ComponentIndex component;
    VirtualTime down;
    VirtualTime up;
  };
  [[nodiscard]] const std::vector<PlannedOutage>& outages() const { return outages_; }

 private:
  SimgridPlatform(std::filesystem::path file, std::vector<Attachment> guests, std::vector<std::string> arguments,
                  NetworkConditions conditions, PlatformFile platform);

  /// A copy for SimGrid without the setting that it would not take.
  Status leave_out_latency_factor();
  /// A message of SimGrid's about what it read.
  [[nodiscard]] Error simgrid_error(std::string what) const;
  Status set_up();
  /// Sends a few, of a short, a usual and the greatest length, as far as they get in a moment: SimGrid looks at some settings only then,
  /// and aborts. For a process that is thrown away: the engine cannot begin anew.
  Status try_frames();
  void start_engine();
  Status find_hosts();
  Status find_paths();
  Status find_path(GuestIndex from, GuestIndex to);
  Status find_lookahead();
  void find_fates(SimgridPath& path) const;
  [[nodiscard]] LinkImpairments impairments_of(const std::string& link) const;
  Status find_outages();
  Status find_outage_of_link(const Outage& outage);
  void plan(const Outage& outage, const void* link_or_host);
  [[nodiscard]] ComponentIndex number_component(const void* link_or_host);
  [[nodiscard]] Error unknown_name(const Outage& outage, const char* kind, std::vector<std::string> names) const;
  void install_latency_factor();
  [[nodiscard]] Error latency_error(const SimgridPath& path, GuestIndex from, GuestIndex to) const;

  std::filesystem::path file_;
  std::string simgrid_file_;  ///< what SimGrid reads: file_, or a copy in memory
  std::vector<Attachment> guests_;
  std::vector<std::string> arguments_;  ///< the engine keeps pointers into them
  NetworkConditions conditions_;
  PlatformFile platform_;
  std::vector<char*> argv_;
  std::unique_ptr<simgrid_compat::sg::Engine> engine_;
  std::vector<simgrid_compat::sg::Host*> hosts_;  ///< in GuestIndex order
  std::vector<SimgridPath> paths_;                ///< from * guests + to
  size_t entrance_count_ = 0;
  /// Only looked up, never walked: the order of pointers is not the same in two runs.
  std::map<std::pair<const simgrid_compat::sg::Host*, const simgrid_compat::sg::Host*>, double> latency_of_;
  std::map<const void*, ComponentIndex> component_of_;  ///< the same
  std::vector<PlannedOutage> outages_;
  Duration lookahead_;
};

}  // namespace reprise
