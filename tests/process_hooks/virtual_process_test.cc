// The clock of a process: what each call costs, and what a wait ends at.
#include "process_hooks/virtual_process.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <string>

#include "process_hooks/reprise_client.h"

namespace reprise {
namespace {

const MacAddress kAlice = {0x52, 0x54, 0, 0, 0, 1};
const MacAddress kBob = {0x52, 0x54, 0, 0, 0, 2};
constexpr Ipv4Address kAliceAddress{0x0a000001};
constexpr Ipv4Address kBobAddress{0x0a000002};
constexpr Duration kCost{1000};
constexpr int64_t kQuantum = 10'000;

/// Grants one quantum after the other, delivers what is planned, and keeps what it is told as text.
class PlannedSession final : public GuestSession {
 public:
  std::multimap<int64_t, std::vector<uint8_t>> deliveries;
  std::vector<std::string> log;
  std::vector<int64_t> idle;  ///< what the process answered at each deadline

  void clock_read(VirtualTime at, ClockSource source, uint64_t value) override {
    log.push_back(fmt::format("{} {} {}", at.ns, clock_source_name(source), value));
  }
  void frame_sent(VirtualTime at, ByteView frame) override {
    EXPECT_GE(at.ns, last_idle_);
    log.push_back(fmt::format("{} sent {}", at.ns, frame.size()));
  }
  void console_byte(VirtualTime at, uint8_t byte) override { log.push_back(fmt::format("{} '{}'", at.ns, static_cast<char>(byte))); }
  [[noreturn]] void guest_ended(VirtualTime, EndReason) override { std::abort(); }
  VirtualTime wake(VirtualTime now, StoppedGuest& guest) override {
    EXPECT_EQ(now.ns, next_);
    for (; !deliveries.empty() && deliveries.begin()->first <= now.ns; deliveries.erase(deliveries.begin())) {
      last_idle_ = 0;
      guest.deliver(deliveries.begin()->second);
    }
    if (now.ns % kQuantum == 0) {
      idle.push_back(guest.idle_until().ns);
      last_idle_ = idle.back();
    }
    next_ = (now.ns / kQuantum + 1) * kQuantum;
    if (!deliveries.empty()) {
      next_ = std::min(next_, deliveries.begin()->first);
    }
    return {next_};
  }

 private:
  int64_t next_ = 0;
  int64_t last_idle_ = 0;
};

class VirtualProcessTest : public ::testing::Test {
 protected:
  VirtualProcessTest()
      : process_(session_, {.mac = kAlice, .address = kAliceAddress, .broadcast = {0x0a0000ff}, .neighbours = {{kBobAddress, kBob}}},
                 kCost) {}

  void start() {
    process_.power_on();
    EXPECT_EQ(call({.type = REPRISE_HELLO, .argument = REPRISE_PROTOCOL_VERSION}), 0);
    EXPECT_EQ(process_.now().ns, 0);
  }
  void deliver_at(int64_t ns, const std::string& text, const MacAddress& to = kAlice, Ipv4Address address = kAliceAddress) {
    session_.deliveries.emplace(
        ns, udp_frame(kBob, to, {.from = {kBobAddress, 7}, .to = {address, 9}, .payload = {text.begin(), text.end()}}, 0));
  }
  int call(const reprise_request& request, const std::string& payload = {}) {
    reply_ = process_.call(request, {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()});
    return reply_.head.result;
  }
  int send(Ipv4Address to, const std::string& payload = "hello") {
    return call({.type = REPRISE_SEND, .address = htonl(to.value), .to_port = 9, .from_port = 7}, payload);
  }
  int receive(int64_t timeout, uint32_t capacity = 100) {
    return call({.type = REPRISE_RECEIVE, .argument = capacity, .time_ns = timeout});
  }
  [[nodiscard]] std::string text() const { return {reply_.payload.begin(), reply_.payload.end()}; }

