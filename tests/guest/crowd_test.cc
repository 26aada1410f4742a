// More than two guests.
#include <fmt/format.h>

#include <iostream>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

TEST(Crowd, FourGuestsWithBroadcastsRepeatAndReplay) {
  const GuestRun run;
  std::vector<GuestSpec> guests = {{.name = "server", .append = "run=answer:3"}};
  for (const char* name : {"red", "green", "blue"}) {
    guests.push_back({.name = name, .append = "run=ping:10.0.0.1:3:5"});
  }
  // One of them talks as IPv6 hosts do: multicast, on its own.
  guests.back().append += " ipv6=1";
  run.deploy(guests, "50us");
  ASSERT_TRUE(run.record("a.trace", {"--console", run.path("consoles")}));
  for (const char* name : {"red", "green", "blue"}) {
    const std::string console = file_text(run.folder() / "consoles" / (std::string(name) + ".log"));
    EXPECT_NE(console.find("ping: 3 sent, 3 received"), std::string::npos) << name << "\n" << console;
  }
  // A broadcast reaches the three others, so more frames arrive than were sent.
  const nlohmann::json stats = run.stats("a.trace");
  int64_t sent = 0;
  for (const nlohmann::json& guest : stats["guests"]) {
    sent += guest["frames_sent"].get<int64_t>();
  }
  EXPECT_GT(stats["network"]["frames_delivered"].get<int64_t>() + stats["network"]["frames_dropped"].get<int64_t>(), sent) << stats;
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), guests.size()));
  ASSERT_TRUE(run.record("b.trace"));
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));
}

TEST(HeavyCrowd, SixteenGuestsBootTogether) {
  const GuestRun run;
  std::vector<GuestSpec> guests;
  for (int i = 0; i < 16; ++i) {
    guests.push_back({.name = fmt::format("guest-{}", i), .append = "run=boot"});
  }
  run.deploy(guests);
  ASSERT_TRUE(run.record("a.trace"));
  const auto reader = run.open("a.trace");
  ASSERT_NE(reader, nullptr);
  for (uint32_t i = 0; i < guests.size(); ++i) {
    EXPECT_EQ(reader->guest_statistics(GuestIndex{i}).end_reason, EndReason::kHalt) << i;
  }
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), guests.size()));
}

TEST(HeavyRounds, TwentyRecordingsAndReplaysUnderFullLoad) {
  const GuestRun run;
  const std::string example = REPRISE_EXAMPLES "/ping/";
  const BusyCores load;
  for (int round = 1; round <= 20; ++round) {
    SCOPED_TRACE(fmt::format("round {} of 20", round));
    const std::string trace = fmt::format("{}.trace", round);
    ASSERT_TRUE(exits(run_reprise({"record", example + "platform.xml", example + "deployment.xml", "-o", run.path(trace)}), 0));
    ASSERT_TRUE(are_identical(run, "1.trace", trace));
    ASSERT_TRUE(replays_identically(run.replay(trace), 2));
    std::cout << "round " << round << ": identical" << std::endl;
  }
}

}  // namespace
}  // namespace reprise::testing
