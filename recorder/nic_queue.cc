#include "recorder/nic_queue.h"

#include <algorithm>

namespace reprise {
namespace {

constexpr int64_t kPsPerNs = 1000;
/// Beyond every run (107 days), and far enough from the end of int64 that one more frame fits.
constexpr int64_t kFarthestPs = INT64_MAX - 1'000'000'000'000'000'000;

int64_t round_up_to_ns(int64_t ps) {
  return (ps + kPsPerNs - 1) / kPsPerNs;
}

}  // namespace

VirtualTime LinkEntrance::claim(VirtualTime earliest) {
  for (auto next = taken_.lower_bound(earliest); next != taken_.end() && *next == earliest; ++next) {
    earliest.ns += 1;
  }
  taken_.insert(earliest);
  return earliest;
}

void LinkEntrance::forget_before(VirtualTime past) {
  taken_.erase(taken_.begin(), taken_.lower_bound(past));
}

VirtualTime NicQueue::enqueue(VirtualTime ready, int64_t serialisation_ps, LinkEntrance& link) {
  const int64_t wire_ps = std::max(ready.ns * kPsPerNs, free_ps_);
  const VirtualTime start = link.claim(std::max({ready, VirtualTime{round_up_to_ns(wire_ps)}, VirtualTime{last_start_.ns + 1}}));
  last_start_ = start;
  // Rounded up to its nanosecond the frame still counts from the exact instant; pushed back by another frame it counts from there.
  const bool only_rounded = start.ns * kPsPerNs - wire_ps < kPsPerNs;
  free_ps_ = std::min((only_rounded ? wire_ps : start.ns * kPsPerNs) + serialisation_ps, kFarthestPs);
  return start;
}

}  // namespace reprise
