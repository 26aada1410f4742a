// --max-size: the trace stays below the size, and is the trace of a run that ended there.
#include <filesystem>
#include <string>

#include "tests/guest/guest_run.h"
#include "trace_format/event_text.h"

namespace reprise::testing {
namespace {

/// 20 MB over TCP: far more than any size below allows.
std::vector<GuestSpec> bulk_pair() {
  return {{.name = "alice", .append = "run=tcp-send:10.0.0.2:20000000"}, {.name = "bob", .append = "run=tcp-receive"}};
}

TEST(MaxSize, EndsTheRunAsUntilDoes) {
  const GuestRun run;
  run.deploy(bulk_pair());
  const Outcome outcome = run_reprise(run.record_command("a.trace", {"--max-size", "4M"}));
  ASSERT_TRUE(exits(outcome, 0));
  const auto reader = run.open("a.trace");
  ASSERT_NE(reader, nullptr);
  const VirtualTime stopped = reader->run().until;
  EXPECT_NE(outcome.out.find("stopped at " + seconds_text(stopped) + " s by --max-size\n"), std::string::npos) << outcome.out;
  for (const uint32_t i : {0U, 1U}) {
    EXPECT_EQ(reader->guest_statistics(GuestIndex{i}).last, stopped) << i;
    EXPECT_EQ(reader->guest_statistics(GuestIndex{i}).end_reason, EndReason::kUntil) << i;
  }
  const uintmax_t size = std::filesystem::file_size(run.path("a.trace"));
  EXPECT_LE(size, 4U << 20);
  EXPECT_GT(size, 1U << 20) << "and it is made use of";
  EXPECT_FALSE(std::filesystem::exists(run.path("a.trace.partial")));
  EXPECT_TRUE(exits(run_reprise({"verify", run.path("a.trace")}), 0));
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 2));
  ASSERT_TRUE(run.record("b.trace", {"--until", std::to_string(stopped.ns) + "ns"}));
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));
}

// Nothing limits how far a guest alone may run; it must not write a whole second's reads before the next look.
TEST(MaxSize, BoundsAGuestAlone) {
  const GuestRun run;
  run.deploy({{.name = "alice", .append = "run=clocks:2000000"}});
  const Outcome outcome = run_reprise(run.record_command("a.trace", {"--max-size", "450K"}));
  ASSERT_TRUE(exits(outcome, 0));
  EXPECT_NE(outcome.out.find(" s by --max-size\n"), std::string::npos) << outcome.out;
  EXPECT_LE(std::filesystem::file_size(run.path("a.trace")), 450U << 10);
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 1));
}

TEST(MaxSize, ThatIsNotReachedChangesNothing) {
  const GuestRun run;
  run.deploy(pinging_pair(5), "15ms");  // a lookahead three times the turn that --max-size allows
  ASSERT_TRUE(run.record("a.trace"));
  ASSERT_TRUE(run.record("b.trace", {"--max-size", "10G"}));
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));
  EXPECT_EQ(std::filesystem::file_size(run.path("a.trace")), std::filesystem::file_size(run.path("b.trace")));
}

TEST(MaxSize, ThatNothingFitsIntoIsRefused) {
  const GuestRun run;
  run.deploy(bulk_pair());
  EXPECT_TRUE(complains(run_reprise(run.record_command("a.trace", {"--max-size", "64K"})), 2,
                        "--max-size: 65536 bytes are too few for 2 guests; at least "));
  EXPECT_FALSE(std::filesystem::exists(run.path("a.trace.partial")));
}

}  // namespace
}  // namespace reprise::testing
