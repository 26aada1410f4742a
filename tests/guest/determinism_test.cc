// The promise itself: a run is the same every time, and each guest does alone from the trace what it did among the others.
#include <filesystem>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;

class Determinism : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = std::make_unique<GuestRun>();
    run_->deploy(pinging_pair(5));
    ASSERT_TRUE(run_->record("first.trace", {"--console", run_->path("recorded")}));
  }
  static void TearDownTestSuite() { run_.reset(); }

  /// Five round trips and what comes before them, or the comparisons below compare little.
  static void expect_eventful(const std::string& trace) {
    const nlohmann::json stats = run_->stats(trace);
    ASSERT_EQ(stats["guests"].size(), 2U) << stats;
    for (const nlohmann::json& guest : stats["guests"]) {
      EXPECT_GE(guest["frames_sent"], 6) << guest;
      EXPECT_GE(guest["frames_received"], 6) << guest;
      EXPECT_GT(guest["clock_reads"]["tsc"], 1000) << guest;
      EXPECT_GT(guest["console_bytes"], 50) << guest;
    }
  }

  static void expect_same_consoles(const std::string& folder) {
    for (const char* log : {"alice.log", "bob.log"}) {
      const std::string recorded = file_text(run_->folder() / "recorded" / log);
      EXPECT_NE(recorded.find("guest: up, vmxnet3"), std::string::npos) << recorded;
      EXPECT_EQ(recorded, file_text(run_->folder() / folder / log)) << run_->path(folder);
    }
  }

  static std::unique_ptr<GuestRun> run_;
};
std::unique_ptr<GuestRun> Determinism::run_;

TEST_F(Determinism, RecordsTheSameTwice) {
  expect_eventful("first.trace");
  ASSERT_TRUE(run_->record("second.trace"));
  EXPECT_TRUE(are_identical(*run_, "first.trace", "second.trace"));
}

TEST_F(Determinism, RecordsTheSameAtAnotherNiceLevel) {
  ASSERT_TRUE(run_->record("nice.trace", {}, {.nice = 15}));
  EXPECT_TRUE(are_identical(*run_, "first.trace", "nice.trace"));
}

TEST_F(Determinism, RecordsTheSameUnderLoad) {
  const BusyCores load;
  ASSERT_TRUE(run_->record("loaded.trace"));
  EXPECT_TRUE(are_identical(*run_, "first.trace", "loaded.trace"));
}

TEST_F(Determinism, OneMorePingIsAnotherRun) {
  // So that "identical" above is not said of everything.
  run_->deploy(pinging_pair(6));
  ASSERT_TRUE(run_->record("six.trace"));
  run_->deploy(pinging_pair(5));
  const Outcome outcome = run_->diff("first.trace", "six.trace");
  EXPECT_TRUE(exits(outcome, 1));
  EXPECT_FALSE(json_of(outcome)["identical"]) << outcome.out;
}

TEST_F(Determinism, ReplaysIdenticallyDownToTheConsole) {
  EXPECT_TRUE(replays_identically(run_->replay("first.trace", {"--console", run_->path("replayed")}), 2));
  expect_same_consoles("replayed");
}

TEST_F(Determinism, ReplaysIdenticallyUnderLoadAtAnotherNiceLevel) {
  const BusyCores load;
  EXPECT_TRUE(replays_identically(run_->replay("first.trace", {}, {.nice = 2}), 2));
}

TEST_F(Determinism, ReplaysOneGuestWithoutTheOther) {
  const Outcome outcome = run_->replay("first.trace", {"--guest", "alice"});
  EXPECT_TRUE(replays_identically(outcome, 1));
  EXPECT_EQ(outcome.out.rfind("alice: identical, ", 0), 0U) << outcome.out;
  EXPECT_TRUE(complains(run_->replay("first.trace", {"--guest", "carol"}), 2, "no guest 'carol'"));
}

TEST_F(Determinism, ReplaysFromTheTraceAlone) {
  const GuestRun elsewhere;
  for (const char* name : {"platform.xml", "deployment.xml", "first.trace"}) {
    fs::copy_file(run_->path(name), elsewhere.path(name));
  }
  ASSERT_TRUE(elsewhere.record("own.trace"));
  fs::remove(elsewhere.path("platform.xml"));
  fs::remove(elsewhere.path("deployment.xml"));
  EXPECT_TRUE(replays_identically(elsewhere.replay("own.trace"), 2));
  EXPECT_TRUE(are_identical(elsewhere, "own.trace", "first.trace"));
}

}  // namespace
}  // namespace reprise::testing
