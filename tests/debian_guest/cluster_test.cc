// Guests with a root file system and a NoCloud seed, on a <cluster>.
#include <fmt/format.h>

#include <iostream>
#include <regex>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

const std::string kExample = REPRISE_EXAMPLES "/cluster/";
// From examples/cluster/platform.xml: two links of 5 ms each way.
constexpr double kRoundTripMs = 20.0;
// A ping of 98 bytes at 1 Gbit/s takes 0.8 us each way; the rest is what two guests need to handle it. Seen: 0.017 ms in all.
constexpr double kMostBesidesMs = 0.1;
constexpr std::chrono::minutes kPatience{15};

::testing::AssertionResult record(const GuestRun& run, const std::string& deployment, const std::string& trace) {
  const RunOptions options{.limit = kPatience};
  return exits(
      run_reprise({"record", kExample + "platform.xml", kExample + deployment, "-o", run.path(trace), "--console", run.path("consoles")},
                  options),
      0);
}

/// What each guest is to have done, read from its console.
void expect_work(const GuestRun& run, int guests) {
  static const std::regex kRoundTrips("5 received, 0% packet loss.*rtt min/avg/max/mdev = ([0-9.]+)/[0-9.]+/([0-9.]+)/");
  for (int i = 1; i <= guests; ++i) {
    const std::string console = file_text(run.folder() / "consoles" / fmt::format("vm-{}.log", i));
    SCOPED_TRACE(console);
    EXPECT_NE(console.find(fmt::format("seed: vm-{} is up\r\n", i)), std::string::npos);
    EXPECT_EQ(console.find("not supported"), std::string::npos);
    EXPECT_NE(console.find("work: python 3."), std::string::npos);
    EXPECT_NE(console.find("1.00 MBytes"), std::string::npos) << "what iperf3 sent";
    EXPECT_NE(console.find("work: done\r\n"), std::string::npos);
    std::smatch times;
    ASSERT_TRUE(std::regex_search(console, times, kRoundTrips));
    EXPECT_GT(std::stod(times[1]), kRoundTripMs);
    EXPECT_LT(std::stod(times[2]), kRoundTripMs + kMostBesidesMs);
  }
}

TEST(Cluster, PairDoesItsWorkRepeatsAndReplays) {
  const GuestRun run;
  ASSERT_TRUE(record(run, "pair.xml", "a.trace"));
  expect_work(run, 2);
  EXPECT_TRUE(replays_identically(run.replay("a.trace", {}, {.limit = kPatience}), 2));
  ASSERT_TRUE(record(run, "pair.xml", "b.trace"));
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));

  const auto reader = run.open("a.trace");
  ASSERT_NE(reader, nullptr);
  for (const GuestInfo& guest : reader->run().guests) {
    const auto has = [&guest](const char* role) {
      return std::ranges::any_of(guest.images, [role](const ImageInfo& image) { return image.role == role && image.sha256.size() == 64; });
    };
    EXPECT_TRUE(has("root") && has("seed")) << guest.name;
  }
  // The trace carries the seeds: it was replayed from where nothing else of the run was.
  EXPECT_FALSE(std::filesystem::exists(run.path("a.trace.seeds")));
}

TEST(HeavyCluster, TenGuestsOnTwoCores) {
  const GuestRun run;
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(record(run, "deployment.xml", "a.trace"));
  std::cout << "recorded in " << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << " s" << std::endl;
  expect_work(run, 10);
  EXPECT_TRUE(replays_identically(run.replay("a.trace", {}, {.limit = kPatience}), 10));
}

}  // namespace
}  // namespace reprise::testing
