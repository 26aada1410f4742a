// `reprise validate`: guests that measure the platform they are on.
#include <algorithm>
#include <map>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

constexpr const char* kPlatform =
    "<?xml version=\"1.0\"?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n<platform version=\"4.1\">\n"
    "<zone id=\"z\" routing=\"Full\">\n"
    "<host id=\"node-0\" speed=\"1Gf\"/><host id=\"node-1\" speed=\"1Gf\"/><host id=\"node-2\" speed=\"1Gf\"/>\n"
    "<link id=\"near\" bandwidth=\"1Gbps\" latency=\"10ms\"/>\n<link id=\"far\" bandwidth=\"100Mbps\" latency=\"200ms\"/>\n"
    "<link id=\"slow\" bandwidth=\"1Mbps\" latency=\"5ms\"/>\n"
    "<route src=\"node-0\" dst=\"node-1\"><link_ctn id=\"near\"/></route>\n"
    "<route src=\"node-0\" dst=\"node-2\"><link_ctn id=\"far\"/></route>\n"
    "<route src=\"node-1\" dst=\"node-2\"><link_ctn id=\"slow\"/><link_ctn id=\"near\"/></route>\n"
    "</zone>\n</platform>\n";

/// Their work in the deployment does not matter.
const std::vector<GuestSpec> kGuests = {
    {.name = "alice", .append = "run=boot"}, {.name = "bob", .append = "run=boot"}, {.name = "carol", .append = "run=shell"}};

std::vector<std::string> validate(const GuestRun& run, const std::vector<std::string>& more) {
  std::vector<std::string> words = {"validate", run.path("platform.xml"), run.path("deployment.xml")};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Validate, MatrixIsThePlatforms) {
  const GuestRun run;
  run.deploy(kGuests);
  run.write("platform.xml", kPlatform);
  const Outcome outcome = run_reprise(validate(run, {"--json", "--svg", run.path("pings.svg"), "-o", run.path("pings.trace")}));
  ASSERT_TRUE(exits(outcome, 0));
  const nlohmann::json json = json_of(outcome);
  EXPECT_EQ(json["within_tolerance"], true);
  ASSERT_EQ(json["pairs"].size(), 9U);
  // Both ways' latencies, and 98 bytes at the slowest link.
  const std::map<std::string, int64_t> expected = {
      {"alice bob", 2 * (10'000'000 + 784)}, {"alice carol", 2 * (200'000'000 + 7'840)}, {"bob carol", 2 * (15'000'000 + 784'000)}};
  for (const nlohmann::json& pair : json["pairs"]) {
    const std::string from = pair["from"];
    const std::string to = pair["to"];
    ASSERT_EQ(pair["round_trips_ns"].size(), 10U) << pair;
    const int64_t least = from == to ? 0 : expected.at(std::min(from, to) + " " + std::max(from, to));
    if (from != to) {
      EXPECT_EQ(pair["expected_ns"], least) << pair;
    }
    for (const int64_t sample : pair["round_trips_ns"]) {
      EXPECT_GT(sample, least) << pair;
      EXPECT_LT(sample, least + 50'000) << pair;
    }
  }
  EXPECT_NE(file_text(run.folder() / "pings.svg").find("<svg "), std::string::npos);
  EXPECT_TRUE(replays_identically(run.replay("pings.trace"), 3));

  // The same run, held against nothing at all.
  const Outcome strict = run_reprise(validate(run, {"--tolerance", "0", "--processing", "0s"}));
  EXPECT_TRUE(exits(strict, 1));
  EXPECT_NE(strict.out.find("################## <alice> #################\nalice : 0.0"), std::string::npos) << strict.out;
  EXPECT_NE(strict.out.find("out of tolerance:\nalice to bob: 20."), std::string::npos) << strict.out;
}

TEST(ValidateRefusal, OtherGuestsAreNamedWithTheRemedy) {
  const GuestRun run;
  std::vector<GuestSpec> guests = kGuests;
  guests[1].initrd = "other.cpio";
  run.deploy(guests);
  run.write("other.cpio", "x");
  run.write("platform.xml", kPlatform);
  EXPECT_TRUE(complains(run_reprise(validate(run, {})), 2, "guest 'bob' is not the demo guest"));
  run.deploy(kGuests);
  EXPECT_TRUE(complains(run_reprise(validate(run, {"--tolerance", "-1"})), 2, "not a number of per cent"));
}

}  // namespace
}  // namespace reprise::testing
