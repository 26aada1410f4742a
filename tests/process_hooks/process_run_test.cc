// The built program with real processes: recorded twice, replayed, killed.
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;

const std::string kPrologue = "<?xml version=\"1.0\"?>\n<platform version=\"4.1\">\n";

/// A process in each of the hosts node-0, node-1, ..., with address 10.0.0.(i+1), which does what its words say.
class ProcessRun : public ::testing::Test {
 protected:
  void deploy(const std::vector<std::vector<std::string>>& processes, const std::string& program = ACTOR) {
    run_.deploy(std::vector<GuestSpec>(std::max<size_t>(2, processes.size())));  // the platform
    std::string text = kPrologue;
    for (size_t i = 0; i < processes.size(); ++i) {
      text += fmt::format("  <actor host=\"node-{}\" function=\"vsg_vm\">\n    <argument value=\"10.0.0.{}/24\"/>\n", i, i + 1);
      text += fmt::format("    <argument value=\"{}\"/>\n", program);
      for (const std::string& word : processes[i]) {
        text += fmt::format("    <argument value=\"{}\"/>\n", word);
      }
      text += "  </actor>\n";
    }
    run_.write("deployment.xml", text + "</platform>\n");
  }
  Outcome record(const std::string& trace, const std::vector<std::string>& more = {}) {
    return run_reprise(run_.record_command(trace, more), kNoQemu);
  }
  /// Records twice, compares, replays: all as it must be.
  void expect_repeatable(size_t guests) {
    ASSERT_TRUE(exits(record("a.trace", {"--console", run_.path("logs")}), 0));
    ASSERT_TRUE(exits(record("b.trace"), 0));
    EXPECT_TRUE(are_identical(run_, "a.trace", "b.trace"));
    EXPECT_TRUE(exits(run_reprise({"verify", run_.path("a.trace")}), 0));
    EXPECT_TRUE(replays_identically(run_.replay("a.trace", {}, kNoQemu), guests));
  }
  [[nodiscard]] std::string log(const std::string& name = "node-0") const { return file_text(run_.folder() / "logs" / (name + ".log")); }

  /// A run of processes alone must not need it.
  const RunOptions kNoQemu{.environment = {{"REPRISE_QEMU", "/nonexistent"}}};
  GuestRun run_;
};

/// Processes (no zombies) whose command line has `text`.
size_t processes_with(const std::string& text) {
  size_t found = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string words = file_text(entry.path() / "cmdline");
    found += words.find(text) != std::string::npos && words.find("process_run_test") == std::string::npos ? 1 : 0;
  }
  return found;
}

TEST_F(ProcessRun, TwoExchangeMessages) {
  deploy({{"exchange", "10.0.0.2", "3"}, {"exchange", "10.0.0.1", "3"}});
  expect_repeatable(2);
  // Sent after the first call's 1 us; 10 ms of latency; 42 + 4 bytes at 1 Gbit/s.
  EXPECT_NE(log().find("slept at 1001000\n"), std::string::npos) << log();
  // Both first messages share the links, so that each takes twice 0.368 us; the line is printed one call later.
  EXPECT_NE(log().find("received at 10002736\n"), std::string::npos) << log();
  const auto stats = run_.stats("a.trace");
  EXPECT_EQ(stats["guests"][0]["frames_sent"], 3);
  EXPECT_EQ(stats["guests"][0]["clock_reads"]["process"], 6);
}

TEST_F(ProcessRun, ErrorsAreAsDocumented) {
  deploy({{"errors"}});
  expect_repeatable(1);
  EXPECT_NE(log().find("all refused"), std::string::npos) << log();
}

TEST_F(ProcessRun, ThreadsTakeTurns) {
  deploy({{"threads"}});
  expect_repeatable(1);
  EXPECT_EQ(log(), "joined at 8001000\n");
}

TEST_F(ProcessRun, AForkedChildIsRefused) {
  deploy({{"fork"}});
  expect_repeatable(1);
  EXPECT_EQ(log(), "the child was refused at 1000\n");
}

TEST_F(ProcessRun, OneThatNeverCallsEndsAtTimeZero) {
  deploy({{"silent"}});
  expect_repeatable(1);
  EXPECT_EQ(log(), "said nothing\n");
  EXPECT_EQ(run_.stats("a.trace")["guests"][0]["end"], "exit");
}

