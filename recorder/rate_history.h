// A link's bandwidth over time.
#pragma once

#include <iterator>
#include <map>

#include "trace_format/ids.h"

namespace reprise {

/// Knows the past, so that a frame is serialised at the rate that the link had when it was sent, however late that is looked at.
class RateHistory {
 public:
  explicit RateHistory(double bytes_per_second) : from_{{VirtualTime{}, bytes_per_second}} {}

  void change(VirtualTime at, double bytes_per_second) { from_[at] = bytes_per_second; }
  /// Bytes a second.
  [[nodiscard]] double at(VirtualTime instant) const { return std::prev(from_.upper_bound(instant))->second; }
  /// Nothing before `past` will be asked about.
  void forget_before(VirtualTime past) { from_.erase(from_.begin(), std::prev(from_.upper_bound(past))); }

 private:
  std::map<VirtualTime, double> from_;  ///< never empty; the first one counts from the beginning
};

}  // namespace reprise
