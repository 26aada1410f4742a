// One run over a SimGrid platform: guests and SimGrid take turns, driven by SimGrid's timers.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "recorder/l2_switch.h"
#include "recorder/network_model.h"
#include "recorder/network_verdicts.h"
#include "recorder/nic_queue.h"
#include "recorder/rate_history.h"
#include "recorder/simgrid_platform.h"

namespace reprise {

/// The "shift" scheme. SimGrid's clock is never behind the guests, and while they run it stands at their horizon: a frame sent at s is
/// started in SimGrid at s + lookahead with its latency shortened by the lookahead, so it arrives at the right time, and every delivery
/// before the horizon is known with its exact time before any guest gets there. Rejected: stopping the guests at each of SimGrid's events,
/// which took 43,360 turns where this took 82.
///
/// Idle time is skipped: the next turn is one lookahead after the earliest instant at which a guest can send, that is the earlier of what
/// the guests promised and the first delivery.
///
/// All is driven from SimGrid's main thread ("maestro") by timers and completion callbacks; there are no actors, which cost 10 times more.
/// SimGrid runs timers before it reports completions of the same instant: a delivery at exactly the horizon belongs to the next turn.
class SimgridRun {
 public:
  SimgridRun(const SimgridPlatform& platform, Participants& participants, const NetworkModel::Limits& limits);
  SimgridRun(const SimgridRun&) = delete;
  SimgridRun& operator=(const SimgridRun&) = delete;

  /// Once. This object must outlive the engine, which keeps a callback to it.
  [[nodiscard]] Status run();

 private:
  /// One frame on its way to one receiver. A frame that a link duplicates is two of them.
  struct Copy {
    enum class State { kWaiting, kMoving, kCrossed, kArrived, kSettled };
    SentFrame frame;
    GuestIndex receiver;
    FrameFate fate;
    VirtualTime leaves;  ///< the NIC
    State state = State::kWaiting;
    VirtualTime crossed;                           ///< the network, jitter left out; from kCrossed on
    VirtualTime arrival;                           ///< from kArrived on
    simgrid_compat::Timer* start_timer = nullptr;  ///< while kWaiting
    simgrid_compat::sg::CommPtr comm;              ///< while kMoving, and until it is safe to let go
  };

  /// From one guest to another.
  struct Lane {
    std::deque<Copy*> frames;  ///< those not arrived, in the order of starting
    VirtualTime last_arrival;  ///< of those that keep their order
  };

  // A turn: deliver, let the guests run, take their frames, look for the next turn.
  void turn();
  [[nodiscard]] std::vector<Copy*> take_arrivals_before(VirtualTime horizon);
  [[nodiscard]] std::vector<Delivery> deliveries_of(const std::vector<Copy*>& arrivals) const;
  void settle_arrivals(const std::vector<Copy*>& arrivals);
  void accept(const std::vector<SentFrame>& sent);
  void enqueue(const SentFrame& frame, GuestIndex receiver, const FrameFate& fate);
  void plan(VirtualTime earliest_send);
  void schedule_turn(VirtualTime at);

  // A frame's way.
  void start(Copy& copy);
  [[nodiscard]] bool is_cut(const Copy& copy, VirtualTime until) const;
  [[nodiscard]] DropReason reason_of_cut(const Copy& copy) const;
  void watch_components();
  void on_completion(const simgrid_compat::sg::Comm& comm);
  void drop(Copy& copy, DropReason reason);
  void settle(Copy& copy, NetworkEvent::Kind kind, DropReason reason);
  void advance_lane(const Copy& moved);
  void forget_settled();

  void stop(Status outcome);
  void report_rest();
  [[nodiscard]] bool has_ended(GuestIndex guest, VirtualTime at) const { return at >= ended_at_[guest.value]; }
  [[nodiscard]] const SimgridPath& path_of(const Copy& copy) const { return platform_.path(copy.frame.sender, copy.receiver); }
  [[nodiscard]] Lane& lane(const Copy& copy) { return lanes_[copy.frame.sender.value * platform_.guest_count() + copy.receiver.value]; }

  const SimgridPlatform& platform_;
  Participants& participants_;
  const VirtualTime until_;
  const Duration turn_;  ///< how far guests run at a time: the lookahead, or less
  const std::optional<Duration> longest_idle_turn_;
  const VirtualTime end_;  ///< no turn is later: until_, or the last instant that SimGrid's clock can tell apart

  L2Switch switch_;
  NetworkVerdicts verdicts_;
  std::vector<NicQueue> nics_;
  std::vector<LinkEntrance> entrances_;
  std::vector<RateHistory> rates_;     ///< by ComponentIndex; of links with which paths begin
  std::vector<DownTimes> down_;        ///< by ComponentIndex
  std::vector<VirtualTime> ended_at_;  ///< never() for a guest that runs

  std::deque<std::unique_ptr<Copy>> copies_;  ///< all that are not settled, and settled ones behind them; in the order of sending
  std::vector<Lane> lanes_;                   ///< sender * guests + receiver
  std::vector<Copy*> arrived_;                ///< not handed over yet

  simgrid_compat::Timer* turn_timer_ = nullptr;
  VirtualTime turn_at_;
  VirtualTime horizon_;  ///< how far the guests have run
  bool stopped_ = false;
  Status outcome_;
};

}  // namespace reprise