// The others go on.
TEST_F(ProcessRun, ACrashIsAnEndThatIsRecorded) {
  deploy({{"crash"}, {"exit3"}, {"sleep", "50"}});
  const Outcome outcome = record("c.trace");
  ASSERT_TRUE(exits(outcome, 0));
  EXPECT_NE(outcome.out.find("node-0: crash at 0.000001000 s\nreprise: the program was killed by signal 11"), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("node-1: crash at 0.000000000 s\nreprise: the program exited with code 3"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("node-2: exit at 0.050000000 s"), std::string::npos) << outcome.out;
  expect_repeatable(3);
}

TEST_F(ProcessRun, StopsAtUntil) {
  deploy({{"wait"}, {"sleep", "1000"}});
  const Outcome outcome = record("c.trace", {"--until", "100ms"});
  ASSERT_TRUE(exits(outcome, 0));
  EXPECT_NE(outcome.out.find("node-1: until at 0.100000000 s"), std::string::npos) << outcome.out;
  EXPECT_TRUE(replays_identically(run_.replay("c.trace"), 2));
}

TEST_F(ProcessRun, WaitingForEverIsADeadLock) {
  deploy({{"wait"}, {"silent"}});
  EXPECT_TRUE(complains(record("c.trace"), 5, "dead-lock"));
}

TEST_F(ProcessRun, AHostClockIsFoundOut) {
  deploy({{"host-clock"}});
  ASSERT_TRUE(exits(record("a.trace"), 0));
  const Outcome outcome = run_.replay("a.trace");
  EXPECT_TRUE(exits(outcome, 1));
  EXPECT_NE(outcome.out.find("console"), std::string::npos) << outcome.out;
}

TEST_F(ProcessRun, AChangedProgramIsRefused) {
  const fs::path copy = run_.folder() / "actor";
  fs::copy_file(ACTOR, copy);
  deploy({{"silent"}}, "actor");  // relative to the deployment
  ASSERT_TRUE(exits(record("a.trace"), 0));
  std::ofstream(copy, std::ios::app) << "x";
  EXPECT_TRUE(complains(run_.replay("a.trace"), 4, "SHA-256"));
}

// A trace may be a stranger's: whatever it names must not simply be run.
TEST_F(ProcessRun, AProgramWithoutTheLibraryIsReplayedOnlyOnRequest) {
  deploy({{"x"}}, "/bin/true");
  ASSERT_TRUE(exits(record("a.trace"), 0));
  EXPECT_TRUE(complains(run_.replay("a.trace"), 4, "--any-program"));
  EXPECT_TRUE(replays_identically(run_.replay("a.trace", {"--any-program"}), 1));
}

TEST_F(ProcessRun, WhatCannotBeExecutedIsSaid) {
  run_.write("broken", "no program");
  fs::permissions(run_.folder() / "broken", fs::perms::owner_all);
  deploy({{}}, "broken");
  EXPECT_TRUE(complains(record("a.trace"), 5, "cannot be executed: Exec format error"));
}

// Its host must neither spin nor take that for the end.
TEST_F(ProcessRun, MayCloseItsOutput) {
  deploy({{"close-output"}});
  expect_repeatable(1);
  EXPECT_EQ(log(), "closing at 1000\n");
  EXPECT_EQ(run_.stats("a.trace")["guests"][0]["last_ns"], 100'001'000);
}

TEST_F(ProcessRun, TansivsApi) {
  deploy({{"10.0.0.1", "10.0.0.2"}, {"10.0.0.2", "10.0.0.1"}}, VSG_ACTOR);
  expect_repeatable(2);
  // vsg_start, poll, receive and two sends cost 1 us each but the first; 10 ms of latency, 47 bytes that share the links; the clock's own 1
  // us.
  EXPECT_NE(log().find("received plop at 981173106.010005\n"), std::string::npos) << log();
}

TEST_F(ProcessRun, DurableAndLimitedInSize) {
  deploy({{"exchange", "10.0.0.2", "100"}, {"exchange", "10.0.0.1", "100"}});
  ASSERT_TRUE(exits(record("a.trace", {"--durable", "--max-size", "1M"}), 0));
  EXPECT_TRUE(replays_identically(run_.replay("a.trace"), 2));
}

void kill_hosts(const fs::path& program, const std::string& guest = "") {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string words = file_text(entry.path() / "cmdline");
    if (words.find("reprise_process_host") != std::string::npos && words.find(program.string()) != std::string::npos &&
        words.find("guest=" + guest) != std::string::npos) {
      kill(static_cast<pid_t>(std::stol(entry.path().filename())), SIGKILL);
    }
  }
}

