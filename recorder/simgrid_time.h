// Every conversion between our integer nanoseconds and SimGrid's double seconds, with its rounding. SimGrid's seconds go nowhere else.
//
// A double holds about 16 digits: near 0 an ulp is far below a nanosecond; at 65,536 s it is 0.015 ns, more than the precision (1e-11 s)
// within which SimGrid takes two dates for the same, and then it can miss an event by an ulp and hang. Hence kLastInstant.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "trace_format/ids.h"

namespace reprise {

/// Within this, SimGrid takes two dates for one. Its default of 1e-9 completes frames up to 1 ns early; 1e-13 was seen to hang.
inline constexpr const char* kSimgridPrecision = "1e-11";

/// No run goes beyond this virtual time: 18 h 12 min 16 s.
inline constexpr VirtualTime kLastInstant{65'536'000'000'000};

/// For sending and for timers. The same nanosecond always gives the same double, so equal instants stay equal in SimGrid.
inline double to_simgrid(VirtualTime t) {
  return static_cast<double>(t.ns) * 1e-9;
}

/// For deliveries: up, because a frame must not arrive before its last bit did; but 0.01 ns are forgiven, because 112.000 us comes out of
/// SimGrid as 112.00000000001 us or 111.99999999999 us depending on what was added to what.
inline VirtualTime from_simgrid(double seconds) {
  constexpr double kForgivenNs = 0.01;
  return {static_cast<int64_t>(std::ceil(seconds * 1e9 - kForgivenNs))};
}

/// How far ahead SimGrid may run: 98 % of the smallest latency. It must stay strictly below that latency: a frame with no latency left when
/// it starts gets another weight in SimGrid's sharing (measured: 10.05 ms instead of 20.0). Below 1 ns there is no lookahead: 0.
inline Duration lookahead_for(double smallest_latency_seconds) {
  constexpr double kShare = 0.98;
  constexpr double kUlps = 1 + 1e-12;  // 100 us is 9.9999999999999991e-05: want 98,000 ns, not 97,999
  return {static_cast<int64_t>(std::floor(smallest_latency_seconds * kShare * 1e9 * kUlps))};
}

/// What is left of a path's latency for SimGrid to simulate when the frame starts `lookahead` late, as a factor.
inline double remaining_latency_factor(double latency_seconds, Duration lookahead) {
  return std::max(0.0, (latency_seconds - static_cast<double>(lookahead.ns) * 1e-9) / latency_seconds);
}

/// How long `bytes` occupy a link, in picoseconds: whole nanoseconds would add up to a wrong rate on links above 1 Gbit/s.
/// Bounded by 100,000 s, so that sums cannot overflow.
inline int64_t serialisation_ps(uint64_t bytes, double bytes_per_second) {
  constexpr double kLongest = 1e17;
  const double ps = static_cast<double>(bytes) / bytes_per_second * 1e12;
  return ps < kLongest ? std::llround(ps) : static_cast<int64_t>(kLongest);
}

}  // namespace reprise
