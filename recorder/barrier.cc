#include "recorder/barrier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

/// How long an interrupt may wait while a guest does not read what it is sent.
constexpr std::chrono::milliseconds kSendPatience{200};

}  // namespace

Barrier::Barrier(std::vector<GuestChannel> guests, std::vector<std::string> names, Options options)
    : names_(std::move(names)), options_(std::move(options)), ends_(guests.size()) {
  for (GuestChannel& channel : guests) {
    guests_.push_back({.channel = std::move(channel), .idle_until = {}, .last_frame = {}});
    guests_.back().channel.on_unread(std::min(options_.patience, kSendPatience), [this] { return heed_interrupt(); });
  }
}

Status Barrier::meet() {
  RETURN_IF_ERROR(wait_for_running());
  if (options_.pacing.has_value()) {
    options_.pacing->begin(Pacing::Clock::now());
  }
  return {};
}

Error Barrier::broken(GuestIndex index, const std::string& why) {
  broken_guest_ = index;
  return Error{ErrorKind::kRunFailed, fmt::format("guest '{}' failed at virtual time {} ns: {}", names_[index.value], now_.ns, why)};
}

Result<Participants::Advance> Barrier::run_until(VirtualTime horizon, const std::vector<Delivery>& deliveries) {
  CHECK(horizon > now_ && horizon <= options_.until);
  RETURN_IF_ERROR(wait_until_due(horizon));
  horizon_ = horizon;
  finishing_ = end_wanted_ || horizon == options_.until;
  std::vector<bool> wanted(guests_.size());
  RETURN_IF_ERROR(hand_over_typed(horizon, wanted));
  for (const Delivery& delivery : deliveries) {
    CHECK(delivery.at >= now_);  // no frame is delivered in a guest's past
    Guest& receiver = guests_[delivery.receiver.value];
    if (receiver.state == State::kEnded) {
      continue;
    }
    const Message message{.type = MessageType::kDeliver,
                          .guest = delivery.frame.sender.value,
                          .number = delivery.frame.number.value,
                          .at = delivery.at,
                          .payload = {}};
    RETURN_IF_ERROR(sent_to(delivery.receiver, receiver.channel.send(message, *delivery.frame.payload)));
    receiver.silent_until = std::min(receiver.silent_until, delivery.at);
    wanted[delivery.receiver.value] = true;
  }
  for (uint32_t i = 0; i < guests_.size(); ++i) {
    const bool busy = wanted[i] || guests_[i].idle_until < horizon || finishing_;
    if (guests_[i].state == State::kStopped && busy) {
      RETURN_IF_ERROR(release(GuestIndex{i}));
    }
  }
  RETURN_IF_ERROR(wait_for_running());
  now_ = horizon;
  if (options_.progress) {
    options_.progress(now_);
  }
  end_wanted_ = end_wanted_ || only_companions_run() || (options_.wants_end && options_.wants_end(now_));
  return collect(horizon);
}

/// What was typed by now enters guests in this turn, as late as it can without being late: what a guest sends in answer must arrive after
/// the horizon, so it may not send before one lookahead ahead of it.
Status Barrier::hand_over_typed(VirtualTime horizon, std::vector<bool>& wanted) {
  if (options_.consoles == nullptr) {
    return {};
  }
  options_.consoles->serve();
  const VirtualTime at = std::max(now_, horizon - options_.lookahead);
  for (uint32_t i = 0; i < guests_.size(); ++i) {
    Guest& guest = guests_[i];
    if (guest.state != State::kStopped) {
      continue;
    }
    const std::vector<uint8_t> bytes = options_.consoles->take_typed(GuestIndex{i}, kMostTypedWaiting - guest.typed_waiting);
    if (bytes.empty()) {
      continue;
    }
    RETURN_IF_ERROR(sent_to(GuestIndex{i}, guest.channel.send({.type = MessageType::kType, .at = at}, bytes)));
    guest.typed_waiting += bytes.size();
    guest.silent_until = std::min(guest.silent_until, at);
    wanted[i] = true;
  }
  return {};
}

bool Barrier::ended_by_wish() const {
  bool stopped = false;
  for (size_t i = 0; i < ends_.size(); ++i) {
    stopped = stopped || (ends_[i].reason == EndReason::kUntil && !is_companion(i));
  }
  return stopped && finishing_ && now_ == horizon_ && now_ < options_.until;
}

bool Barrier::only_companions_run() const {
  for (size_t i = 0; i < guests_.size(); ++i) {
    if (!is_companion(i) && guests_[i].state != State::kEnded) {
      return false;
    }
  }
  return true;
}

Status Barrier::release(GuestIndex index) {
  Guest& guest = guests_[index.value];
  Status status = guest.channel.send({.type = finishing_ ? MessageType::kFinish : MessageType::kGrant, .at = horizon_});
  if (status.ok()) {
    status = guest.channel.flush();
  }
  RETURN_IF_ERROR(sent_to(index, status));
  guest.state = State::kRunning;
  return {};
}

