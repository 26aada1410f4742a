#include "recorder/pacing.h"

#include <algorithm>

#include "trace_format/status.h"

namespace reprise {
namespace {

constexpr double kTurnNs = 5e6;
/// A year: what is further away is as good as never, and adds up without overflow.
constexpr double kLongestWaitNs = 3.2e16;

}  // namespace

Pacing::Pacing(double factor) : factor_(factor) {
  CHECK(factor >= kSlowest && factor <= kFastest);
}

void Pacing::begin(Clock::time_point now) {
  host_ = now;
  virtual_ = {};
}

Pacing::Clock::time_point Pacing::due(VirtualTime horizon) const {
  const double host_ns = std::min(static_cast<double>(horizon.ns - virtual_.ns) / factor_, kLongestWaitNs);
  return host_ + std::chrono::nanoseconds(static_cast<int64_t>(host_ns));
}

void Pacing::let_run(VirtualTime horizon, Clock::time_point now) {
  const Clock::time_point planned = due(horizon);
  host_ = now - planned > kMostCaughtUp ? now : planned;
  virtual_ = horizon;
}

Duration Pacing::longest_turn(double factor) {
  return {std::max<int64_t>(1, static_cast<int64_t>(kTurnNs * factor))};
}

}  // namespace reprise
