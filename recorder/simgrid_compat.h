// One source for SimGrid 3.32 (bookworm) and 4.x (trixie): the few names that changed.
#pragma once

#include <simgrid/s4u.hpp>  // first: version.h needs what it defines

#include <simgrid/version.h>

#include <simgrid/kernel/Timer.hpp>
#if SIMGRID_VERSION < 33300
#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#endif

#include <functional>
#include <unordered_set>
#include <vector>

namespace reprise::simgrid_compat {

namespace sg = simgrid::s4u;
using Timer = simgrid::kernel::timer::Timer;

/// Old and new name of one option.
inline constexpr const char* kOldPrecisionOption = "surf/precision";
inline constexpr const char* kNewPrecisionOption = "precision/timing";
#if SIMGRID_VERSION >= 33300
inline constexpr const char* kPrecisionOption = kNewPrecisionOption;
#else
inline constexpr const char* kPrecisionOption = kOldPrecisionOption;
#endif

/// Called for each comm that completes, fails or is cancelled; on 3.32 twice for a cancelled one.
inline void on_comm_completion(const std::function<void(const sg::Comm&)>& callback) {
#if SIMGRID_VERSION >= 33300
  sg::Comm::on_completion_cb(callback);
#else
  sg::Activity::on_completion_cb([callback](const sg::Activity& activity) {
    if (const auto* comm = dynamic_cast<const sg::Comm*>(&activity); comm != nullptr) {
      callback(*comm);
    }
  });
#endif
}

/// Called when a link or a host goes down or comes up, whatever its state was.
inline void on_state_change(const std::function<void(const sg::Link&)>& of_link, const std::function<void(const sg::Host&)>& of_host) {
#if SIMGRID_VERSION >= 33300
  sg::Link::on_onoff_cb(of_link);
  sg::Host::on_onoff_cb(of_host);
#else
  sg::Link::on_state_change_cb(of_link);
  sg::Host::on_state_change_cb(of_host);
#endif
}

inline void on_bandwidth_change(const std::function<void(const sg::Link&)>& of_link) {
  sg::Link::on_bandwidth_change_cb(of_link);
}

/// `factor(source, destination)` multiplies the latency of each comm that starts.
inline void set_latency_factor(const sg::Engine& engine, const std::function<double(const sg::Host*, const sg::Host*)>& factor) {
  const auto callback = [factor](double, const sg::Host* source, const sg::Host* destination, const std::vector<sg::Link*>&,
                                 const std::unordered_set<sg::NetZone*>&) { return factor(source, destination); };
#if SIMGRID_VERSION >= 33300
  engine.get_netzone_root()->set_latency_factor_cb(callback);
#else
  engine.get_netzone_root()->get_network_model()->set_lat_factor_cb(callback);
#endif
}

}  // namespace reprise::simgrid_compat
