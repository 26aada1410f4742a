#include "recorder/simgrid_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "recorder/simgrid_time.h"

namespace reprise {
namespace {

using simgrid_compat::Timer;
using simgrid_compat::sg::Activity;
using simgrid_compat::sg::Comm;
using simgrid_compat::sg::Engine;

auto sending_order(const SentFrame& frame) {
  return std::tie(frame.sent_at, frame.sender, frame.number);
}

/// SimGrid never starts a comm of 0 bytes.
uint64_t wire_bytes(const SentFrame& frame) {
  return std::max<uint64_t>(1, frame.payload->size());
}

}  // namespace

SimgridRun::SimgridRun(const SimgridPlatform& platform, Participants& participants, const NetworkModel::Limits& limits)
    : platform_(platform),
      participants_(participants),
      until_(limits.until),
      turn_(std::min(platform.lookahead(), limits.longest_turn)),
      longest_idle_turn_(limits.longest_idle_turn),
      end_(std::min(until_, kLastInstant)),
      switch_(platform.guest_count()),
      nics_(platform.guest_count()),
      entrances_(platform.entrance_count()),
      rates_(platform.component_count(), RateHistory(0)),
      down_(platform.component_count()),
      ended_at_(platform.guest_count(), VirtualTime::never()),
      lanes_(size_t{platform.guest_count()} * platform.guest_count()) {
  for (const auto& outage : platform.outages()) {
    down_[outage.component].add(outage.down, outage.up);
  }
  for (uint32_t from = 0; from < platform.guest_count(); ++from) {
    for (uint32_t to = 0; to < platform.guest_count(); ++to) {
      if (from != to) {
        const SimgridPath& path = platform.path({from}, {to});
        rates_[path.link_components.front()] = RateHistory(path.links.front()->get_bandwidth());
      }
    }
  }
}

Status SimgridRun::run() {
  // Callbacks cannot be taken back from SimGrid: this object must live until the engine is gone.
  simgrid_compat::on_comm_completion([this](const Comm& comm) { on_completion(comm); });
  watch_components();
  schedule_turn(std::min(VirtualTime{turn_.ns}, end_));
  try {
    platform_.engine().run();
    if (!stopped_) {
      outcome_ = Error{ErrorKind::kRunFailed, fmt::format("SimGrid stopped by itself after {} ns of virtual time", horizon_.ns)};
    }
  } catch (const std::exception& problem) {
    outcome_ = Error{ErrorKind::kRunFailed, fmt::format("SimGrid failed after {} ns of virtual time: {}", horizon_.ns, problem.what())};
  }
  stopped_ = true;
  report_rest();
  copies_.clear();  // before the engine goes: comms that outlive it crash
  return outcome_;
}

/// What profiles do to links and hosts.
void SimgridRun::watch_components() {
  const auto note_state = [this](const void* link_or_host, bool on) {
    if (const auto component = platform_.component_of(link_or_host)) {
      const VirtualTime now = from_simgrid(Engine::get_clock());
      on ? down_[*component].came_up(now) : down_[*component].went_down(now);
    }
  };
  simgrid_compat::on_state_change([note_state](const simgrid_compat::sg::Link& link) { note_state(&link, link.is_on()); },
                                  [note_state](const simgrid_compat::sg::Host& host) { note_state(&host, host.is_on()); });
  simgrid_compat::on_bandwidth_change([this](const simgrid_compat::sg::Link& link) {
    if (const auto component = platform_.component_of(&link)) {
      rates_[*component].change(from_simgrid(Engine::get_clock()), link.get_bandwidth());
    }
  });
}

void SimgridRun::turn() {
  turn_timer_ = nullptr;  // SimGrid deletes it after this call
  const VirtualTime horizon = turn_at_;
  const std::vector<Copy*> arrivals = take_arrivals_before(horizon);
  Result<Participants::Advance> advance = participants_.run_until(horizon, deliveries_of(arrivals));
  if (!advance.ok()) {
    return stop(advance.error());
  }
  for (const auto& [guest, at] : advance->ended) {
    ended_at_[guest.value] = std::min(ended_at_[guest.value], at);
  }
  settle_arrivals(arrivals);
  horizon_ = horizon;
  accept(advance->sent);
  forget_settled();
  if (advance->finished || horizon == until_) {
    return stop({});
  }
  if (horizon == end_) {
    return stop(
        Error{ErrorKind::kRunFailed,
              fmt::format("the run reached {} s of virtual time, beyond which SimGrid cannot tell nanoseconds apart; end it earlier with "
                          "--until",
                          kLastInstant.ns / 1'000'000'000)});
  }
  CHECK(advance->earliest_send >= horizon);
  plan(advance->earliest_send);
}

std::vector<SimgridRun::Copy*> SimgridRun::take_arrivals_before(VirtualTime horizon) {
  const auto later = std::partition(arrived_.begin(), arrived_.end(), [&](const Copy* copy) { return copy->arrival < horizon; });
  std::vector<Copy*> due(arrived_.begin(), later);
  arrived_.erase(arrived_.begin(), later);
  std::sort(due.begin(), due.end(), [](const Copy* a, const Copy* b) {
    return std::tie(a->arrival, a->frame.sender, a->frame.number, a->receiver) <
           std::tie(b->arrival, b->frame.sender, b->frame.number, b->receiver);
  });
  CHECK(due.empty() || due.front()->arrival >= horizon_);  // in no guest's past
  // Here and not before: with jitter, a link may have gone down since the frame left SimGrid's network.
  std::erase_if(due, [this](Copy* copy) {
    const bool cut = is_cut(*copy, copy->arrival);
    if (cut) {
      settle(*copy, NetworkEvent::Kind::kDropped, reason_of_cut(*copy));
    }
    return cut;
  });
  return due;
}

std::vector<Delivery> SimgridRun::deliveries_of(const std::vector<Copy*>& arrivals) const {
  std::vector<Delivery> deliveries;
  for (const Copy* copy : arrivals) {
    if (!has_ended(copy->receiver, copy->arrival)) {
      deliveries.push_back({copy->arrival, copy->receiver, copy->frame});
    }
  }
  return deliveries;
}

/// After the guests ran: only now it is known who had ended before a frame reached it.
void SimgridRun::settle_arrivals(const std::vector<Copy*>& arrivals) {
  for (Copy* copy : arrivals) {
    if (has_ended(copy->receiver, copy->arrival)) {
      settle(*copy, NetworkEvent::Kind::kDropped, DropReason::kReceiverEnded);
    } else {
      settle(*copy, NetworkEvent::Kind::kDelivered, {});
    }
  }
}

void SimgridRun::accept(const std::vector<SentFrame>& sent) {
  for (auto& entrance : entrances_) {
    entrance.forget_before(horizon_ - platform_.lookahead());
  }
  for (size_t i = 0; i < sent.size(); ++i) {
    const SentFrame& frame = sent[i];
    CHECK(frame.payload != nullptr && frame.sent_at < horizon_);
    CHECK(frame.sent_at + platform_.lookahead() >= horizon_);  // else a guest sent before it said it could
    CHECK(i == 0 || sending_order(sent[i - 1]) < sending_order(frame));
    for (const GuestIndex receiver : switch_.receivers(frame.sender, *frame.payload)) {
      for (const FrameFate& fate : platform_.path(frame.sender, receiver).fates.of({frame.sender, frame.number, receiver})) {
        enqueue(frame, receiver, fate);
      }
    }
  }
}

void SimgridRun::enqueue(const SentFrame& frame, GuestIndex receiver, const FrameFate& fate) {
  const SimgridPath& path = platform_.path(frame.sender, receiver);
  const int64_t duration = serialisation_ps(wire_bytes(frame), rates_[path.link_components.front()].at(frame.sent_at));
  auto copy = std::make_unique<Copy>();
  copy->leaves = nics_[frame.sender.value].enqueue(frame.sent_at, duration, entrances_[path.entrance]);
  copy->frame = frame;
  copy->receiver = receiver;
  copy->fate = fate;
  copy->start_timer = Timer::set(to_simgrid(copy->leaves + platform_.lookahead()), [this, waiting = copy.get()] { start(*waiting); });
  lane(*copy).frames.push_back(copy.get());
  copies_.push_back(std::move(copy));
}

void SimgridRun::plan(VirtualTime earliest_send) {
  VirtualTime next = earliest_send;
  for (const Copy* copy : arrived_) {
    next = std::min(next, copy->arrival);
  }
  if (longest_idle_turn_.has_value()) {
    next = std::min(next, horizon_ + *longest_idle_turn_);
  }
  if (next == VirtualTime::never() && copies_.empty() && until_ == VirtualTime::never()) {
    return stop(
        Error{ErrorKind::kRunFailed,
              fmt::format("dead-lock at {} ns of virtual time: all guests are idle for ever and no frame is under way, so nothing can "
                          "happen any more; give the run an end with --until",
                          horizon_.ns)});
  }
  schedule_turn(next < end_ ? std::min(next + turn_, end_) : end_);
}

void SimgridRun::schedule_turn(VirtualTime at) {
  if (turn_timer_ != nullptr) {
    if (turn_at_ <= at) {
      return;
    }
    turn_timer_->remove();
  }
  turn_at_ = at;
  turn_timer_ = Timer::set(to_simgrid(at), [this] { turn(); });
}

void SimgridRun::start(Copy& copy) {
  copy.start_timer = nullptr;
  // SimGrid itself must not be asked: over a link that is down a comm hangs for ever, and to a host that is off it aborts.
  if (is_cut(copy, copy.leaves + platform_.lookahead())) {
    return drop(copy, reason_of_cut(copy));
  }
  if (copy.fate.lost) {
    return drop(copy, DropReason::kLoss);
  }
  const SimgridPath& path = path_of(copy);
  copy.state = Copy::State::kMoving;
  copy.comm = Comm::sendto_async(path.from, path.to, wire_bytes(copy.frame));
  copy.comm->set_data(&copy);
}

/// Whether a part of its way was down at an instant between its leaving and `until`.
bool SimgridRun::is_cut(const Copy& copy, VirtualTime until) const {
  const auto was_down = [&](ComponentIndex component) { return down_[component].within(copy.leaves, until); };
  const SimgridPath& path = path_of(copy);
  return std::ranges::any_of(path.host_components, was_down) || std::ranges::any_of(path.link_components, was_down);
}

DropReason SimgridRun::reason_of_cut(const Copy& copy) const {
  const auto was_down = [&](ComponentIndex component) { return down_[component].at(copy.leaves); };
  const SimgridPath& path = path_of(copy);
  if (std::ranges::any_of(path.host_components, was_down)) {
    return DropReason::kHostDown;
  }
  return std::ranges::any_of(path.link_components, was_down) ? DropReason::kLinkDown : DropReason::kInFlightFailure;
}

void SimgridRun::on_completion(const Comm& comm) {
  auto* copy = comm.get_data<Copy>();
  if (stopped_ || copy == nullptr || copy->state != Copy::State::kMoving) {
    return;
  }
  if (comm.get_state() != Activity::State::FINISHED) {
    return drop(*copy, DropReason::kInFlightFailure);
  }
  copy->state = Copy::State::kCrossed;
  copy->crossed = from_simgrid(Engine::get_clock());
  advance_lane(*copy);
}

void SimgridRun::drop(Copy& copy, DropReason reason) {
  settle(copy, NetworkEvent::Kind::kDropped, reason);
  advance_lane(copy);
  // A turn that nothing else calls for: if this was the last frame under way, the guests may now wait for ever, and that must be noticed.
  schedule_turn(std::min(from_simgrid(Engine::get_clock()) + turn_, end_));
}

void SimgridRun::settle(Copy& copy, NetworkEvent::Kind kind, DropReason reason) {
  copy.state = Copy::State::kSettled;
  const VirtualTime at = kind == NetworkEvent::Kind::kDelivered ? copy.arrival : copy.frame.sent_at;
  verdicts_.add({kind, reason, at, copy.frame.sent_at, copy.frame.sender, copy.frame.number, copy.receiver, {}});
}

/// Frames from one guest to another arrive in the order of sending, as Ethernet promises: SimGrid's fluid flows let a short frame overtake
/// a long one where they share a link slower than the NIC's, and jitter would let a lucky one overtake. The overtaker waits here; only a
/// frame that its link reorders stands aside until its time has come.
void SimgridRun::advance_lane(const Copy& moved) {
  Lane& way = lane(moved);
  std::deque<Copy*>& frames = way.frames;
  const VirtualTime now = from_simgrid(Engine::get_clock());
  VirtualTime first = VirtualTime::never();
  while (!frames.empty() && (frames.front()->state == Copy::State::kCrossed || frames.front()->state == Copy::State::kSettled)) {
    Copy* front = frames.front();
    frames.pop_front();
    if (front->state == Copy::State::kCrossed) {
      front->state = Copy::State::kArrived;
      front->arrival = std::max({now, way.last_arrival, front->crossed + front->fate.jitter});
      if (front->fate.hold == Duration{}) {
        way.last_arrival = front->arrival;
      }
      front->arrival = front->arrival + front->fate.hold;
      arrived_.push_back(front);
      first = std::min(first, front->arrival);
    }
  }
  if (first != VirtualTime::never()) {
    schedule_turn(std::min(first + turn_, end_));  // the receiver may answer at once
  }
}

/// Lets go of what is settled, and reports what can be reported: a frame still under way may yet be dropped, dated by its sending.
void SimgridRun::forget_settled() {
  while (!copies_.empty() && copies_.front()->state == Copy::State::kSettled) {
    copies_.pop_front();
  }
  const VirtualTime oldest = copies_.empty() ? horizon_ : copies_.front()->frame.sent_at;
  verdicts_.release_before(oldest, participants_);
  const VirtualTime past = std::max(VirtualTime{}, std::min(oldest, horizon_ - platform_.lookahead()));
  for (DownTimes& down : down_) {
    down.forget_before(past);
  }
  for (RateHistory& rate : rates_) {
    rate.forget_before(past);
  }
}

/// Makes SimGrid's run() come back: nothing is left to wait for. Comms are held until then, SimGrid still looks at them.
void SimgridRun::stop(Status outcome) {
  stopped_ = true;
  outcome_ = std::move(outcome);
  if (turn_timer_ != nullptr) {
    turn_timer_->remove();
    turn_timer_ = nullptr;
  }
  for (auto& copy : copies_) {
    if (copy->start_timer != nullptr) {
      copy->start_timer->remove();
      copy->start_timer = nullptr;
    }
    if (copy->state == Copy::State::kMoving) {
      copy->comm->cancel();
    }
  }
}

/// What is under way at the end has no verdict, except that a guest that has ended will not get it.
void SimgridRun::report_rest() {
  for (auto& copy : copies_) {
    if (copy->state != Copy::State::kSettled && ended_at_[copy->receiver.value] != VirtualTime::never()) {
      settle(*copy, NetworkEvent::Kind::kDropped, DropReason::kReceiverEnded);
    }
  }
  verdicts_.release_before(VirtualTime::never(), participants_);
}

}  // namespace reprise
