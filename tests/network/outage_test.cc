// Links and hosts that go down under real guests, and a link that slows down.
#include <algorithm>

#include "tests/network/impaired_run.h"

namespace reprise::testing {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(OutageExample, DoesWhatItSays) {
  const GuestRun run;
  for (const char* file : {"platform.xml", "deployment.xml", "rate.txt"}) {
    std::filesystem::copy_file(std::filesystem::path(REPRISE_EXAMPLES) / "outage" / file, run.path(file));
  }
  record_twice_and_replay(run);
  ASSERT_TRUE(exits(run_reprise({"record", "--example", "outage", "-o", run.path("example.trace")}), 0));
  EXPECT_TRUE(are_identical(run, "first.trace", "example.trace"));
  const std::string console = console_of(run, "alice");
  const std::vector<int64_t> round_trips = numbers_in(console, "rtt_ns=([0-9]+)");
  const std::vector<int64_t> lost = numbers_in(console, "lost seq=([0-9]+)");
  EXPECT_EQ(round_trips.size() + lost.size(), 50U) << console;
  EXPECT_GE(lost.size(), 2U) << console;
  const auto [least, most] = std::ranges::minmax(round_trips);
  EXPECT_LT(least, 21'000'000);
  EXPECT_GT(most, 35'000'000) << "while the link is slow";
  EXPECT_LT(most, 37'000'000);

  const auto reader = run.open("first.trace");
  ASSERT_NE(reader, nullptr);
  int link = 0;
  int host = 0;
  const auto network = reader->network_events();
  for (NetworkEvent event; network->next(event).value();) {
    const auto down_at = [&](int64_t from, int64_t to) { return event.sent_at.ns >= from && event.sent_at.ns < to; };
    const bool dropped = event.kind == NetworkEvent::Kind::kDropped;
    EXPECT_TRUE(dropped || !(down_at(2 * kSecond, 3 * kSecond) || down_at(4 * kSecond, 5 * kSecond))) << event.sent_at.ns;
    link += dropped && event.reason == DropReason::kLinkDown ? 1 : 0;
    host += dropped && event.reason == DropReason::kHostDown ? 1 : 0;
  }
  EXPECT_GT(link, 0);
  EXPECT_GT(host, 0);
}

TEST(OutageOfTcp, TransferGoesOnWhenTheLinkIsBack) {
  const GuestRun run;
  deploy_over(run, tcp_pair(1'000'000), "<link id=\"link\" bandwidth=\"10Mbps\" latency=\"5ms\"/>",
              "<actor host=\"node-0\" function=\"outage\"><prop id=\"link\" value=\"link\"/><prop id=\"down\" value=\"1s\"/>"
              "<prop id=\"up\" value=\"2s\"/></actor>\n");
  record_twice_and_replay(run);
  const std::string console = console_of(run, "bob");
  const std::vector<int64_t> took = numbers_in(console, "tcp-receive: bytes=1000000 ns=([0-9]+)");
  ASSERT_EQ(took.size(), 1U) << console;
  EXPECT_GT(took.front(), 1'800'000'000) << "0.8 s at 10 Mbit/s and a second without link";
  const auto reader = run.open("first.trace");
  ASSERT_NE(reader, nullptr);
  EXPECT_GT(traffic_of(*reader).cut, 0);
}

TEST(BandwidthProfile, TcpTakesTheRateOfItsTime) {
  const GuestRun run;
  deploy_over(run, tcp_pair(1'000'000), "<link id=\"link\" bandwidth=\"100Mbps\" latency=\"5ms\" bandwidth_file=\"rate.txt\"/>");
  run.write("rate.txt", "0.0 250000\n60.0 12500000\n");  // 2 Mbit/s: 4 s for a megabyte, not 0.08 s
  record_twice_and_replay(run);
  const std::string console = console_of(run, "bob");
  const std::vector<int64_t> took = numbers_in(console, "tcp-receive: bytes=1000000 ns=([0-9]+)");
  ASSERT_EQ(took.size(), 1U) << console;
  EXPECT_GT(took.front(), 4 * kSecond);
  EXPECT_LT(took.front(), 5 * kSecond);
}

}  // namespace
}  // namespace reprise::testing
