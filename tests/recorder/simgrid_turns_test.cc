// How far and how often guests run, and how a run ends.
#include "recorder/simgrid_network.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "recorder/simgrid_time.h"
#include "tests/recorder/simgrid_fixture.h"
#include "tests/recorder/toy_participants.h"

namespace reprise {
namespace {

TEST(SimgridNetwork, LookaheadIsBelowTheSmallestLatency) {
  const auto platform = write_platform(
      "<zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/><host id=\"h1\" speed=\"1Gf\"/><host id=\"h2\" speed=\"1Gf\"/>"
      "<link id=\"a\" bandwidth=\"1Gbps\" latency=\"1ms\"/><link id=\"b\" bandwidth=\"1Gbps\" latency=\"100us\"/>"
      "<route src=\"h0\" dst=\"h1\"><link_ctn id=\"a\"/></route><route src=\"h1\" dst=\"h2\"><link_ctn id=\"b\"/></route>"
      "<route src=\"h0\" dst=\"h2\"><link_ctn id=\"a\"/><link_ctn id=\"b\"/></route></zone>");
  auto network = make_simgrid_network(platform, guests(3), {});
  ASSERT_TRUE(network.ok()) << network.error().message;
  EXPECT_EQ((*network)->lookahead().ns, 98'000);
}

TEST(SimgridNetwork, IdleTimeCostsNoTurns) {
  ToyParticipants toys(2);
  for (int i = 0; i < 60; ++i) {
    toys.send(i * kSecond, 0, 1, 98);
  }
  toys.on_frame = [&](const Delivery& d) {
    if (d.receiver.value == 1) {
      toys.send(d.at.ns + 20 * kUs, 1, 0, 98);
    }
  };
  ASSERT_EQ(failure(simulate(star(2), guests(2), toys, {60 * kSecond})), "");
  EXPECT_EQ(toys.arrivals.size(), 120u);
  EXPECT_EQ(toys.violations, Lines{});
  EXPECT_LE(toys.horizons.size(), 60u * 5) << "without idle skipping: 612,245";
  EXPECT_EQ(toys.horizons.back(), 60 * kSecond);
}

TEST(SimgridNetwork, RunEndsAtExactlyUntil) {
  ToyParticipants toys(2);
  toys.send(12'345'600, 0, 1, 60);  // under way at the end: never delivered, no verdict
  ASSERT_EQ(failure(simulate(star(2), guests(2), toys, {12'345'678})), "");
  EXPECT_EQ(toys.horizons.back(), 12'345'678);
  EXPECT_EQ(toys.arrivals, Lines{});
  EXPECT_EQ(toys.verdicts, Lines{});
}

TEST(SimgridNetwork, DeliveryAtExactlyUntilIsNotPartOfTheRun) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 1500);
  ASSERT_EQ(failure(simulate(star(2), guests(2), toys, {112'000})), "");
  EXPECT_EQ(toys.horizons.back(), 112'000);
  EXPECT_EQ(toys.arrivals, Lines{});
  EXPECT_EQ(toys.verdicts, Lines{});
}

TEST(SimgridNetwork, SilentGuestsRunStraightToUntil) {
  ToyParticipants toys(2);
  ASSERT_EQ(failure(simulate(star(2), guests(2), toys, {3600 * kSecond})), "");
  EXPECT_EQ(toys.horizons, (std::vector<int64_t>{98'000, 3600 * kSecond}));
}

TEST(SimgridNetwork, SilenceIsCrossedInSmallTurnsWhereSomethingMayComeFromOutside) {
  ToyParticipants toys(2);
  auto network = make_simgrid_network(star(2), guests(2), {});
  ASSERT_TRUE(network.ok()) << network.error().message;
  ASSERT_EQ(failure((*network)->simulate(toys, {.until = {kSecond}, .longest_turn = {5 * kMs}, .longest_idle_turn = Duration{5 * kMs}})),
            "");
  ASSERT_GE(toys.horizons.size(), 196U);
  ASSERT_LE(toys.horizons.size(), 200U);
  for (size_t i = 1; i < toys.horizons.size(); ++i) {
    EXPECT_LE(toys.horizons[i] - toys.horizons[i - 1], 5 * kMs + (*network)->lookahead().ns);
  }
}

TEST(SimgridNetwork, SilenceWithoutEndIsWaitedForWhereSomethingMayComeFromOutside) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 60);
  toys.fail_at_ns = kSecond;
  auto network = make_simgrid_network(star(2), guests(2), {});
  ASSERT_TRUE(network.ok()) << network.error().message;
  const Status status = (*network)->simulate(toys, {.longest_turn = {5 * kMs}, .longest_idle_turn = Duration{5 * kMs}});
  EXPECT_GE(toys.horizons.size(), 196U) << "the toys end the run, not the network: " << failure(status);
  EXPECT_EQ(failure(status).find("dead-lock"), std::string::npos) << failure(status);
}

TEST(SimgridNetwork, SilenceWithoutEndIsADeadLock) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 60);
  const Status status = simulate(star(2), guests(2), toys, VirtualTime::never());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kRunFailed);
  EXPECT_TRUE(has(failure(status), "dead-lock") && has(failure(status), "--until")) << failure(status);
  EXPECT_EQ(toys.arrivals, (Lines{"100480 0:0>1 60"}));
}

TEST(SimgridNetwork, RunEndsWhenAllGuestsHaveEnded) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 60);
  toys.send(kMs, 0, 1, 60);           // reaches guest 1 after its end
  toys.send(2 * kMs - 10, 0, 1, 60);  // still under way when all have ended
  toys.end(1, kMs + 1);
  toys.end(0, 2 * kMs);
  ASSERT_EQ(failure(simulate(star(2), guests(2), toys, VirtualTime::never())), "");
  EXPECT_EQ(toys.arrivals, (Lines{"100480 0:0>1 60"}));
  EXPECT_EQ(toys.verdicts, (Lines{"100480 0:0>1 delivered", "1000000 0:1>1 dropped 3", "1999990 0:2>1 dropped 3"}));
  EXPECT_EQ(toys.violations, Lines{});
}

TEST(SimgridNetwork, GuestAloneRuns) {
  ToyParticipants toys(1);
  toys.send(5, 0, kEverybody, 60);
  ASSERT_EQ(failure(simulate(star(2), guests(1), toys, {5 * kSecond})), "");
  EXPECT_EQ(toys.horizons, (std::vector<int64_t>{kSecond, 5 * kSecond}));
  EXPECT_EQ(toys.verdicts, Lines{});
}

TEST(SimgridNetwork, TurnsAreNoLongerThanAskedFor) {
  ToyParticipants toys(1);
  for (int i = 0; i < 4; ++i) {
    toys.send(i * 5 * kMs, 0, kEverybody, 60);
  }
  toys.send(2 * kSecond, 0, kEverybody, 60);
  ASSERT_EQ(failure(simulate(star(2), guests(1), toys, {5 * kSecond}, {}, Duration{10 * kMs})), "");
  EXPECT_EQ(toys.horizons, (std::vector<int64_t>{10 * kMs, 20 * kMs, 2 * kSecond + 10 * kMs, 5 * kSecond})) << "idle time is skipped";
}

TEST(SimgridNetwork, FailureOfAGuestStopsTheRun) {
  ToyParticipants toys(2);
  for (int i = 0; i < 100; ++i) {
    toys.send(i * 10 * kUs, 0, 1, 1500);  // frames waiting and under way when it happens
  }
  toys.fail_at_ns = 300 * kUs;
  EXPECT_EQ(failure(simulate(star(2), guests(2), toys, {kSecond})), "a toy guest died");
}

TEST(SimgridNetwork, RefusesToGoWhereItsClockIsTooCoarse) {
  ToyParticipants toys(2);
  toys.send(kLastInstant.ns + kSecond, 0, 1, 60);
  const Status status = simulate(star(2), guests(2), toys, VirtualTime::never());
  EXPECT_TRUE(has(failure(status), "65536 s")) << failure(status);
  EXPECT_EQ(toys.horizons.back(), kLastInstant.ns);
}

}  // namespace
}  // namespace reprise