Status Barrier::wait_for_running() {
  const auto is_running = [](const Guest& guest) { return guest.state == State::kRunning; };
  const auto begin = std::chrono::steady_clock::now();
  std::chrono::milliseconds patience = options_.patience;
  while (std::ranges::any_of(guests_, is_running)) {
    const timespec timeout{.tv_sec = patience.count() / 1000, .tv_nsec = patience.count() % 1000 * 1'000'000};
    ASSIGN_OR_RETURN(const bool heard, hear(State::kRunning, &timeout));
    if (!heard) {
      patience *= 2;
      if (options_.held_up) {
        options_.held_up(held_up_since(begin));
      }
    }
  }
  return {};
}

HeldUp Barrier::held_up_since(std::chrono::steady_clock::time_point begin) const {
  HeldUp held_up{.by = {}, .from = now_, .to = horizon_};
  held_up.waited = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  for (size_t i = 0; i < guests_.size(); ++i) {
    if (guests_[i].state == State::kRunning) {
      held_up.by.push_back(names_[i]);
    }
  }
  return held_up;
}

Status Barrier::heed_interrupt() {
  pollfd polled{.fd = options_.interrupt_fd, .events = POLLIN, .revents = 0};
  interrupted_ = interrupted_ || poll(&polled, 1, 0) > 0;
  return interrupted_ ? Status(Error{ErrorKind::kRunFailed, fmt::format("interrupted at virtual time {} ns", now_.ns)}) : Status{};
}

/// Whose fault it is when something could not be sent.
Status Barrier::sent_to(GuestIndex index, const Status& status) {
  return status.ok() || interrupted_ ? status : Status(broken(index, status.error().message));
}

