// When links and hosts are down.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

/// A link or a host that goes down at a time of the deployment.
struct Outage {
  enum class Of { kHost, kLink };
  Of of = Of::kHost;
  std::string name;                       ///< of the host or the link
  VirtualTime down = VirtualTime{-1};     ///< the first instant at which it is down
  VirtualTime up = VirtualTime::never();  ///< the first instant at which it is up again, later than `down`
  std::string description;                ///< "deployment.xml:12: outage": opens error messages
};

/// Sets what <prop id="`id`" value="`value`"/> of an outage says. The error's message has no place in it.
[[nodiscard]] Status set_outage_property(Outage& outage, std::string_view id, std::string_view value);
/// kUsage when it lacks its beginning, or ends before.
[[nodiscard]] Status check_outage(const Outage& outage);

/// When one link or host was down, and will be as far as that is known. Intervals are [down, up).
class DownTimes {
 public:
  void add(VirtualTime down, VirtualTime up) { intervals_.push_back({down, up}); }
  /// What a state profile does while time goes on. A state that it is in already changes nothing.
  void went_down(VirtualTime at);
  void came_up(VirtualTime at);

  /// Whether it is down at an instant of [from, to], ends included. Requires that what happens up to `to` was told.
  [[nodiscard]] bool within(VirtualTime from, VirtualTime to) const;
  [[nodiscard]] bool at(VirtualTime instant) const { return within(instant, instant); }
  /// Nothing before `past` will be asked about.
  void forget_before(VirtualTime past);

 private:
  struct Interval {
    VirtualTime down;
    VirtualTime up;
  };
  std::vector<Interval> intervals_;
  std::optional<VirtualTime> down_since_;  ///< of a profile that has not brought it up again
};

}  // namespace reprise
