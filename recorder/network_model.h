// The two sides of a run: the participants (guests, that send and receive frames) and the network between them.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

/// A frame as its sender's NIC handed it out. Order of all frames of a run: (sent_at, sender, number).
struct SentFrame {
  VirtualTime sent_at;
  GuestIndex sender;
  SeqNo number;                                         ///< which of the sender's frames it is
  std::shared_ptr<const std::vector<uint8_t>> payload;  ///< a whole Ethernet frame without FCS
};

/// A frame that reaches a receiver's NIC at `at`. Order of all deliveries: (at, sender, number, receiver).
struct Delivery {
  VirtualTime at;
  GuestIndex receiver;
  SentFrame frame;
};

/// The guests, as the network sees them.
class Participants {
 public:
  virtual ~Participants() = default;

  struct Ended {
    GuestIndex guest;
    VirtualTime at;
  };
  struct Advance {
    std::vector<SentFrame> sent;  ///< all frames sent in [previous horizon, horizon), in order
    VirtualTime earliest_send;    ///< no guest sends before this unless a frame reaches it first; >= horizon; never() when all guests ended
    bool finished = false;        ///< all guests ended, or the run's --until was reached: the network stops
    /// Guests that ended in [previous horizon, horizon): what reaches them at or after `at` is reported as dropped.
    std::vector<Ended> ended = {};
  };

  /// Lets every guest run up to `horizon` (exclusive) and gives each its deliveries (in order, each `at` >= the previous horizon) at their
  /// times. Blocks. Fails when a guest died; the network then stops and hands the error on.
  [[nodiscard]] virtual Result<Advance> run_until(VirtualTime horizon, const std::vector<Delivery>& deliveries) = 0;

  /// The network's verdicts, in the order (at, sender, sender_frame, receiver), for the trace.
  virtual void on_network_event(const NetworkEvent& event) = 0;
};

/// Carries frames between hosts. One object a process and run.
class NetworkModel {
 public:
  struct Limits {
    VirtualTime until = VirtualTime::never();
    /// How far guests that are not idle run at a time, if that is less than the lookahead: whoever watches the run looks as often. Changes
    /// nothing that a guest sees.
    Duration longest_turn = {std::numeric_limits<int64_t>::max()};
    /// For a run into which something may come from outside at any time: how far guests that are all idle go at a time, so that it comes in
    /// promptly; and where all are idle for ever, the run waits. Nothing: idle time is skipped in one turn, and for ever is a dead-lock.
    std::optional<Duration> longest_idle_turn = {};
  };

  virtual ~NetworkModel() = default;
  /// Strictly below the smallest latency between two guests' hosts, and above 0.
  [[nodiscard]] virtual Duration lookahead() const = 0;
  /// What a frame of `from` that meets no other takes to reach `to`, which is another guest.
  struct PathFacts {
    double latency_seconds = 0;
    double bytes_per_second = 0;  ///< of its slowest link, as the platform file says
    Duration most_delay;          ///< that jitter and reordering add at most
    bool lossy = false;           ///< a link may lose frames
  };
  [[nodiscard]] virtual PathFacts path_facts(GuestIndex from, GuestIndex to) const = 0;
  /// Drives the run until the participants finish or `until` is reached: the last run_until() is never beyond `until`.
  [[nodiscard]] virtual Status simulate(Participants& participants, const Limits& limits) = 0;
};

}  // namespace reprise