// One that spins, and has left a child behind: whoever dies, nothing stays.
class KilledProcessRun : public ProcessRun {
 protected:
  KilledProcessRun() {
    fs::copy_file(ACTOR, program_);
    deploy({{"spin-late"}, {"wait"}}, "spinner");
    recorder_ = std::make_unique<RunningReprise>(run_.record_command("a.trace", {"--console", run_.path("logs")}));
    EXPECT_TRUE(wait_until([&] { return log().find("spinning") != std::string::npos; })) << log();
  }
  void expect_nothing_left() {
    EXPECT_TRUE(wait_until([&] { return processes_with(program_.string()) == 0; }, std::chrono::seconds(20)))
        << processes_with(program_.string());
  }
  void expect_recoverable() {
    ASSERT_TRUE(exits(run_reprise({"recover", run_.path("a.trace.partial"), "-o", run_.path("r.trace")}), 0));
    EXPECT_TRUE(replays_identically(run_.replay("r.trace"), 2));
  }
  const fs::path program_ = run_.folder() / "spinner";
  std::unique_ptr<RunningReprise> recorder_;
};

TEST_F(KilledProcessRun, CtrlC) {
  recorder_->signal(SIGINT);
  EXPECT_TRUE(complains(recorder_->wait(), 5, "interrupted"));
  expect_nothing_left();
  expect_recoverable();
}

TEST_F(KilledProcessRun, KilledRecorder) {
  recorder_->signal(SIGKILL);
  recorder_->wait();
  expect_nothing_left();
  expect_recoverable();
}

TEST_F(KilledProcessRun, KilledHost) {
  kill_hosts(program_, "0");
  EXPECT_TRUE(complains(recorder_->wait(), 5, "its process host was killed by signal 9"));
  expect_nothing_left();
  expect_recoverable();
}

class HeavyProcessKills : public ProcessRun {
 protected:
  HeavyProcessKills() {
    fs::copy_file(ACTOR, program_);
    deploy({{"talk", "10.0.0.2", "1000000"}, {"talk", "10.0.0.1", "1000000"}}, "talker");
  }
  [[nodiscard]] std::vector<uint64_t> said() const { return {log("node-0").size(), log("node-1").size()}; }

  const fs::path program_ = run_.folder() / "talker";
};

// Recorder, a host, or all of them at any instant: what was older than 100 ms is recovered, verifies and replays. Hundreds of rounds take
// the minutes that dozens with virtual machines take; HeavyKills of tests/guest has those. REPRISE_KILLS sets how many (20).
TEST_F(HeavyProcessKills, AnythingAtAnyInstant) {
  constexpr std::chrono::milliseconds kMayBeLost{100};
  const char* const text = std::getenv("REPRISE_KILLS");
  const int kills = text != nullptr ? std::atoi(text) : 20;
  std::mt19937 random(20261126);
  uint64_t recovered_bytes = 0;
  for (int round = 0; round < kills; ++round) {
    SCOPED_TRACE(round);
    fs::remove_all(run_.path("logs"));
    RunningReprise recorder(run_.record_command("a.trace", {"--console", run_.path("logs")}));
    ASSERT_TRUE(wait_until([&] { return fs::exists(run_.path("a.trace.partial") + "/guest-1.log"); }));
    // The instant is what is random here; nothing is waited for.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 300'000));
    const std::vector<uint64_t> old = said();
    std::this_thread::sleep_for(kMayBeLost);
    const auto what = random() % 3;
    if (what != 1) {
      recorder.signal(SIGKILL);
    }
    if (what != 0) {
      kill_hosts(program_, what == 2 ? "" : std::to_string(random() % 2));
    }
    recorder.wait();
    ASSERT_TRUE(wait_until([&] { return processes_with(program_.string()) == 0; }, std::chrono::seconds(20)));
    ASSERT_TRUE(exits(run_reprise({"recover", run_.path("a.trace.partial"), "-o", run_.path("r.trace")}), 0));
    ASSERT_TRUE(exits(run_reprise({"verify", run_.path("r.trace")}), 0));
    const auto stats = run_.stats("r.trace");
    for (size_t guest = 0; guest < old.size(); ++guest) {
      ASSERT_GE(stats["guests"][guest]["console_bytes"].get<uint64_t>(), old[guest]) << "guest " << guest;
      recovered_bytes += old[guest];
    }
    ASSERT_TRUE(replays_identically(run_.replay("r.trace", {}, kNoQemu), old.size()));
    fs::remove_all(run_.path("a.trace.partial"));
    fs::remove(run_.path("r.trace"));
  }
  EXPECT_GT(recovered_bytes, 0U) << "no run came far enough to lose anything";
}

}  // namespace
}  // namespace reprise::testing
