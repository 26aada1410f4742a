// A guest or the recorder dies in the middle of a run: an honest exit code, no process left, and a trace of what was until then.
#include <signal.h>

#include <array>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

constexpr std::chrono::seconds kNoOrphanAfter{15};

class KilledRun : public ::testing::Test {
 protected:
  KilledRun() { run_.deploy(pinging_pair(16384)); }

  /// A recording that is well past its first second, so that there is something to recover.
  std::unique_ptr<RunningReprise> start() {
    auto recorder = std::make_unique<RunningReprise>(run_.record_command("a.trace", {"--console", run_.path("consoles")}));
    const bool pinging = wait_until([&] {
      return !recorder->running() || file_text(run_.folder() / "consoles" / "alice.log").find("reply seq=80 ") != std::string::npos;
    });
    if (!pinging || !recorder->running()) {
      ADD_FAILURE() << "the run did not get to its 80th ping";
      EXPECT_TRUE(exits(recorder->wait(), 0));
    }
    EXPECT_EQ(qemus().size(), 2U);
    return recorder;
  }

  [[nodiscard]] std::vector<pid_t> qemus() const { return qemus_of(run_.folder()); }

  /// Bytes in the console log of each guest. A byte is in the trace's log before it is here, so no kill that comes later takes it away.
  [[nodiscard]] std::array<uint64_t, 2> printed() const {
    return {file_text(run_.folder() / "consoles" / "alice.log").size(), file_text(run_.folder() / "consoles" / "bob.log").size()};
  }

  /// `printed`: what the guests had printed before the kill.
  void expect_recoverable(const std::array<uint64_t, 2>& printed) {
    EXPECT_TRUE(wait_until([this] { return qemus().empty(); }, kNoOrphanAfter)) << qemus().size() << " QEMUs are left";
    EXPECT_FALSE(std::filesystem::exists(run_.path("a.trace")));
    const Outcome recovery = run_reprise({"recover", run_.path("a.trace.partial"), "-o", run_.path("recovered.trace")});
    ASSERT_TRUE(exits(recovery, 0));
    const auto reader = run_.open("recovered.trace");
    ASSERT_NE(reader, nullptr);
    EXPECT_FALSE(reader->run().complete);
    for (const uint32_t i : {0U, 1U}) {
      EXPECT_GE(reader->guest_statistics(GuestIndex{i}).last.ns, 900'000'000) << recovery.out;
      EXPECT_GT(reader->guest_statistics(GuestIndex{i}).frames_received, 5U) << recovery.out;
      EXPECT_GE(reader->guest_statistics(GuestIndex{i}).console_bytes, printed[i]) << "guest " << i << ": " << recovery.out;
    }
    EXPECT_GT(printed[0], 0U);
    EXPECT_TRUE(replays_identically(run_.replay("recovered.trace"), 2));
  }

  GuestRun run_;
};

