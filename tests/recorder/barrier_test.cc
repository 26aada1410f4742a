#include "recorder/barrier.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "recorder/live_folder.h"
#include "tests/recorder/barrier_fixture.h"
#include "tests/temporary_folder.h"

namespace reprise {
namespace {

using Lines = std::vector<std::string>;

TEST_F(BarrierTest, FramesAreOrderedByTimeThenGuestThenNumber) {
  meet(3);
  frame(2, 0, 10);
  frame(2, 1, 30);
  frame(2, 2, 30);
  stop(2, 100);
  frame(1, 0, 30);
  stop(1, 100);
  frame(0, 0, 30);
  frame(0, 1, 40);
  stop(0, 100);
  EXPECT_EQ(run(100), "sent 2/0@10 0/0@30 1/0@30 2/1@30 2/2@30 0/1@40; next 100");
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(heard(i), Lines{"grant 100"});
  }
  EXPECT_EQ(barrier_->now().ns, 100);
}

TEST_F(BarrierTest, AFrameAtTheHorizonBelongsToTheNextQuantum) {
  meet(2);
  frame(1, 0, 99);
  frame(1, 1, 100);
  stop(1, 100, 500);
  stop(0, 100, 100);
  EXPECT_EQ(run(100), "sent 1/0@99; next 100") << "the held frame is what may be sent next";
  frame(0, 0, 100);
  stop(0, 200, 500);
  stop(1, 200, 500);
  // Guest 1 is idle until 500: only a delivery wakes it.
  EXPECT_EQ(run(200, {delivery(150, 0, 1, 7), delivery(150, 1, 0, 7)}), "sent 0/0@100 1/1@100; next 500")
      << "and takes its place in the order, though it was there first";
}

TEST_F(BarrierTest, IdleGuestsAreNotWoken) {
  meet(2, 1000);
  EXPECT_EQ(run(100), "sent; next 1000");
  EXPECT_EQ(run(1000), "sent; next 1000") << "the horizon is exclusive";
  EXPECT_EQ(heard(0), Lines{});
  EXPECT_EQ(heard(1), Lines{});
  stop(0, 1001, VirtualTime::never().ns);
  stop(1, 1001, VirtualTime::never().ns);
  EXPECT_EQ(run(1001), "sent; next never");
  EXPECT_EQ(heard(0), Lines{"grant 1001"});
  EXPECT_EQ(run(5000), "sent; next never");
  EXPECT_EQ(heard(0), Lines{});
}

TEST_F(BarrierTest, DeliveriesWakeTheirReceiverOnlyAndComeInOrder) {
  meet(3, VirtualTime::never().ns);
  stop(1, 200, VirtualTime::never().ns);
  EXPECT_EQ(run(200, {delivery(120, 1, 0, 0), delivery(120, 1, 2, 5), delivery(250, 1, 0, 1)}), "sent; next never");
  EXPECT_EQ(heard(1), (Lines{"deliver 0/0 at 120", "deliver 2/5 at 120", "deliver 0/1 at 250", "grant 200"}));
  EXPECT_EQ(heard(0), Lines{});
  EXPECT_EQ(heard(2), Lines{});
}

TEST_F(BarrierTest, EarliestSendIsTheFirstGuestsAndNotBeforeTheHorizon) {
  meet(2);
  stop(0, 100, 700);
  stop(1, 100, 300);
  EXPECT_EQ(run(100), "sent; next 300");
  stop(1, 310, 5);  // busy again: what it says of the past means now
  EXPECT_EQ(run(310), "sent; next 310");
}

TEST_F(BarrierTest, UntilFinishesAllGuests) {
  meet(2, VirtualTime::never().ns, {.until = {300}});
  EXPECT_EQ(run(200), "sent; next never");
  frame(0, 0, 250);
  end(0, 300, EndReason::kUntil);
  end(1, 300, EndReason::kUntil);
  EXPECT_EQ(run(300, {delivery(240, 0, 1, 0)}), "sent 0/0@250; next never; ended 0@300; ended 1@300; finished");
  EXPECT_EQ(heard(0), (Lines{"deliver 1/0 at 240", "finish 300"}));
  EXPECT_EQ(heard(1), Lines{"finish 300"}) << "idle or not";
  ASSERT_EQ(barrier_->ends().size(), 2U);
  EXPECT_EQ(barrier_->ends()[1].at.ns, 300);
  EXPECT_EQ(barrier_->ends()[1].reason, EndReason::kUntil);
}

// With icount-shift a busy guest stops a little after the horizon, and `until` may lie between the two.
TEST_F(BarrierTest, WhoHasPassedTheEndEndsRightWhereItStopped) {
  meet(3, 0, {.until = {300}});
  stop(0, 320);
  stop(1, 299);
  frame(2, 0, 300);  // of an instant that is not part of the run: nobody gets it
  stop(2, 300);
  EXPECT_EQ(run(290), "sent; next 290");
  end(0, 321, EndReason::kUntil);
  end(1, 300, EndReason::kUntil);
  end(2, 301, EndReason::kUntil);
  EXPECT_EQ(run(300), "sent; next 300; ended 1@300; ended 2@301; ended 0@321; finished");
  EXPECT_EQ(heard(0), (Lines{"grant 290", "finish 300"}));
}

TEST_F(BarrierTest, AWishForTheEndIsFulfilledAtTheNextHorizon) {
  meet(3, VirtualTime::never().ns, {.until = {900}, .wants_end = [](VirtualTime now) { return now.ns >= 200; }});
  EXPECT_EQ(run(100), "sent; next never");
  EXPECT_EQ(run(200), "sent; next never");
  EXPECT_FALSE(barrier_->ended_by_wish());
  end(0, 300, EndReason::kUntil);
  end(1, 300, EndReason::kUntil);
  end(2, 250, EndReason::kPowerOff);
  EXPECT_EQ(run(300), "sent; next never; ended 2@250; ended 0@300; ended 1@300; finished");
  EXPECT_EQ(heard(0), Lines{"finish 300"}) << "idle or not";
  EXPECT_TRUE(barrier_->ended_by_wish());
  EXPECT_EQ(barrier_->now().ns, 300);
}

TEST_F(BarrierTest, APacedRunDoesNotRunAheadOfTheHost) {
  const auto begin = Pacing::Clock::now();
  meet(1, VirtualTime::never().ns, {.pacing = Pacing(1000)});
  EXPECT_EQ(run(20'000'000'000), "sent; next never");
  EXPECT_GE(Pacing::Clock::now() - begin, std::chrono::milliseconds(20));
}

TEST_F(BarrierTest, AGuestThatGoesAwayIsHeardWhileTheHostIsWaitedFor) {
  meet(2, VirtualTime::never().ns, {.pacing = Pacing(0.001)});
  guests_[1].reset();
  EXPECT_NE(run(1'000'000'000).find("guest 'guest1' failed at virtual time 0 ns"), std::string::npos) << "without waiting 1000 s";
}

/// A barrier with consoles; the test is the person too.
class TypingTest : public BarrierTest {
 protected:
  TypingTest() {
    auto live = LiveFolder::create(temporary_.path());
    CHECK(live.ok());
    live_.emplace(std::move(*live));
    auto server = ConsoleServer::create(live_->listen("console").value(), {{"guest0"}, {"guest1"}});
    CHECK(server.ok());
    consoles_ = std::move(*server);
  }
  /// A new client each time.
  void type(const std::string& guest, const std::string& text) const {
    const int fd = connect_to_run(temporary_.path(), "console").value();
    const std::string bytes = "console " + guest + "\n" + text;
    CHECK(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    consoles_->serve();  // takes the client in
    close(fd);
  }

  const testing::TemporaryFolder temporary_;
  std::optional<LiveFolder> live_;
  std::unique_ptr<ConsoleServer> consoles_;
};

// An answer to what is typed must not arrive before the horizon, so it is typed one lookahead before that: and then an idle guest may speak
// earlier than it had said.
TEST_F(TypingTest, WhatIsTypedEntersOneLookaheadBeforeTheHorizon) {
  meet(2, VirtualTime::never().ns, {.consoles = consoles_.get(), .lookahead = {30}});
  EXPECT_EQ(run(200), "sent; next never");
  type("guest1", "ls");
  frame(1, 0, 270);
  stop(1, 300, VirtualTime::never().ns);
  EXPECT_EQ(run(300), "sent 1/0@270; next never");
  EXPECT_EQ(heard(1), (Lines{"type ls at 270", "grant 300"}));
  EXPECT_EQ(heard(0), Lines{}) << "nobody else is woken";
}

TEST_F(TypingTest, NothingIsTypedInThePast) {
  meet(1, VirtualTime::never().ns, {.consoles = consoles_.get(), .lookahead = {1'000}});
  EXPECT_EQ(run(200), "sent; next never");
  type("guest0", "x");
  stop(0, 300);
  EXPECT_EQ(run(300), "sent; next 300");
  EXPECT_EQ(heard(0), (Lines{"type x at 200", "grant 300"}));
}

TEST_F(TypingTest, AGuestThatDoesNotReadIsNotTypedAtForEver) {
  meet(1, 0, {.consoles = consoles_.get(), .lookahead = {10}});
  type("guest0", std::string(kMostTypedWaiting, 'x'));
  stop(0, 100, 0, kMostTypedWaiting - 1);
  EXPECT_EQ(run(100), "sent; next 100");
  EXPECT_EQ(heard(0).size(), 2U);
  type("guest0", "yz");
  stop(0, 200, 0, kMostTypedWaiting);
  EXPECT_EQ(run(200), "sent; next 200");
  EXPECT_EQ(heard(0), (Lines{"type y at 190", "grant 200"}));
  stop(0, 300, 0, 0);
  EXPECT_EQ(run(300), "sent; next 300");
  EXPECT_EQ(heard(0), Lines{"grant 300"});
  stop(0, 400, 0, 0);
  EXPECT_EQ(run(400), "sent; next 400");
  EXPECT_EQ(heard(0), (Lines{"type z at 390", "grant 400"}));
}

TEST_F(TypingTest, AGuestMustNotClaimMoreThanWasTyped) {
  meet(1, 0, {.consoles = consoles_.get(), .lookahead = {10}});
  stop(0, 100, 0, 1);
  EXPECT_EQ(run(100), "guest 'guest0' failed at virtual time 0 ns: more waits for its console than was typed");
}

TEST_F(BarrierTest, ConsoleOutputThatNobodyAskedForIsRefused) {
  meet(1);
  say(0, {.type = MessageType::kPrinted}, {'x'});
  EXPECT_EQ(run(100), "guest 'guest0' failed at virtual time 0 ns: it shows its console, which nobody asked for");
}

TEST_F(BarrierTest, WhoOnlyKeepsOthersCompanyEndsAfterThem) {
  meet(2, 0, {.until = {900}, .companions = {true}});
  stop(0, 100, 150);
  stop(1, 100);
  EXPECT_EQ(run(100), "sent; next 100");
  stop(0, 200, 250);
  end(1, 130);
  EXPECT_EQ(run(200), "sent; next 250; ended 1@130");
  end(0, 300, EndReason::kUntil);
  EXPECT_EQ(run(300), "sent; next never; ended 0@300; finished");
  EXPECT_EQ(heard(0), (Lines{"grant 100", "grant 200", "finish 300"}));
  EXPECT_FALSE(barrier_->ended_by_wish()) << "nobody was stopped who would have gone on by itself";
}

TEST_F(BarrierTest, AWishForTheEndOfARunThatEndsAnywayIsNone) {
  meet(1, 0, {.until = {900}, .wants_end = [](VirtualTime /*now*/) { return true; }});
  end(0, 60);
  EXPECT_EQ(run(100), "sent; next never; ended 0@60; finished");
  EXPECT_FALSE(barrier_->ended_by_wish());
}

TEST_F(BarrierTest, AWishForTheEndAtTheEndIsNone) {
  meet(1, 0, {.until = {200}, .wants_end = [](VirtualTime /*now*/) { return true; }});
  stop(0, 100);
  EXPECT_EQ(run(100), "sent; next 100");
  end(0, 200, EndReason::kUntil);
  EXPECT_EQ(run(200), "sent; next never; ended 0@200; finished");
  EXPECT_FALSE(barrier_->ended_by_wish()) << "`until` was there as soon";
}

TEST_F(BarrierTest, GuestsThatEndedAreReportedOnceAndLeftAlone) {
  meet(2);
  frame(1, 0, 40);
  end(1, 60, EndReason::kHalt);
  stop(0, 100, 0);
  EXPECT_EQ(run(100), "sent 1/0@40; next 100; ended 1@60");
  stop(0, 200, 900);
  EXPECT_EQ(run(200, {delivery(150, 1, 0, 0)}), "sent; next 900");
  EXPECT_EQ(heard(1), Lines{"grant 100"}) << "nothing is delivered to who has ended";
  guests_[1].reset();
  EXPECT_EQ(run(300, std::vector<Delivery>(20'000, delivery(250, 1, 0, 1))), "sent; next 900") << "not even into a buffer";
  end(0, 950);
  EXPECT_EQ(run(1000), "sent; next never; ended 0@950; finished");
  EXPECT_EQ(barrier_->ends()[0].at.ns, 950);
  EXPECT_EQ(barrier_->ends()[0].reason, EndReason::kPowerOff);
  EXPECT_EQ(barrier_->ends()[1].reason, EndReason::kHalt);
  EXPECT_FALSE(barrier_->broken_guest().has_value());
}

// Which guest's end is read first is the host's affair; the order of the report is not.
TEST_F(BarrierTest, EndsAreOrderedByTimeThenGuest) {
  meet(3);
  end(0, 70);
  end(1, 60);
  end(2, 60);
  EXPECT_EQ(run(100), "sent; next never; ended 1@60; ended 2@60; ended 0@70; finished");
}

TEST_F(BarrierTest, InterruptStopsTheWait) {
  std::array<int, 2> signal{};
  ASSERT_EQ(pipe(signal.data()), 0);
  meet(2, 0, {.interrupt_fd = signal[0]});
  ASSERT_EQ(write(signal[1], "!", 1), 1);
  EXPECT_EQ(run(100), "interrupted at virtual time 0 ns");
  EXPECT_FALSE(barrier_->broken_guest().has_value());
  EXPECT_EQ(heard(0), Lines{"grant 100"});
  barrier_->dismiss();
  Message message;
  EXPECT_FALSE(guests_[0]->receive(message).ok()) << "dismissed guests see the recorder gone";
  close(signal[0]);
  close(signal[1]);
}

TEST_F(BarrierTest, InterruptIsHeardWhileAGuestReadsNothing) {
  std::array<int, 2> signal{};
  ASSERT_EQ(pipe(signal.data()), 0);
  meet(1, VirtualTime::never().ns, {.interrupt_fd = signal[0], .patience = std::chrono::milliseconds(5)});
  ASSERT_EQ(write(signal[1], "!", 1), 1);
  std::vector<Delivery> flood(100, delivery(50, 0, 0, 0));
  for (Delivery& each : flood) {
    each.frame.payload = std::make_shared<std::vector<uint8_t>>(60'000, 1);
  }
  EXPECT_EQ(run(100, flood), "interrupted at virtual time 0 ns");
  EXPECT_FALSE(barrier_->broken_guest().has_value());
  close(signal[0]);
  close(signal[1]);
}

TEST_F(BarrierTest, AnIdleGuestThatGoesAwayIsHeardWhileOthersRun) {
  meet(2, VirtualTime::never().ns);
  stop(0, 100, VirtualTime::never().ns);
  guests_[1].reset();
  EXPECT_NE(run(100, {delivery(50, 0, 0, 0)}).find("guest 'guest1' failed at virtual time 0 ns"), std::string::npos);
}

TEST_F(BarrierTest, TellsItsProgress) {
  std::vector<int64_t> seen;
  meet(1, VirtualTime::never().ns, {.progress = [&seen](VirtualTime now) { seen.push_back(now.ns); }});
  static_cast<void>(run(100));
  static_cast<void>(run(250));
  EXPECT_EQ(seen, (std::vector<int64_t>{100, 250}));
}

// The test speaks for the guest that holds up the run once it is told so.
TEST_F(BarrierTest, WhoHoldsUpTheRunIsNamedAndTheWaitDoubles) {
  std::vector<HeldUp> seen;
  const auto held_up = [&](const HeldUp& what) {
    seen.push_back(what);
    if (seen.size() == 3) {
      stop(1, 2'000'000'000);
    }
  };
  meet(3, 0, {.held_up = held_up, .patience = std::chrono::milliseconds(1)});
  stop(0, 2'000'000'000);
  end(2, 5);
  EXPECT_EQ(run(2'000'000'000), "sent; next 2000000000; ended 2@5");
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_GE(seen[0].waited, std::chrono::milliseconds(1));
  EXPECT_GE(seen[2].waited, std::chrono::milliseconds(7)) << "1 + 2 + 4";
  for (const HeldUp& what : seen) {
    EXPECT_EQ(what.by, std::vector<std::string>{"guest1"});
    EXPECT_EQ(what.to.ns, 2'000'000'000);
  }
}

TEST(HeldUp, SaysWhoAndWhere) {
  const std::string text =
      held_up_text({.by = {"alice", "bob"}, .from = {1'500'000'000}, .to = {2'000'000'000}, .waited = std::chrono::seconds(10)});
  EXPECT_EQ(text.substr(0, text.find(';')),
            "waiting for alice, bob since 10 s: let run from 1.500000000 s to 2.000000000 s of virtual time, and not arrived");
  const std::string start = held_up_text({.by = {"alice"}, .from = {}, .to = {}, .waited = std::chrono::milliseconds(20'999)});
  EXPECT_EQ(start.substr(0, start.find(';')), "waiting for alice since 20 s: nothing heard since it was started");
}

TEST_F(BarrierTest, CountsTheNetworksVerdicts) {
  meet(1);
  NetworkEvent event;
  barrier_->on_network_event(event);
  barrier_->on_network_event(event);
  event.kind = NetworkEvent::Kind::kDropped;
  barrier_->on_network_event(event);
  EXPECT_EQ(barrier_->network_statistics().frames_delivered, 2U);
  EXPECT_EQ(barrier_->network_statistics().frames_dropped, 1U);
}

using BarrierDeathTest = BarrierTest;

TEST_F(BarrierDeathTest, NothingIsDeliveredInAGuestsPast) {
  meet(1, VirtualTime::never().ns);
  ASSERT_EQ(run(100), "sent; next never");
  EXPECT_DEATH(static_cast<void>(barrier_->run_until({200}, {delivery(99, 0, 0, 0)})), "delivery.at >= now_");
  EXPECT_DEATH(static_cast<void>(barrier_->run_until({100}, {})), "horizon > now_");
}

}  // namespace
}  // namespace reprise
