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
      end_(std::min(until_, kLastInstant)),
      switch_(platform.guest_count()),
      nics_(platform.guest_count()),
      entrances_(platform.entrance_count()),
      ended_at_(platform.guest_count(), VirtualTime::never()),
      lanes_(size_t{platform.guest_count()} * platform.guest_count()) {}

Status SimgridRun::run() {
  // The callback cannot be taken back from SimGrid: this object must live until the engine is gone.
  simgrid_compat::on_comm_completion([this](const Comm& comm) { on_completion(comm); });
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
      enqueue(frame, receiver);
    }
  }
}

void SimgridRun::enqueue(const SentFrame& frame, GuestIndex receiver) {
  const SimgridPath& path = platform_.path(frame.sender, receiver);
  const int64_t duration = serialisation_ps(wire_bytes(frame), path.links.front()->get_bandwidth());
  const VirtualTime leaves = nics_[frame.sender.value].enqueue(frame.sent_at, duration, entrances_[path.entrance]);
  auto copy = std::make_unique<Copy>();
  copy->frame = frame;
  copy->receiver = receiver;
  copy->start_timer = Timer::set(to_simgrid(leaves + platform_.lookahead()), [this, waiting = copy.get()] { start(*waiting); });
  lane(*copy).push_back(copy.get());
  copies_.push_back(std::move(copy));
}

void SimgridRun::plan(VirtualTime earliest_send) {
  VirtualTime next = earliest_send;
  for (const Copy* copy : arrived_) {
    next = std::min(next, copy->arrival);
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
  const SimgridPath& path = platform_.path(copy.frame.sender, copy.receiver);
  // SimGrid itself must not be asked: over a link that is down a comm hangs for ever, and to a host that is off it aborts.
  if (const auto reason = obstacle(path)) {
    return drop(copy, *reason);
  }
  copy.state = Copy::State::kMoving;
  copy.comm = Comm::sendto_async(path.from, path.to, wire_bytes(copy.frame));
  copy.comm->set_data(&copy);
}

std::optional<DropReason> SimgridRun::obstacle(const SimgridPath& path) const {
  if (!path.from->is_on() || !path.to->is_on()) {
    return DropReason::kHostDown;
  }
  const bool all_on = std::all_of(path.links.begin(), path.links.end(), [](const auto* link) { return link->is_on(); });
  return all_on ? std::nullopt : std::optional(DropReason::kLinkDown);
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
/// a long one where they share a link slower than the NIC's. The overtaker waits here.
void SimgridRun::advance_lane(const Copy& moved) {
  auto& frames = lane(moved);
  const VirtualTime now = from_simgrid(Engine::get_clock());
  bool arrived = false;
  while (!frames.empty() && (frames.front()->state == Copy::State::kCrossed || frames.front()->state == Copy::State::kSettled)) {
    Copy* front = frames.front();
    frames.pop_front();
    if (front->state == Copy::State::kCrossed) {
      front->state = Copy::State::kArrived;
      front->arrival = now;
      arrived_.push_back(front);
      arrived = true;
    }
  }
  if (arrived) {
    schedule_turn(std::min(now + turn_, end_));  // the receiver may answer at once
  }
}

/// Lets go of what is settled, and reports what can be reported: a frame still under way may yet be dropped, dated by its sending.
void SimgridRun::forget_settled() {
  while (!copies_.empty() && copies_.front()->state == Copy::State::kSettled) {
    copies_.pop_front();
  }
  verdicts_.release_before(copies_.empty() ? horizon_ : copies_.front()->frame.sent_at, participants_);
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