  PlannedSession session_;
  VirtualProcess process_;
  ReplyPacket reply_;
};

TEST_F(VirtualProcessTest, ComputingTakesNoTimeAndEachCallItsCost) {
  start();
  process_.wrote({reinterpret_cast<const uint8_t*>("a"), 1});
  EXPECT_EQ(call({.type = REPRISE_NOW}), 0);
  EXPECT_EQ(reply_.head.now_ns, 1000);
  process_.wrote({reinterpret_cast<const uint8_t*>("b"), 1});
  EXPECT_EQ(send(kBobAddress), 0);
  EXPECT_EQ(call({.type = REPRISE_POLL}), 0);
  EXPECT_EQ(receive(0), -EAGAIN);
  EXPECT_EQ(reply_.head.now_ns, 4000);
  EXPECT_EQ(session_.log, (std::vector<std::string>{"0 'a'", "1000 process 1000", "1000 'b'", "2000 sent 47"}));
}

TEST_F(VirtualProcessTest, AWaitEndsAtTheArrival) {
  deliver_at(35'123, "ping");
  start();
  EXPECT_EQ(receive(REPRISE_NEVER), 0);
  EXPECT_EQ(text(), "ping");
  EXPECT_EQ(reply_.head.arrived_ns, 35'123);
  EXPECT_EQ(reply_.head.now_ns, 35'123);
  EXPECT_EQ(reply_.head.from_address, htonl(kBobAddress.value));
  EXPECT_EQ(reply_.head.from_port, 7);
  EXPECT_EQ(reply_.head.to_port, 9);
  EXPECT_EQ(call({.type = REPRISE_NOW}), 0);
  EXPECT_EQ(reply_.head.now_ns, 36'123);
}

TEST_F(VirtualProcessTest, AWaitEndsAtItsTimeout) {
  deliver_at(35'123, "late");
  start();
  EXPECT_EQ(receive(25'000), -EAGAIN);
  EXPECT_EQ(reply_.head.now_ns, 26'000);
  EXPECT_EQ(call({.type = REPRISE_POLL, .time_ns = 8'123}), 0);  // to the very instant of the arrival
  EXPECT_EQ(reply_.head.now_ns, 35'123);
  EXPECT_EQ(reply_.head.waiting, 1U);
}

TEST_F(VirtualProcessTest, ASleeperSleepsOnWhenMessagesCome) {
  deliver_at(12'000, "one");
  deliver_at(13'000, "two");
  start();
  EXPECT_EQ(call({.type = REPRISE_SLEEP, .time_ns = 50'000}), 0);
  EXPECT_EQ(reply_.head.now_ns, 50'000);
  EXPECT_EQ(reply_.head.waiting, 2U);
  EXPECT_EQ(call({.type = REPRISE_SLEEP, .time_ns = 50'000}), 0);  // over: its cost alone
  EXPECT_EQ(reply_.head.now_ns, 51'000);
  EXPECT_EQ(receive(0), 0);
  EXPECT_EQ(text(), "one");
  EXPECT_EQ(reply_.head.arrived_ns, 12'000);
}

// The recorder does not wake who has said that it is idle.
TEST_F(VirtualProcessTest, SaysUntilWhenItIsIdle) {
  start();
  EXPECT_EQ(call({.type = REPRISE_SLEEP, .time_ns = 25'000}), 0);
  EXPECT_EQ(session_.idle, (std::vector<int64_t>{0, 25'000, 25'000}));
}

TEST_F(VirtualProcessTest, ATickWaitsForWhatWasNotThere) {
  deliver_at(5'000, "old");
  deliver_at(35'000, "new");
  start();
  EXPECT_EQ(call({.type = REPRISE_SLEEP, .time_ns = 10'000}), 0);
  EXPECT_EQ(call({.type = REPRISE_TICK, .time_ns = 10'000}), 0);
  EXPECT_EQ(reply_.head.now_ns, 20'000);
  EXPECT_EQ(call({.type = REPRISE_TICK, .time_ns = 20'000}), 0);
  EXPECT_EQ(reply_.head.now_ns, 35'000);
  EXPECT_EQ(session_.log, (std::vector<std::string>{"20000 process 20000", "35000 process 35000"}));
}

TEST_F(VirtualProcessTest, AnswersArpByItself) {
  std::vector<uint8_t> request(60);
  std::copy(kBroadcastMac.begin(), kBroadcastMac.end(), request.begin());
  const std::vector<uint8_t> body = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 2, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
  std::copy(body.begin(), body.end(), request.begin() + 12);
  session_.deliveries.emplace(19'500, request);
  start();
  EXPECT_EQ(call({.type = REPRISE_SLEEP, .time_ns = 40'000}), 0);
  EXPECT_EQ(session_.log, (std::vector<std::string>{"20500 sent 60"}));
  EXPECT_EQ(session_.idle, (std::vector<int64_t>{0, 40'000, 20'500, 40'000, 40'000}));
}

TEST_F(VirtualProcessTest, TakesWhatIsForItAlone) {
  deliver_at(2'000, "another's", kBob, kBobAddress);
  deliver_at(2'001, "wrong MAC", kBob, kAliceAddress);
  deliver_at(2'002, "wrong address", kAlice, kBobAddress);
  deliver_at(2'003, "to the subnet", kBroadcastMac, {0x0a0000ff});
  deliver_at(2'004, "to all", kBroadcastMac, kBroadcastAddress);
  session_.deliveries.emplace(2'005, std::vector<uint8_t>{1, 2, 3});
  start();
  EXPECT_EQ(receive(REPRISE_NEVER), 0);
  EXPECT_EQ(text(), "to the subnet");
  EXPECT_EQ(receive(REPRISE_NEVER), 0);
  EXPECT_EQ(text(), "to all");
  EXPECT_EQ(reply_.head.to_address, htonl(kBroadcastAddress.value));
  EXPECT_EQ(receive(0), -EAGAIN);
}

TEST_F(VirtualProcessTest, AMessageThatDoesNotFitStays) {
  deliver_at(500, "eight by");
  start();
  EXPECT_EQ(receive(0, 7), -EMSGSIZE);
  EXPECT_EQ(reply_.head.argument, 8U);
  EXPECT_TRUE(reply_.payload.empty());
  EXPECT_EQ(receive(0, 8), 0);
  EXPECT_EQ(text(), "eight by");
}

TEST_F(VirtualProcessTest, AFullQueueDropsAndCounts) {
  for (int i = 0; i < 5; ++i) {
    deliver_at(2'000 + i, std::to_string(i));
  }
  start();
  EXPECT_EQ(call({.type = REPRISE_QUEUE, .argument = 2}), 0);
  EXPECT_EQ(call({.type = REPRISE_SLEEP, .time_ns = 5'000}), 0);
  EXPECT_EQ(reply_.head.waiting, 2U);
  EXPECT_EQ(receive(0), 0);
  EXPECT_EQ(reply_.head.lost, 3U);
  EXPECT_EQ(receive(0), 0);
  EXPECT_EQ(text(), "1");
  EXPECT_EQ(reply_.head.lost, 0U);
}

// No program can ask for more than REPRISE_MAX_MESSAGE bytes: it would stay at the head of the queue for ever.
TEST_F(VirtualProcessTest, AMessageThatNobodyCanReceiveIsDroppedAndCounted) {
  deliver_at(500, std::string(REPRISE_MAX_MESSAGE + 1, 'x'));
  deliver_at(501, std::string(REPRISE_MAX_MESSAGE, 'y'));
  start();
  EXPECT_EQ(call({.type = REPRISE_SLEEP, .time_ns = 5'000}), 0);
  EXPECT_EQ(receive(0, REPRISE_MAX_MESSAGE), 0);
  EXPECT_EQ(text(), std::string(REPRISE_MAX_MESSAGE, 'y'));
  EXPECT_EQ(reply_.head.lost, 1U);
  EXPECT_EQ(receive(0, REPRISE_MAX_MESSAGE), -EAGAIN);
}

TEST_F(VirtualProcessTest, Sends) {
  start();
  EXPECT_EQ(send(kBroadcastAddress), 0);
  EXPECT_EQ(send({0x0a0000ff}), 0);
  EXPECT_EQ(send({0x0a000063}), -EHOSTUNREACH);
  EXPECT_EQ(send(kAliceAddress, "to myself"), 0);
  EXPECT_EQ(send(kBobAddress, std::string(REPRISE_MAX_MESSAGE, 'x')), 0);
  EXPECT_EQ(session_.log, (std::vector<std::string>{"1000 sent 47", "2000 sent 47", "5000 sent 9014"}));
  EXPECT_EQ(receive(0), 0);
  EXPECT_EQ(text(), "to myself");
  EXPECT_EQ(reply_.head.arrived_ns, 4'000);
}

TEST_F(VirtualProcessTest, BelievesNothing) {
  process_.power_on();
  EXPECT_EQ(call({.type = REPRISE_NOW}), -EBADMSG);  // before hello
  EXPECT_EQ(call({.type = REPRISE_HELLO, .argument = REPRISE_PROTOCOL_VERSION + 1}), -EPROTONOSUPPORT);
  EXPECT_EQ(call({.type = REPRISE_HELLO, .argument = REPRISE_PROTOCOL_VERSION}), 0);
  EXPECT_EQ(call({.type = REPRISE_HELLO, .argument = REPRISE_PROTOCOL_VERSION}), -EALREADY);
  EXPECT_EQ(call({.type = 0}), -EBADMSG);
  EXPECT_EQ(call({.type = REPRISE_QUEUE + 1}), -EBADMSG);
  EXPECT_EQ(call({.type = REPRISE_QUEUE, .argument = 0}), -EINVAL);
  EXPECT_EQ(call({.type = REPRISE_NOW}, "payload"), -EBADMSG);
  EXPECT_EQ(process_.now().ns, 0);
  EXPECT_EQ(receive(-1), -EINVAL);
  EXPECT_EQ(call({.type = REPRISE_POLL, .time_ns = -1}), -EINVAL);
  EXPECT_EQ(call({.type = REPRISE_TICK, .time_ns = 0}), -EINVAL);
  EXPECT_EQ(call({.type = REPRISE_SLEEP, .time_ns = INT64_MIN}), 0);
  EXPECT_EQ(call({.type = REPRISE_STOP}), 0);
  EXPECT_EQ(call({.type = REPRISE_NOW}), -EBADMSG);
}

}  // namespace
}  // namespace reprise
