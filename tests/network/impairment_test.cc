// What links do to the frames of real guests, and that TCP gets over it.
#include <algorithm>
#include <cmath>
#include <functional>

#include "tests/network/impaired_run.h"

namespace reprise::testing {
namespace {

constexpr int kTcpBytes = 400'000;

/// Five standard deviations of the binomial distribution.
void expect_share(int count, int of, double share) {
  EXPECT_NEAR(count, of * share, 5 * std::sqrt(of * share * (1 - share))) << count << " of " << of;
}

void expect_all_bytes_arrived(const GuestRun& run, int bytes) {
  const std::string console = console_of(run, "bob");
  EXPECT_NE(console.find(fmt::format("tcp-receive: bytes={} ", bytes)), std::string::npos) << console;
}

TEST(QuickLoss, TcpRepairsIt) {
  const GuestRun run;
  deploy_over(run, tcp_pair(60'000), "<link id=\"link\" bandwidth=\"100Mbps\" latency=\"2ms\"><prop id=\"loss\" value=\"0.05\"/></link>");
  // Once: this one is part of every test run. The others record twice.
  ASSERT_TRUE(run.record("first.trace", {"--until", "120s", "--console", run.path("consoles")}));
  EXPECT_TRUE(replays_identically(run.replay("first.trace"), 2));
  expect_all_bytes_arrived(run, 60'000);
  EXPECT_GT(run.stats("first.trace")["network"]["drops"]["loss"], 0);
}

struct Case {
  std::string name;
  std::string properties;
  std::function<void(const Traffic&)> check;
};

class Impairment : public ::testing::TestWithParam<Case> {};

TEST_P(Impairment, OfTcp) {
  const GuestRun run;
  deploy_over(run, tcp_pair(kTcpBytes), "<link id=\"link\" bandwidth=\"100Mbps\" latency=\"5ms\">" + GetParam().properties + "</link>");
  record_twice_and_replay(run);
  expect_all_bytes_arrived(run, kTcpBytes);
  const auto reader = run.open("first.trace");
  ASSERT_NE(reader, nullptr);
  GetParam().check(traffic_of(*reader));
}

TEST(OtherSeed, IsAnotherRun) {
  const GuestRun run;
  deploy_over(run, tcp_pair(60'000), "<link id=\"link\" bandwidth=\"100Mbps\" latency=\"2ms\"><prop id=\"loss\" value=\"0.05\"/></link>");
  ASSERT_TRUE(run.record("first.trace", {"--until", "120s"}));
  ASSERT_TRUE(run.record("other.trace", {"--seed", "2", "--until", "120s"}));
  EXPECT_TRUE(exits(run.diff("first.trace", "other.trace"), 1));
}

std::string prop(const std::string& id, const std::string& value) {
  return "<prop id=\"" + id + "\" value=\"" + value + "\"/>";
}

INSTANTIATE_TEST_SUITE_P(Links, Impairment,
                         ::testing::Values(Case{"Loss", prop("loss", "0.03"),
                                                [](const Traffic& traffic) {
                                                  expect_share(traffic.lost, traffic.lost + traffic.delivered, 0.03);
                                                  EXPECT_GT(traffic.lost, 0);
                                                  EXPECT_EQ(traffic.second + traffic.overtaken, 0);
                                                }},
                                           Case{"Duplicate", prop("duplicate", "0.1"),
                                                [](const Traffic& traffic) {
                                                  expect_share(traffic.second, traffic.delivered - traffic.second, 0.1);
                                                  EXPECT_GT(traffic.second, 0);
                                                  EXPECT_EQ(traffic.lost, 0);
                                                }},
                                           Case{"Reorder", prop("reorder", "0.05") + prop("reorder_delay", "8ms"),
                                                [](const Traffic& traffic) {
                                                  EXPECT_GT(traffic.overtaken, 0);
                                                  EXPECT_EQ(traffic.lost + traffic.second, 0);
                                                }},
                                           Case{"Jitter", prop("jitter", "4ms"),
                                                [](const Traffic& traffic) {
                                                  EXPECT_EQ(traffic.overtaken + traffic.lost + traffic.second, 0);
                                                }}),
                         [](const auto& case_info) { return case_info.param.name; });

// Round trips show jitter as the guest sees it: both ways draw, and nothing is early.
TEST(JitterOfPings, AreWithinTheLinks) {
  const GuestRun run;
  deploy_over(run, pinging_pair(60), "<link id=\"link\" bandwidth=\"100Mbps\" latency=\"5ms\">" + prop("jitter", "4ms") + "</link>");
  record_twice_and_replay(run);
  const std::vector<int64_t> round_trips = numbers_in(console_of(run, "alice"), "rtt_ns=([0-9]+)");
  ASSERT_EQ(round_trips.size(), 60U);
  const auto [least, most] = std::ranges::minmax(round_trips);
  constexpr int64_t kBaseNs = 2 * (5'000'000 + 98 * 80);  // 98 bytes at 100 Mbit/s
  constexpr int64_t kMostProcessingNs = 100'000;
  EXPECT_GT(least, kBaseNs);
  EXPECT_LT(most, kBaseNs + 2 * 4'000'000 + kMostProcessingNs);
  EXPECT_GT(most - least, 4'000'000);
}

TEST(LossyExample, DoesWhatItSays) {
  const GuestRun run;
  for (const char* file : {"platform.xml", "deployment.xml"}) {
    std::filesystem::copy_file(std::filesystem::path(REPRISE_EXAMPLES) / "lossy" / file, run.path(file));
  }
  record_twice_and_replay(run);
  expect_all_bytes_arrived(run, 1'000'000);
  const auto reader = run.open("first.trace");
  ASSERT_NE(reader, nullptr);
  const Traffic traffic = traffic_of(*reader);
  expect_share(traffic.lost, traffic.lost + traffic.delivered, 0.02);
  expect_share(traffic.second, traffic.delivered - traffic.second, 0.01);
  EXPECT_GT(traffic.second, 0);
  EXPECT_GT(traffic.overtaken, 0);
}

}  // namespace
}  // namespace reprise::testing
