// Links and hosts that the deployment takes down, the instants at which that counts, and bandwidths that change.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "recorder/simgrid_network.h"
#include "tests/recorder/simgrid_fixture.h"
#include "tests/recorder/toy_participants.h"

namespace reprise {
namespace {

constexpr const char* kLink = "bandwidth=\"1Gbps\" latency=\"100us\"";
constexpr int64_t kArrivalNs = 100 * kUs + 480;  // of 60 bytes

Outage outage_of(Outage::Of of, const std::string& name, int64_t down_ns, VirtualTime up = VirtualTime::never()) {
  return {.of = of, .name = name, .down = {down_ns}, .up = up, .description = "deployment.xml:9: outage"};
}

std::vector<Outage> two_outages(Outage::Of of, const std::string& name) {
  return {outage_of(of, name, kSecond, {2 * kSecond}), outage_of(of, name, 3 * kSecond, {4 * kSecond})};
}

Status simulate_with(const std::string& platform, ToyParticipants& toys, std::vector<Outage> outages) {
  return simulate(platform, guests(2), toys, {4 * kSecond}, {}, NetworkModel::Limits{}.longest_turn, {.outages = std::move(outages)});
}

/// Frames around the outages [1 s, 2 s) and [3 s, 4 s): the last that arrives, one that is on the wire then, the first and the last that
/// leave while it lasts, the first that gets through again, and the first that arrives too late for the other outage.
void send_around_the_outage(ToyParticipants& toys) {
  toys.send(kSecond - kArrivalNs - 1, 0, 1, 60);
  toys.send(kSecond - 1, 0, 1, 60);
  toys.send(kSecond, 0, 1, 60);
  toys.send(2 * kSecond - 1, 0, 1, 60);
  toys.send(2 * kSecond, 1, 0, 60);
  toys.send(3 * kSecond - kArrivalNs, 1, 0, 60);
}

Lines verdicts_around_the_outage(int down) {
  return {"999999999 0:0>1 delivered",
          "999999999 0:1>1 dropped 2",
          fmt::format("1000000000 0:2>1 dropped {}", down),
          fmt::format("1999999999 0:3>1 dropped {}", down),
          "2000100480 1:0>0 delivered",
          "2999899520 1:1>0 dropped 2"};
}

TEST(SimgridOutage, LinkIsDownToTheNanosecond) {
  ToyParticipants toys(2);
  send_around_the_outage(toys);
  ASSERT_EQ(failure(simulate_with(pair_of_hosts(kLink), toys, two_outages(Outage::Of::kLink, "l"))), "");
  EXPECT_EQ(toys.verdicts, verdicts_around_the_outage(1));
  EXPECT_EQ(toys.violations, Lines{});
}

TEST(SimgridOutage, HostIsDownToTheNanosecond) {
  ToyParticipants toys(2);
  send_around_the_outage(toys);
  ASSERT_EQ(failure(simulate_with(pair_of_hosts(kLink), toys, two_outages(Outage::Of::kHost, "h1"))), "");
  EXPECT_EQ(toys.verdicts, verdicts_around_the_outage(0));
}

TEST(SimgridOutage, ProfileOfALinkMeansTheSame) {
  const auto state = write_state("1.0 0\n2.0 1\n3.0 0\n4.0 1\n");
  ToyParticipants toys(2);
  send_around_the_outage(toys);
  ASSERT_EQ(failure(simulate_with(pair_of_hosts(std::string(kLink) + " state_file=\"" + state + "\""), toys, {})), "");
  EXPECT_EQ(toys.verdicts, verdicts_around_the_outage(1));
}

TEST(SimgridOutage, ProfileOfAHostMeansTheSame) {
  const auto state = write_state("1.0 0\n2.0 1\n3.0 0\n4.0 1\n");
  ToyParticipants toys(2);
  send_around_the_outage(toys);
  const auto platform =
      write_platform("<zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/><host id=\"h1\" speed=\"1Gf\" state_file=\"" + state +
                     "\"/><link id=\"l\" bandwidth=\"1Gbps\" latency=\"100us\"/>"
                     "<route src=\"h0\" dst=\"h1\"><link_ctn id=\"l\"/></route></zone>");
  ASSERT_EQ(failure(simulate_with(platform, toys, {})), "");
  EXPECT_EQ(toys.verdicts, verdicts_around_the_outage(0));
}

TEST(SimgridOutage, SplitLinkGoesDownInBothDirections) {
  const auto platform = write_platform(
      "<zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/><host id=\"h1\" speed=\"1Gf\"/>"
      "<link id=\"l\" bandwidth=\"1Gbps\" latency=\"100us\" sharing_policy=\"SPLITDUPLEX\"/>"
      "<route src=\"h0\" dst=\"h1\" symmetrical=\"NO\"><link_ctn id=\"l\" direction=\"UP\"/></route>"
      "<route src=\"h1\" dst=\"h0\" symmetrical=\"NO\"><link_ctn id=\"l\" direction=\"DOWN\"/></route></zone>");
  ToyParticipants toys(2);
  toys.send(kSecond, 0, 1, 60);
  toys.send(kSecond + 1, 1, 0, 60);
  ASSERT_EQ(failure(simulate_with(platform, toys, {outage_of(Outage::Of::kLink, "l", 0)})), "");
  EXPECT_EQ(toys.verdicts, (Lines{"1000000000 0:0>1 dropped 1", "1000000001 1:0>0 dropped 1"}));
}

TEST(SimgridOutage, JitterKeepsAFrameOnItsWay) {
  ToyParticipants toys(2);
  for (int i = 0; i < 20; ++i) {
    toys.send(i * kUs, 0, 1, 60);  // all in SimGrid's network until 120 us, but late by up to 50 ms
  }
  ASSERT_EQ(failure(simulate_with(pair_of_hosts(kLink, {"<prop id=\"jitter\" value=\"50ms\"/>"}), toys,
                                  {outage_of(Outage::Of::kLink, "l", kMs, {2 * kMs})})),
            "");
  EXPECT_EQ(toys.verdicts.size(), 20U);
  EXPECT_GE(std::ranges::count_if(toys.verdicts, [](const std::string& verdict) { return has(verdict, "dropped 2"); }), 15);
}

TEST(SimgridOutage, UnknownNamesAreRefused) {
  auto network = make_simgrid_network(pair_of_hosts(kLink), guests(2), {}, {.outages = {outage_of(Outage::Of::kHost, "h11", 0)}});
  ASSERT_FALSE(network.ok());
  EXPECT_EQ(network.error().kind, ErrorKind::kUsage);
  EXPECT_TRUE(has(network.error().message, "deployment.xml:9: outage: ") &&
              has(network.error().message, "no host 'h11' (did you mean 'h1'?)"))
      << network.error().message;
  network = make_simgrid_network(pair_of_hosts(kLink), guests(2), {}, {.outages = {outage_of(Outage::Of::kLink, "ll", 0)}});
  ASSERT_FALSE(network.ok());
  EXPECT_TRUE(has(network.error().message, "no link 'll' (did you mean 'l'?)")) << network.error().message;
}

TEST(SimgridBandwidthProfile, FramesTakeTheRateOfTheirTime) {
  const auto profile = write_state("1.0 12500000\n2.0 125000000\n");  // bytes a second: 100 Mbit/s for a second, else 1 Gbit/s
  ToyParticipants toys(2);
  for (const int64_t at : {kSecond / 2, kSecond * 3 / 2, kSecond * 5 / 2}) {
    toys.send(at, 0, 1, 1500);
    toys.send(at, 0, 1, 1500);
  }
  ASSERT_EQ(failure(simulate(pair_of_hosts(std::string(kLink) + " bandwidth_file=\"" + profile + "\""), guests(2), toys, {3 * kSecond})),
            "");
  EXPECT_EQ(toys.arrivals, (Lines{"500112000 0:0>1 1500", "500124000 0:1>1 1500", "1500220000 0:2>1 1500", "1500340000 0:3>1 1500",
                                  "2500112000 0:4>1 1500", "2500124000 0:5>1 1500"}));
}

TEST(SimgridBandwidthProfile, ChangesWhatIsOnTheWay) {
  const auto profile = write_state("1.0 12500000\n");
  ToyParticipants toys(2);
  toys.send(kSecond - 112 * kUs, 0, 1, 3000);  // latency until -12 us, then 1500 bytes in 12 us, and the other 1500 in 120 us
  ASSERT_EQ(failure(simulate(pair_of_hosts(std::string(kLink) + " bandwidth_file=\"" + profile + "\""), guests(2), toys, {3 * kSecond})),
            "");
  EXPECT_EQ(toys.arrivals, (Lines{"1000120000 0:0>1 3000"}));
}

TEST(SimgridBandwidthProfile, LengthOfTurnsChangesNothing) {
  const auto profile = write_state("1.0 12500000\n");
  ToyParticipants toys(2);
  toys.send(kSecond - 1, 0, 1, 1500);
  toys.send(kSecond, 0, 1, 1500);
  toys.send(kSecond, 0, 1, 1500);
  ASSERT_EQ(failure(simulate(pair_of_hosts(std::string(kLink) + " bandwidth_file=\"" + profile + "\""), guests(2), toys, {3 * kSecond}, {},
                             Duration{kUs})),
            "");
  // The first occupies the NIC for 12 us, as the link was when it was sent, so the second begins 12 us after it and shares the link with
  // it.
  EXPECT_EQ(toys.arrivals, (Lines{"1000375999 0:0>1 1500", "1000399999 0:1>1 1500", "1000459999 0:2>1 1500"}));
}

}  // namespace
}  // namespace reprise
