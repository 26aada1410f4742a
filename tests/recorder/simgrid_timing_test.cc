// When frames arrive, against what arithmetic says.
#include "recorder/simgrid_network.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/recorder/simgrid_fixture.h"
#include "tests/recorder/toy_participants.h"

namespace reprise {
namespace {

/// Guests know each other's MACs before the frames that count: without this the first unicast frames are flooded.
void introduce(ToyParticipants& toys, uint32_t count, int64_t at_ns) {
  for (uint32_t guest = 0; guest < count; ++guest) {
    toys.send(at_ns, guest, guest, 14);  // to itself: learned by the switch, forwarded to nobody
  }
}

TEST(SimgridNetwork, FrameTakesLatencyAndSerialisation) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 1500);
  toys.send(kMs + 1, 1, 0, 60);
  ASSERT_EQ(failure(simulate(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"100us\""), guests(2), toys, {10 * kMs})), "");
  EXPECT_EQ(toys.arrivals, (Lines{"112000 0:0>1 1500", "1100481 1:0>0 60"}));
  EXPECT_EQ(toys.verdicts, (Lines{"112000 0:0>1 delivered", "1100481 1:0>0 delivered"}));
  EXPECT_EQ(toys.violations, Lines{});
}

TEST(SimgridNetwork, BurstLeavesOneByOne) {
  ToyParticipants toys(2);
  for (int i = 0; i < 10; ++i) {
    toys.send(0, 0, 1, 1500);
  }
  ASSERT_EQ(failure(simulate(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"100us\""), guests(2), toys, {10 * kMs})), "");
  Lines expected;
  for (int i = 0; i < 10; ++i) {
    expected.push_back(fmt::format("{} 0:{}>1 1500", 112 * kUs + i * 12 * kUs, i));
  }
  EXPECT_EQ(toys.arrivals, expected);
}

TEST(SimgridNetwork, UnequalSizesQueueBehindEachOther) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 1514);    // leaves 0..12112
  toys.send(0, 0, 1, 60);      // leaves ..12592
  toys.send(5000, 0, 1, 100);  // ready while the first leaves: ..13392
  toys.send(20000, 0, 1, 64);  // the wire is free again: 20000..20512
  ASSERT_EQ(failure(simulate(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"100us\""), guests(2), toys, {10 * kMs})), "");
  EXPECT_EQ(toys.arrivals, (Lines{"112112 0:0>1 1514", "112592 0:1>1 60", "113392 0:2>1 100", "120512 0:3>1 64"}));
}

TEST(SimgridNetwork, FractionsOfANanosecondDoNotAddUp) {
  ToyParticipants toys(2);
  for (int i = 0; i < 1000; ++i) {
    toys.send(0, 0, 1, 61);  // 48.8 ns each at 10 Gbit/s
  }
  ASSERT_EQ(failure(simulate(pair_of_hosts("bandwidth=\"10Gbps\" latency=\"100us\""), guests(2), toys, {10 * kMs})), "");
  ASSERT_EQ(toys.arrivals.size(), 1000u);
  const int64_t last = std::stoll(toys.arrivals.back());
  EXPECT_GE(last, 100 * kUs + 48800);
  EXPECT_LE(last, 100 * kUs + 48802);
}

TEST(SimgridNetwork, NeighboursInTimeStayApart) {
  ToyParticipants toys(4);
  introduce(toys, 4, 0);
  toys.send(kMs, 0, 1, 1500);  // 1200.0 ns at 10 Gbit/s
  toys.send(kMs, 2, 3, 1501);  // 1200.8 ns: with SimGrid's own precision it would be done with the other
  ASSERT_EQ(failure(simulate(star(4, "10Gbps"), guests(4), toys, {10 * kMs})), "");
  EXPECT_EQ(toys.arrivals, (Lines{"1101200 0:1>1 1500", "1101201 2:1>3 1501"}));
}

TEST(SimgridNetwork, LongPathKeepsItsBandwidth) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 1500);  // SimGrid's TCP window would make this 100.075 ms
  ASSERT_EQ(failure(simulate(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"100ms\""), guests(2), toys, {kSecond})), "");
  EXPECT_EQ(toys.arrivals, (Lines{"100012000 0:0>1 1500"}));
}

TEST(SimgridNetwork, TimesAreExactLateInARun) {
  ToyParticipants toys(2);
  const int64_t late = 20'000 * kSecond + 7;
  toys.send(late, 0, 1, 1500);
  ASSERT_EQ(failure(simulate(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"100us\""), guests(2), toys, {late + kMs})), "");
  EXPECT_EQ(toys.arrivals, (Lines{fmt::format("{} 0:0>1 1500", late + 112 * kUs)}));
}

