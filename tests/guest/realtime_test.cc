// --realtime: the host's clock decides when a guest runs, and nothing of what it sees.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

TEST(Realtime, ChangesNothingThatAGuestSees) {
  const GuestRun run;
  run.deploy(pinging_pair(5), "15ms");  // a lookahead three times the turn of a paced run
  ASSERT_TRUE(run.record("a.trace"));
  ASSERT_TRUE(run.record("b.trace", {"--realtime", "20"}));
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));
  EXPECT_EQ(std::filesystem::file_size(run.path("a.trace")), std::filesystem::file_size(run.path("b.trace")));
}

TEST(Realtime, IsNotFasterThanTheHost) {
  const GuestRun run;
  run.deploy(pinging_pair(5));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(run.record("a.trace", {"--realtime", "0.2", "--until", "400ms"}));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace reprise::testing
