// Hostile guests at the recorder's end of the protocol: whatever they say, the barrier gives the network what network_model.h promises, or
// names a guest.
//
// The input says what each guest does in each quantum. A guest is honest unless the input makes it lie, because a first message that is
// wrong would end every run before anything happens.
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "recorder/barrier.h"
#include "recorder/console_server.h"
#include "recorder/live_folder.h"
#include "tests/fuzz/script.h"
#include "tests/temporary_folder.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

constexpr Duration kLookahead{1000};
constexpr VirtualTime kUntil{200'000};
constexpr int kMostQuanta = 40;

/// What the next byte of the input makes a guest do; everything else: stop at the horizon, busy.
enum Act : uint8_t { kSendFrame, kSleep, kEnd, kSay, kWriteBytes, kHangUp, kPrint, kBeTypedAt, kActs };

/// One guest's end, and the person at its console.
class Guest {
 public:
  /// `person`: -1 when it has no console.
  Guest(int fd, int person) : channel_(fd), person_(person) {}
  ~Guest() {
    if (person_ >= 0) {
      close(person_);
    }
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  /// Does what the input says. Afterwards the barrier has something to read that ends its waiting: a stop, an end, or a closed connection.
  void live(fuzz::Script& script, VirtualTime now, VirtualTime horizon, bool finishing) {
    woken_ = false;
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
        case kPrint:
          say({.type = MessageType::kPrinted}, script.take_bytes(script.take<uint8_t>()));
          break;
        case kBeTypedAt:
          type(script.take_bytes(script.take<uint8_t>()));
          // What is typed before the run begins wakes it in the first quantum; later, it runs anyway.
          woken_ = person_ >= 0 && horizon == VirtualTime{};
          break;
      }
      if (script.take<uint8_t>() % 2 == 0) {
        break;
      }
    }
    idle_until_ = horizon;
    stop(horizon, finishing);
  }

  /// Whether an honest guest will be told to run to `horizon`.
  [[nodiscard]] bool runs_to(VirtualTime horizon) const { return idle_until_ < horizon || woken_; }
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
  /// In all at most what may wait at a console: it is never left for a later quantum, in which it would wake the guest.
  void type(ByteView bytes) {
    bytes = bytes.first(std::min(bytes.size(), kMostTypedWaiting - typed_));
    typed_ += bytes.size();
    [[maybe_unused]] const ssize_t sent = send(person_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  /// The barrier may still write: a guest that does not read is slow, not gone.
  void hang_up() const { shutdown(channel_.fd(), SHUT_WR); }

  GuestChannel channel_;
  int person_;
  size_t typed_ = 0;
  uint64_t frames_ = 0;
  VirtualTime idle_until_;
  bool woken_ = false;
};

/// The consoles of a run, whose clients are in this process.
class Consoles {
 public:
  explicit Consoles(const std::vector<std::string>& names) {
    static const testing::TemporaryFolder kFolder;
    auto live = LiveFolder::create(kFolder.path());
    CHECK(live.ok());
    std::vector<ConsoleServer::Console> consoles;
    for (const std::string& name : names) {
      consoles.push_back({.guest = name});
    }
    auto server = ConsoleServer::create(live->listen("console").value(), std::move(consoles));
    CHECK(server.ok());
    server_ = std::move(*server);
    for (const std::string& name : names) {
      const std::string greeting = fmt::format("console {}\n", name);
      persons_.push_back(connect_to_run(kFolder.path(), "console").value());
      CHECK(write(persons_.back(), greeting.data(), greeting.size()) == static_cast<ssize_t>(greeting.size()));
    }
    for (pollfd polled{.fd = server_->fd(), .events = POLLIN, .revents = 0}; poll(&polled, 1, 0) == 1;) {
      server_->serve();
    }
  }
  [[nodiscard]] ConsoleServer& server() { return *server_; }
  /// The caller closes it.
  [[nodiscard]] int person(uint32_t guest) const { return persons_[guest]; }

 private:
  std::unique_ptr<ConsoleServer> server_;
  std::vector<int> persons_;
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
  const auto first = script.take<uint8_t>();
  std::vector<std::string> names;
  for (int i = 0; i <= first % 3; ++i) {
    names.push_back(fmt::format("guest{}", i));
  }
  std::optional<Consoles> consoles;
  if (first >= 0x80) {
    consoles.emplace(names);
  }
  std::deque<Guest> guests;
  std::vector<GuestChannel> channels;
  for (uint32_t i = 0; i < names.size(); ++i) {
    std::array<int, 2> ends{};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    channels.emplace_back(ends[0]);
    guests.emplace_back(ends[1], consoles ? consoles->person(i) : -1);
  }
  Barrier barrier(std::move(channels), std::move(names),
                  {.until = kUntil, .max_held_bytes = 4096, .consoles = consoles ? &consoles->server() : nullptr, .lookahead = kLookahead});
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