TEST_F(KilledRun, AKilledGuestFailsTheRun) {
  const auto recorder = start();
  const auto before = printed();
  for (const pid_t pid : qemus()) {
    if (file_text("/proc/" + std::to_string(pid) + "/cmdline").find(",guest=1,") != std::string::npos) {
      ASSERT_EQ(kill(pid, SIGKILL), 0);
    }
  }
  const Outcome outcome = recorder->wait();
  EXPECT_TRUE(complains(outcome, 5, "guest 'bob' failed at virtual time "));
  EXPECT_NE(outcome.err.find("killed by signal 9"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("'reprise recover " + run_.path("a.trace.partial") + " -o FILE'"), std::string::npos) << outcome.err;
  EXPECT_TRUE(qemus().empty()) << "the recorder has to wait for its guests";
  expect_recoverable(before);
}

TEST_F(KilledRun, TheGuestsOfAKilledRecorderEndByThemselves) {
  const auto recorder = start();
  const auto before = printed();
  recorder->signal(SIGKILL);
  EXPECT_EQ(recorder->wait().exit_code, -1);
  expect_recoverable(before);
  const Outcome again = run_reprise(run_.record_command("a.trace"));
  EXPECT_TRUE(complains(again, 2, run_.path("a.trace.partial") + " is there already"));
  EXPECT_NE(again.err.find("reprise recover"), std::string::npos) << again.err;
}

TEST_F(KilledRun, InterruptAndTerminateEndTheRunInOrder) {
  for (const int number : {SIGINT, SIGTERM}) {
    SCOPED_TRACE(number);
    const auto recorder = start();
    const auto before = printed();
    recorder->signal(number);
    EXPECT_TRUE(complains(recorder->wait(), 5, "interrupted at virtual time "));
    EXPECT_TRUE(qemus().empty()) << "the recorder has to wait for its guests";
    expect_recoverable(before);
    std::filesystem::remove_all(run_.path("a.trace.partial"));
    std::filesystem::remove_all(run_.path("consoles"));
    std::filesystem::remove(run_.path("recovered.trace"));
  }
}

TEST_F(KilledRun, TheGuestsOfAKilledReplayEndWithIt) {
  ASSERT_TRUE(run_.record("a.trace", {"--until", "2s"}));
  RunningReprise replayer({"replay", run_.path("a.trace"), "--jobs", "2"});
  EXPECT_TRUE(wait_until([&] { return qemus().size() == 2; }));
  // Stopped ones cannot come to their end by themselves.
  const std::vector<pid_t> stopped = qemus();
  for (const pid_t pid : stopped) {
    EXPECT_EQ(kill(pid, SIGSTOP), 0);
  }
  replayer.signal(SIGKILL);
  EXPECT_EQ(replayer.wait().exit_code, -1);
  EXPECT_TRUE(wait_until([this] { return qemus().empty(); }, kNoOrphanAfter));
  for (const pid_t pid : qemus()) {
    kill(pid, SIGKILL);
  }
}

// What a trace carries of its guests' seeds lies in a folder during a replay.
TEST_F(KilledRun, AnInterruptedReplayLeavesNoProcessAndNoFile) {
  run_.deploy({{.name = "alice", .append = "run=boot", .seed = run_.write("seed.iso", "a password")}});
  ASSERT_TRUE(run_.record("a.trace", {"--until", "100ms"}));
  const std::filesystem::path temporary = run_.folder() / "temporary";
  std::filesystem::create_directory(temporary);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    SCOPED_TRACE(number);
    RunningReprise replayer({"replay", run_.path("a.trace")}, {.environment = {{"TMPDIR", temporary.string()}}});
    EXPECT_TRUE(wait_until([&] { return qemus().size() == 1; }));
    for (const pid_t pid : qemus()) {
      EXPECT_EQ(kill(pid, SIGSTOP), 0);  // it must not be done before it is interrupted
    }
    EXPECT_FALSE(std::filesystem::is_empty(temporary));
    replayer.signal(number);
    EXPECT_TRUE(complains(replayer.wait(), 5, "interrupted"));
    EXPECT_TRUE(qemus().empty());
    EXPECT_TRUE(std::filesystem::is_empty(temporary));
  }
}

class HeavyKills : public KilledRun {};

// Recorder, a guest, or all of them at any instant: what is recovered is all that was printed, verifies and replays. REPRISE_KILLS sets how
// often (20).
TEST_F(HeavyKills, AnythingAtAnyInstant) {
  const char* const text = std::getenv("REPRISE_KILLS");
  const int kills = text != nullptr ? std::atoi(text) : 20;
  std::mt19937 random(20261125);
  uint64_t recovered_bytes = 0;
  for (int round = 0; round < kills; ++round) {
    SCOPED_TRACE(round);
    std::filesystem::remove_all(run_.path("consoles"));
    RunningReprise recorder(run_.record_command("a.trace", {"--console", run_.path("consoles")}));
    ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(run_.path("a.trace.partial") + "/guest-1.log"); }));
    // Every other time well after the boot, whose length is the host's affair.
    ASSERT_TRUE(round % 2 != 0 || wait_until([&] { return printed()[0] > 0; }));
    // The instant is what is random here; nothing is waited for.
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 3000));
    const auto before = printed();
    const auto what = random() % 3;
    if (what != 1) {
      recorder.signal(SIGKILL);
    }
    for (const pid_t pid : qemus()) {
      if (what != 0 && (what == 2 || random() % 2 == 0)) {
        kill(pid, SIGKILL);
      }
    }
    if (what == 1) {
      recorder.signal(SIGTERM);  // should the guests have been spared
    }
    recorder.wait();
    ASSERT_TRUE(wait_until([this] { return qemus().empty(); }, kNoOrphanAfter));
    ASSERT_TRUE(exits(run_reprise({"recover", run_.path("a.trace.partial"), "-o", run_.path("recovered.trace")}), 0));
    ASSERT_TRUE(exits(run_reprise({"verify", run_.path("recovered.trace")}), 0));
    const auto stats = run_.stats("recovered.trace");
    for (size_t guest = 0; guest < before.size(); ++guest) {
      ASSERT_GE(stats["guests"][guest]["console_bytes"].get<uint64_t>(), before[guest]) << "guest " << guest;
      recovered_bytes += before[guest];
    }
    ASSERT_TRUE(replays_identically(run_.replay("recovered.trace"), 2));
    std::filesystem::remove_all(run_.path("a.trace.partial"));
    std::filesystem::remove(run_.path("recovered.trace"));
  }
  EXPECT_GT(recovered_bytes, 0U) << "no guest came far enough to lose anything";
}

}  // namespace
}  // namespace reprise::testing
