// Hostile guests at the recorder's end of the protocol: whatever they say, the barrier gives the network what network_model.h promises, or
// names a guest.
//
// The input says what each guest does in each quantum. A guest is honest unless the input makes it lie, because a first message that is
// wrong would end every run before anything happens.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <deque>
#include <tuple>

#include "recorder/barrier.h"
#include "tests/fuzz/script.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

constexpr Duration kLookahead{1000};
constexpr VirtualTime kUntil{200'000};
constexpr int kMostQuanta = 40;

/// What the next byte of the input makes a guest do; everything else: stop at the horizon, busy.
enum Act : uint8_t { kSendFrame, kSleep, kEnd, kSay, kWriteBytes, kHangUp, kActs };

/// One guest's end.
class Guest {
 public:
  explicit Guest(int fd) : channel_(fd) {}

  /// Does what the input says. Afterwards the barrier has something to read that ends its waiting: a stop, an end, or a closed connection.
  void live(fuzz::Script& script, VirtualTime now, VirtualTime horizon, bool finishing) {
    for (int i = 0; i < 8; ++i) {
      switch (script.take<uint8_t>() % kActs) {
        case kSendFrame: {
          const VirtualTime at{now.ns + script.take<int16_t>()};
          const std::vector<uint8_t> frame(1 + script.take<uint8_t>() % 64, 0x5a);
          say({.type = MessageType::kFrame, .number = frames_++, .at = at}, frame);
          break;
        }
        case kSleep:
          idle_until_ = {horizon.ns + script.take<int32_t>() % 20'000};
          return stop(horizon, finishing);
        case kEnd:
          say({.type = MessageType::kEnded, .number = script.take<uint8_t>() % 7U, .at = {now.ns + script.take<int16_t>()}});
          return hang_up();
        case kSay: {
          const Message message{.type = static_cast<MessageType>(script.take<uint8_t>()),
                                .guest = script.take<uint32_t>(),
                                .number = script.take<uint64_t>(),
                                .at = {script.take<int64_t>()},
                                .until = {script.take<int64_t>()},
                                .payload = {}};
          say(message, script.take_bytes(script.take<uint8_t>()));
          break;
        }
        case kWriteBytes: {
          const ByteView bytes = script.take_bytes(script.take<uint16_t>());
          // To a barrier that does not read: what does not fit is not sent.
          [[maybe_unused]] const ssize_t sent = send(channel_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
          return hang_up();
        }
        case kHangUp:
          return hang_up();
      }
      if (script.take<uint8_t>() % 2 == 0) {
        break;
      }
    }
    idle_until_ = horizon;
    stop(horizon, finishing);
  }

  /// Whether an honest guest will be told to run to `horizon`.
  [[nodiscard]] bool runs_to(VirtualTime horizon) const { return idle_until_ < horizon; }
  void introduce() { say({.type = MessageType::kHello}); }

 private:
  void stop(VirtualTime horizon, bool finishing) {
    if (finishing) {
      return say({.type = MessageType::kEnded, .number = static_cast<uint64_t>(EndReason::kUntil), .at = horizon});
    }
    say({.type = MessageType::kAtDeadline, .at = horizon, .until = idle_until_});
  }
  void say(const Message& message, ByteView payload = {}) {
    // Fails for one that has hung up before: it has nothing to say any more.
    [[maybe_unused]] const bool said = channel_.send(message, payload).ok() && channel_.flush().ok();
  }
  /// The barrier may still write: a guest that does not read is slow, not gone.
  void hang_up() const { shutdown(channel_.fd(), SHUT_WR); }

  GuestChannel channel_;
  uint64_t frames_ = 0;
  VirtualTime idle_until_;
};

/// The network's side: keeps the rules of SimgridRun, and checks that the barrier does.
class Network {
 public:
  Network(Barrier& barrier, std::deque<Guest>& guests) : barrier_(barrier), guests_(guests) {}

  /// One quantum. False when the run is over.
  bool run_on(fuzz::Script& script) {
    VirtualTime next = earliest_send_;
    for (const Delivery& delivery : under_way_) {
      next = std::min(next, delivery.at);
    }
    const VirtualTime horizon = next < kUntil ? std::min(next + kLookahead, kUntil) : kUntil;
    const std::vector<Delivery> due = take_due(horizon);
    for (uint32_t i = 0; i < guests_.size(); ++i) {
      const bool reached = std::ranges::any_of(due, [&](const Delivery& d) { return d.receiver.value == i; });
      if (reached || guests_[i].runs_to(horizon) || horizon == kUntil) {
        guests_[i].live(script, now_, horizon, horizon == kUntil);
      }
    }
    const auto advance = barrier_.run_until(horizon, due);
    if (!advance.ok()) {
      CHECK(advance.error().kind == ErrorKind::kRunFailed && barrier_.broken_guest().has_value());
      CHECK(advance.error().message == printable(advance.error().message));
      return false;
    }
    check(*advance, horizon);
    now_ = horizon;
    earliest_send_ = advance->earliest_send;
    CHECK(advance->finished || horizon != kUntil);
    return !advance->finished;
  }

 private:
  std::vector<Delivery> take_due(VirtualTime horizon) {
    std::ranges::sort(under_way_, [](const Delivery& a, const Delivery& b) {
      return std::tie(a.at, a.frame.sender, a.frame.number, a.receiver) < std::tie(b.at, b.frame.sender, b.frame.number, b.receiver);
    });
    const auto later = std::ranges::find_if(under_way_, [&](const Delivery& delivery) { return delivery.at >= horizon; });
    std::vector<Delivery> due(under_way_.begin(), later);
    under_way_.erase(under_way_.begin(), later);
    return due;
  }

  /// What SimgridRun relies on.
  void check(const Participants::Advance& advance, VirtualTime horizon) {
    CHECK(advance.earliest_send >= horizon);
    for (size_t i = 0; i < advance.sent.size(); ++i) {
      const SentFrame& frame = advance.sent[i];
      CHECK(frame.sent_at >= now_ && frame.sent_at < horizon && frame.sent_at + kLookahead >= horizon);
      CHECK(i == 0 || std::tie(advance.sent[i - 1].sent_at, advance.sent[i - 1].sender, advance.sent[i - 1].number) <
                          std::tie(frame.sent_at, frame.sender, frame.number));
      const GuestIndex receiver{static_cast<uint32_t>((frame.sender.value + 1) % guests_.size())};
      under_way_.push_back({.at = frame.sent_at + kLookahead + Duration{20}, .receiver = receiver, .frame = frame});
    }
    for (const auto& [guest, at] : advance.ended) {
      CHECK(at >= now_ && at == barrier_.ends()[guest.value].at);
    }
  }

  Barrier& barrier_;
  std::deque<Guest>& guests_;
  VirtualTime now_;
  VirtualTime earliest_send_;
  std::vector<Delivery> under_way_;
};

}  // namespace
}  // namespace reprise

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reprise;
  fuzz::Script script(data, size);
  const uint32_t count = 1 + script.take<uint8_t>() % 3;
  std::deque<Guest> guests;
  std::vector<GuestChannel> channels;
  std::vector<std::string> names;
  for (uint32_t i = 0; i < count; ++i) {
    std::array<int, 2> ends{};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    channels.emplace_back(ends[0]);
    guests.emplace_back(ends[1]);
    names.push_back(fmt::format("guest{}", i));
  }
  Barrier barrier(std::move(channels), std::move(names), {.until = kUntil, .max_held_bytes = 4096});
  for (Guest& guest : guests) {
    if (script.take<uint8_t>() != 1) {
      guest.introduce();
    }
    guest.live(script, {}, {}, false);
  }
  if (!barrier.meet().ok()) {
    return 0;
  }
  Network network(barrier, guests);
  for (int quantum = 0; quantum < kMostQuanta && network.run_on(script); ++quantum) {
  }
  return 0;
}
