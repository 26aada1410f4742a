// A run at the pace of the host's clock, for `record --realtime`: only when the recorder lets guests run on, never what they see.
#pragma once

#include <chrono>

#include "trace_format/ids.h"

namespace reprise {

/// Virtual time never runs ahead of `factor` times the host's time since begin(). A run that falls behind by more than kMostCaughtUp does
/// not make up for it: who sits at a keyboard wants no fast-forward after a slow boot. What is less than that is made up for, else each
/// late wake-up of the host would slow the run down.
class Pacing {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr double kSlowest = 0.001;
  static constexpr double kFastest = 1000;
  static constexpr std::chrono::milliseconds kMostCaughtUp{100};

  /// Virtual seconds a host second, from kSlowest to kFastest (CHECK).
  explicit Pacing(double factor);

  /// Guests stand at virtual time 0, and the host's clock at `now`.
  void begin(Clock::time_point now);
  /// Not before this may guests be let run to `horizon`. Requires begin().
  [[nodiscard]] Clock::time_point due(VirtualTime horizon) const;
  /// At `now`, not before due(horizon), guests are let run to `horizon`.
  void let_run(VirtualTime horizon, Clock::time_point now);

  /// How far guests run at a time in a paced run: 5 ms of the host's time, so that what they print and what is typed gets through promptly.
  [[nodiscard]] static Duration longest_turn(double factor);

 private:
  double factor_;
  Clock::time_point host_;  // when virtual time was, or should have been, at virtual_
  VirtualTime virtual_;
};

}  // namespace reprise