TEST(SimgridNetwork, CopiesOfAFloodedFrameLeaveOneByOne) {
  ToyParticipants toys(4);
  toys.send(0, 1, kEverybody, 1500);
  ASSERT_EQ(failure(simulate(star(4), guests(4), toys, {10 * kMs})), "");
  EXPECT_EQ(toys.arrivals, (Lines{"112000 1:0>0 1500", "124000 1:0>2 1500", "136000 1:0>3 1500"}));
}

TEST(SimgridNetwork, TwoSendersShareTheReceiversLink) {
  ToyParticipants toys(3);
  introduce(toys, 3, 0);
  toys.send(kMs, 0, 2, 1500);
  toys.send(kMs, 1, 2, 1500);             // halves the rate of both: 24 us each
  toys.send(2 * kMs, 0, 2, 1500);         // alone for 6 us, then half the rate: 18 us
  toys.send(2 * kMs + 6000, 1, 2, 1500);  // half the rate for 12 us, then alone: 18 us
  ASSERT_EQ(failure(simulate(star(3), guests(3), toys, {10 * kMs})), "");
  EXPECT_EQ(toys.arrivals, (Lines{"1124000 0:1>2 1500", "1124000 1:1>2 1500", "2118000 0:2>2 1500", "2124000 1:2>2 1500"}));
}

TEST(SimgridNetwork, BothDirectionsAreFree) {
  ToyParticipants toys(2);
  introduce(toys, 2, 0);
  toys.send(kMs, 0, 1, 1500);
  toys.send(kMs, 1, 0, 1500);
  ASSERT_EQ(failure(simulate(star(2), guests(2), toys, {10 * kMs})), "");
  EXPECT_EQ(toys.arrivals, (Lines{"1112000 0:1>1 1500", "1112000 1:1>0 1500"}));
}

TEST(SimgridNetwork, ShortFrameDoesNotOvertakeALongOne) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 1500);
  toys.send(0, 0, 1, 60);  // shares the slow link with the first and would be done long before it
  const auto platform = write_platform(
      "<zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/><host id=\"h1\" speed=\"1Gf\"/>"
      "<link id=\"fast\" bandwidth=\"1Gbps\" latency=\"50us\"/><link id=\"slow\" bandwidth=\"10Mbps\" latency=\"50us\"/>"
      "<route src=\"h0\" dst=\"h1\"><link_ctn id=\"fast\"/><link_ctn id=\"slow\"/></route></zone>");
  ASSERT_EQ(failure(simulate(platform, guests(2), toys, {10 * kMs})), "");
  EXPECT_EQ(toys.arrivals, (Lines{"1348000 0:0>1 1500", "1348000 0:1>1 60"}));
}

TEST(SimgridNetwork, TwoGuestsMayShareAHostWhoseLoopbackHasLatency) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 1000);
  ASSERT_EQ(failure(simulate(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"100us\""), on_hosts({"h0", "h0"}), toys, {10 * kMs},
                             {"--cfg=network/loopback-lat:0.00001", "--cfg=network/loopback-bw:1e9"})),
            "");
  EXPECT_EQ(toys.arrivals, (Lines{"11000 0:0>1 1000"}));
}

TEST(SimgridNetwork, OptionsOfTheUserWin) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 1500);
  ASSERT_EQ(
      failure(simulate(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"100us\""), guests(2), toys, {10 * kMs}, {"--cfg=network/model:LV08"})),
      "");
  EXPECT_EQ(toys.arrivals, (Lines{"112372 0:0>1 1500"})) << "12 us / 0.97";
}

TEST(SimgridNetwork, ConfigInThePlatformWins) {
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 1500);
  const auto platform = write_platform(
      "<config><prop id=\"network/model\" value=\"LV08\"/></config><zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/>"
      "<host id=\"h1\" speed=\"1Gf\"/><link id=\"l\" bandwidth=\"1Gbps\" latency=\"100us\"/>"
      "<route src=\"h0\" dst=\"h1\"><link_ctn id=\"l\"/></route></zone>");
  ASSERT_EQ(failure(simulate(platform, guests(2), toys, {10 * kMs})), "");
  EXPECT_EQ(toys.arrivals, (Lines{"112372 0:0>1 1500"}));
}

}  // namespace
}  // namespace reprise