/// Of a paced run: until the host's clock has come as far as the guests may run. Guests are stopped meanwhile; one that goes away is heard.
Status Barrier::wait_until_due(VirtualTime horizon) {
  while (options_.pacing.has_value()) {
    const auto now = Pacing::Clock::now();
    const auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(options_.pacing->due(horizon) - now).count();
    if (wait <= 0) {
      options_.pacing->let_run(horizon, now);
      break;
    }
    const timespec timeout{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
    if (const Result<bool> heard = hear(State::kStopped, &timeout); !heard.ok()) {
      return heard.error();
    }
  }
  return {};
}

/// Waits for a word of a guest in `state`, of a console or of a signal, or for `timeout`, and takes what there is. False: nothing came.
Result<bool> Barrier::hear(State state, const timespec* timeout) {
  polled_.assign({{.fd = options_.interrupt_fd, .events = POLLIN, .revents = 0},
                  {.fd = options_.consoles == nullptr ? -1 : options_.consoles->fd(), .events = POLLIN, .revents = 0}});
  const size_t first_guest = polled_.size();
  for (const Guest& guest : guests_) {
    // Of the others only that they went away: who is idle may not be needed for hours.
    const int fd = guest.state == State::kEnded ? -1 : guest.channel.fd();
    polled_.push_back({.fd = fd, .events = static_cast<int16_t>(guest.state == state ? POLLIN : 0), .revents = 0});
  }
  const int ready = ppoll(polled_.data(), polled_.size(), timeout, nullptr);
  if (ready < 0 && errno != EINTR) {
    return Error{ErrorKind::kRunFailed, fmt::format("cannot wait for the guests: {}", std::strerror(errno))};
  }
  if (polled_[0].revents != 0) {
    RETURN_IF_ERROR(heed_interrupt());
  }
  if (polled_[1].revents != 0) {
    options_.consoles->serve();
  }
  for (uint32_t i = 0; i < guests_.size(); ++i) {
    if (polled_[first_guest + i].revents != 0) {
      RETURN_IF_ERROR(read_from(GuestIndex{i}));
    }
  }
  return ready != 0;
}

/// Never waits for the rest of a message: a guest that holds it back must not keep the others, or an interrupt, from being heard.
Status Barrier::read_from(GuestIndex index) {
  Guest& guest = guests_[index.value];
  if (const Status taken = guest.channel.take_arrived(); !taken.ok()) {
    return broken(index, taken.error().message);
  }
  for (;;) {
    Message message;
    const Result<bool> whole = guest.channel.next(message);
    if (!whole.ok()) {
      return broken(index, whole.error().message);
    }
    if (!*whole) {
      return {};
    }
    RETURN_IF_ERROR(handle(index, message));
  }
}

Status Barrier::handle(GuestIndex index, Message& message) {
  Guest& guest = guests_[index.value];
  if (guest.state != State::kRunning || guest.introduced == (message.type == MessageType::kHello)) {
    return broken(index, "it speaks out of turn");
  }
  switch (message.type) {
    case MessageType::kHello:
      guest.introduced = true;
      return {};
    case MessageType::kFrame:
      return take_frame(index, message);
    case MessageType::kAtDeadline:
      return take_stop(index, message);
    case MessageType::kEnded:
      return take_end(index, message);
    case MessageType::kPrinted:
      return take_printed(index, message);
    case MessageType::kFailed:
      return broken(index, printable({reinterpret_cast<const char*>(message.payload.data()), message.payload.size()}));
    default:
      return broken(index, "it sent a message that only the recorder may send");
  }
}

Status Barrier::take_frame(GuestIndex index, Message& message) {
  Guest& guest = guests_[index.value];
  if (message.number != guest.frames || message.at < std::max(now_, guest.last_frame) || message.payload.empty()) {
    return broken(index, "it sent a frame out of order");
  }
  if (message.at < guest.silent_until) {
    return broken(index, fmt::format("it sent a frame at {} ns, but had said that it would send none before {} ns", message.at.ns,
                                     guest.silent_until.ns));
  }
  guest.held_bytes += sizeof(SentFrame) + message.payload.size();
  if (guest.held_bytes > options_.max_held_bytes) {
    return broken(index,
                  fmt::format("it sent more than {} bytes of frames before it stopped at {} ns", options_.max_held_bytes, horizon_.ns));
  }
  ++guest.frames;
  guest.last_frame = message.at;
  held_.push_back({.sent_at = message.at,
                   .sender = index,
                   .number = {message.number},
                   .payload = std::make_shared<const std::vector<uint8_t>>(std::move(message.payload))});
  return {};
}

Status Barrier::take_printed(GuestIndex index, const Message& message) {
  if (options_.consoles == nullptr) {
    return broken(index, "it shows its console, which nobody asked for");
  }
  options_.consoles->printed(index, message.payload);
  return {};
}

Status Barrier::take_stop(GuestIndex index, const Message& message) {
  Guest& guest = guests_[index.value];
  if (message.at < horizon_) {
    return broken(index, fmt::format("it stopped at {} ns, before {} ns, to which it was to run", message.at.ns, horizon_.ns));
  }
  if (finishing_) {
    return broken(index, fmt::format("it goes on after {} ns, where it was to end", horizon_.ns));
  }
  if (message.number > guest.typed_waiting) {
    return broken(index, "more waits for its console than was typed");
  }
  guest.typed_waiting = message.number;
  guest.state = State::kStopped;
  guest.stopped_at = message.at;
  guest.idle_until = message.until;
  guest.silent_until = message.until;
  return {};
}

Status Barrier::take_end(GuestIndex index, const Message& message) {
  Guest& guest = guests_[index.value];
  if (message.number > static_cast<uint64_t>(kLastEndReason) || message.number == static_cast<uint64_t>(EndReason::kTrimmed)) {
    return broken(index, "it ended for no known reason");
  }
  const End end{.at = message.at, .reason = static_cast<EndReason>(message.number)};
  if (end.reason == EndReason::kAborted) {
    return broken(index, "it was stopped from outside");
  }
  if (end.at < std::max(now_, guest.last_frame)) {
    return broken(index, fmt::format("it ended at {} ns, which is in its past", end.at.ns));
  }
  const VirtualTime end_of_run = std::max(horizon_, guest.stopped_at + Duration{1});  // see MessageType::kFinish
  if (end.reason == EndReason::kUntil && (!finishing_ || end.at != end_of_run)) {
    return broken(index, fmt::format("it ended at {} ns for the end of the run, which is not there", end.at.ns));
  }
  if (options_.consoles != nullptr) {
    options_.consoles->ended(index);
  }
  guest.state = State::kEnded;
  guest.idle_until = VirtualTime::never();
  ends_[index.value] = end;
  ended_.push_back({.guest = index, .at = end.at});
  return {};
}

Participants::Advance Barrier::collect(VirtualTime horizon) {
  // A device timer that fires at the very instant of the horizon may send before our timer stops the guest: such a frame belongs to the
  // next quantum.
  std::ranges::sort(held_, [](const SentFrame& a, const SentFrame& b) {
    return std::tie(a.sent_at, a.sender, a.number) < std::tie(b.sent_at, b.sender, b.number);
  });
  const auto later = std::ranges::find_if(held_, [&](const SentFrame& frame) { return frame.sent_at >= horizon; });
  // Whose end was read first is the host's affair.
  std::ranges::sort(ended_, [](const Ended& a, const Ended& b) { return std::tie(a.at, a.guest) < std::tie(b.at, b.guest); });
  Advance advance;
  advance.sent.assign(std::make_move_iterator(held_.begin()), std::make_move_iterator(later));
  held_.erase(held_.begin(), later);
  for (Guest& guest : guests_) {
    guest.held_bytes = 0;
  }
  for (const SentFrame& frame : held_) {
    guests_[frame.sender.value].held_bytes += sizeof(SentFrame) + frame.payload->size();
  }
  advance.earliest_send = held_.empty() ? VirtualTime::never() : held_.front().sent_at;
  advance.ended = std::exchange(ended_, {});
  advance.finished = true;
  for (const Guest& guest : guests_) {
    if (guest.state != State::kEnded) {
      advance.finished = false;
      advance.earliest_send = std::min(advance.earliest_send, std::max(guest.idle_until, horizon));
    }
  }
  return advance;
}

void Barrier::on_network_event(const NetworkEvent& event) {
  event.kind == NetworkEvent::Kind::kDelivered ? ++network_statistics_.frames_delivered : ++network_statistics_.frames_dropped;
  if (options_.network_stream != nullptr) {
    options_.network_stream->append_network(event);
  }
}

}  // namespace reprise
