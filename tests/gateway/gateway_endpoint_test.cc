// When what comes in from the host enters the simulated network.
#include "gateway/gateway_endpoint.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

namespace reprise {
namespace {

using Lines = std::vector<std::string>;

/// A recorder that grants quanta, and writes down what it is told.
class ScriptedSession final : public GuestSession {
 public:
  struct Wake {
    int64_t next_ns;       ///< when to be called next
    bool deadline = true;  ///< asks how long the gateway is idle
    int deliveries = 0;
  };
  void clock_read(VirtualTime /*at*/, ClockSource /*source*/, uint64_t /*value*/) override { FAIL() << "a gateway reads no clock"; }
  void frame_sent(VirtualTime at, ByteView frame) override {
    EXPECT_GE(at, silent_until_) << "it had promised to send nothing before";
    heard.push_back(fmt::format("{} sent {}", at.ns, frame[0]));
  }
  void console_byte(VirtualTime at, uint8_t byte) override {
    console += byte == '\n' ? fmt::format("@{} ", at.ns) : std::string(1, static_cast<char>(byte));
  }
  void guest_ended(VirtualTime /*at*/, EndReason /*reason*/) override { std::abort(); }
  VirtualTime wake(VirtualTime now, StoppedGuest& guest) override {
    CHECK(!script.empty());
    const Wake wake = script.front();
    script.pop_front();
    for (int i = 0; i < wake.deliveries; ++i) {
      silent_until_ = std::min(silent_until_, now);
      guest.deliver(std::vector<uint8_t>{static_cast<uint8_t>(i)});
    }
    if (wake.deadline) {
      silent_until_ = guest.idle_until();
      heard.push_back(fmt::format("{} idle until {}", now.ns, silent_until_.ns));
    }
    return {wake.next_ns};
  }

  std::deque<Wake> script;
  Lines heard;
  std::string console;

 private:
  VirtualTime silent_until_;
};

class ScriptedHost final : public HostSide {
 public:
  void deliver(VirtualTime /*now*/, ByteView /*frame*/) override { pending.push_back(100); }
  Status exchange(VirtualTime now, GatewayOutput& output) override {
    looks.push_back(now.ns);
    for (const uint8_t frame : std::exchange(pending, {})) {
      output.send(std::vector<uint8_t>{frame});
    }
    if (!line.empty()) {
      output.say(std::exchange(line, {}));
    }
    return {};
  }
  bool in_use() const override { return used; }

  std::vector<uint8_t> pending;
  std::string line;
  std::vector<int64_t> looks;
  bool used = true;
};

constexpr int64_t kBusy = GatewayEndpoint::kBusyStep.ns;
constexpr int64_t kIdle = GatewayEndpoint::kIdleStep.ns;

TEST(GatewayEndpoint, WhatComesInEntersWhenItWasPromisedToBeLookedFor) {
  ScriptedSession session;
  ScriptedHost host;
  GatewayEndpoint endpoint(session, host);
  session.script = {{2 * kBusy + 500}, {4 * kBusy}};
  host.pending = {7};
  ASSERT_TRUE(endpoint.step().ok());
  EXPECT_EQ(session.heard, (Lines{"0 idle until 1000000", "1000000 sent 7"}));
  EXPECT_EQ(host.looks, (std::vector<int64_t>{kBusy, 2 * kBusy}));
  host.pending = {8};
  host.line = "hello";
  ASSERT_TRUE(endpoint.step().ok());
  EXPECT_EQ(session.heard.back(), "3000500 sent 8");
  EXPECT_EQ(session.console, "hello@3000500 ");
}

TEST(GatewayEndpoint, AnAnswerLeavesAtTheInstantAtWhichTheQuestionCame) {
  ScriptedSession session;
  ScriptedHost host;
  GatewayEndpoint endpoint(session, host);
  session.script = {{700}, {900, false, 2}, {kBusy, true}};
  ASSERT_TRUE(endpoint.step().ok());
  EXPECT_TRUE(host.looks.empty()) << "not before it was promised, if nothing came";
  ASSERT_TRUE(endpoint.step().ok());
  EXPECT_EQ(session.heard, (Lines{"0 idle until 1000000", "700 sent 100", "700 sent 100"}));
}

TEST(GatewayEndpoint, AtTheInstantOfADeadlineTheRecorderComesFirst) {
  ScriptedSession session;
  ScriptedHost host;
  GatewayEndpoint endpoint(session, host);
  session.script = {{kBusy}, {3 * kBusy}};
  host.pending = {7};
  ASSERT_TRUE(endpoint.step().ok());
  EXPECT_EQ(session.heard, Lines{"0 idle until 1000000"});
  ASSERT_TRUE(endpoint.step().ok());
  EXPECT_EQ(session.heard, (Lines{"0 idle until 1000000", "1000000 idle until 2000000", "2000000 sent 7"}));
}

TEST(GatewayEndpoint, LooksSeldomWhileNobodyUsesIt) {
  ScriptedSession session;
  ScriptedHost host;
  host.used = false;
  GatewayEndpoint endpoint(session, host);
  session.script = {{3 * kIdle}};
  ASSERT_TRUE(endpoint.step().ok());
  EXPECT_EQ(host.looks, (std::vector<int64_t>{kIdle, 2 * kIdle}));
}

}  // namespace
}  // namespace reprise
