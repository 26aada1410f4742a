// Where a guest's trace ends: at its own wish, however it expresses it, or at --until; always at a defined nanosecond.
#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

struct Ending {
  const char* name;
  const char* append;
  EndReason reason;
};

// Without ACPI Linux cannot switch the machine off: it halts. The default kernel command line says reboot=t, which ACPI does not change.
constexpr Ending kEndings[] = {
    {"poweroff", "end=poweroff", EndReason::kHalt},
    {"reboot", "end=reboot", EndReason::kTripleFault},
    {"halt", "end=halt", EndReason::kHalt},
    {"acpi-poweroff", "acpi=force end=poweroff", EndReason::kPowerOff},
    {"acpi-reboot", "acpi=force end=reboot", EndReason::kTripleFault},
    {"acpi-halt", "acpi=force end=halt", EndReason::kHalt},
    {"keyboard-reset", "end=reboot reboot=k", EndReason::kReset},
    {"pci-reset", "end=reboot reboot=p", EndReason::kReset},
    {"acpi-reset", "acpi=force end=reboot reboot=a", EndReason::kReset},
};

TEST(End, IsWhatTheGuestAskedFor) {
  const GuestRun run;
  std::vector<GuestSpec> guests;
  for (const Ending& ending : kEndings) {
    guests.push_back({.name = ending.name, .append = ending.append});
  }
  run.deploy(guests);
  ASSERT_TRUE(run.record("a.trace", {"--console", run.path("consoles")}));
  const auto reader = run.open("a.trace");
  ASSERT_NE(reader, nullptr);
  for (uint32_t i = 0; i < std::size(kEndings); ++i) {
    const GuestStatistics& statistics = reader->guest_statistics(GuestIndex{i});
    const std::string console = file_text(run.folder() / "consoles" / (std::string(kEndings[i].name) + ".log"));
    EXPECT_TRUE(statistics.ended);
    EXPECT_EQ(end_reason_name(statistics.end_reason), end_reason_name(kEndings[i].reason)) << kEndings[i].name << "\n" << console;
    EXPECT_NE(console.find("guest: done"), std::string::npos) << kEndings[i].name << "\n" << console;
  }
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), std::size(kEndings)));
}

TEST(End, IsTheSameInstantWithoutATrace) {
  const GuestRun run;
  run.deploy({{.name = "alice", .append = "run=clocks:200 end=reboot"}});  // sleeps between its reads
  const Outcome recorded = run_reprise({"record", run.path("platform.xml"), run.path("deployment.xml"), "-o", run.path("a.trace")});
  const Outcome coupled = run_reprise({"record", run.path("platform.xml"), run.path("deployment.xml"), "--no-trace"});
  ASSERT_TRUE(exits(recorded, 0));
  ASSERT_TRUE(exits(coupled, 0));
  const std::string end = recorded.out.substr(0, recorded.out.find('\n'));
  EXPECT_NE(end.find("triple fault at "), std::string::npos) << end;
  EXPECT_EQ(coupled.out.substr(0, coupled.out.find('\n')), end);
}

TEST(End, UntilStopsAllGuestsAtExactlyThatNanosecond) {
  const GuestRun run;
  run.deploy(pinging_pair(1000));  // from 0.5 s on with bookworm's kernel, from 0.9 s on with trixie's
  ASSERT_TRUE(run.record("a.trace", {"--until", "1200ms"}));
  const auto reader = run.open("a.trace");
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->run().until.ns, 1'200'000'000);
  for (const uint32_t i : {0U, 1U}) {
    const GuestStatistics& statistics = reader->guest_statistics(GuestIndex{i});
    EXPECT_EQ(statistics.last.ns, 1'200'000'000) << i;
    EXPECT_EQ(statistics.end_reason, EndReason::kUntil) << i;
    EXPECT_GT(statistics.frames_received, 3U) << "the guests should be in the middle of their pings: " << i;
  }
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 2));
  ASSERT_TRUE(run.record("b.trace", {"--until", "1200ms"}));
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));
}

// A busy guest whose time moves in steps of 1024 ns stops up to that much after its second horizon (here 19600704 ns). `--until`
// may lie between the two.
TEST(End, UntilStopsAGuestOfLargeStepsWhereItStands) {
  const GuestRun run;
  std::vector<GuestSpec> guests = pinging_pair(1);
  guests[0].icount_shift = guests[1].icount_shift = "10";
  run.deploy(guests);
  for (const std::string trace : {"a.trace", "b.trace"}) {
    ASSERT_TRUE(run.record(trace, {"--until", "19601004ns"}));
    EXPECT_TRUE(replays_identically(run.replay(trace), 2));
  }
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));
  EXPECT_TRUE(exits(run_reprise({"verify", run.path("a.trace")}), 0));
  const auto reader = run.open("a.trace");
  ASSERT_NE(reader, nullptr);
  for (const uint32_t i : {0U, 1U}) {
    const GuestStatistics& statistics = reader->guest_statistics(GuestIndex{i});
    EXPECT_EQ(statistics.end_reason, EndReason::kUntil) << i;
    EXPECT_EQ(statistics.last.ns % 1024, 1) << i << ": right after a step";
    EXPECT_LT(statistics.last.ns, 19'601'004 + 1024) << i;
  }
}

GuestSpec tiny_kernel(const std::string& name) {
  return {.name = name, .append = "", .kernel = std::string(REPRISE_TINY_KERNELS "/") + name + ".elf", .initrd = ""};
}

// QEMU stops such a machine's clock: without an end of its own it would keep the run for ever.
TEST(End, SuspendToRamIsAHaltThatNothingCanWake) {
  const GuestRun run;
  run.deploy({tiny_kernel("suspend"), tiny_kernel("suspend_bytewise")});
  ASSERT_TRUE(run.record("a.trace", {}, {.limit = std::chrono::seconds(20)}));
  const auto reader = run.open("a.trace");
  ASSERT_NE(reader, nullptr);
  for (const uint32_t i : {0U, 1U}) {
    EXPECT_EQ(end_reason_name(reader->guest_statistics(GuestIndex{i}).end_reason), end_reason_name(EndReason::kHalt)) << i;
  }
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 2));
}

// Nor does its end depend on a look at the clock, nor on whether it is recorded.
TEST(End, ATripleFaultComesAfterTheIdleTimeBeforeIt) {
  const GuestRun run;
  run.deploy({tiny_kernel("fault_after_idle")});
  const Outcome recorded = run_reprise(run.record_command("a.trace"));
  ASSERT_TRUE(exits(recorded, 0));
  const auto reader = run.open("a.trace");
  ASSERT_NE(reader, nullptr);
  const GuestStatistics& statistics = reader->guest_statistics(GuestIndex{0});
  EXPECT_EQ(end_reason_name(statistics.end_reason), end_reason_name(EndReason::kTripleFault));
  EXPECT_GT(statistics.last.ns, 54'900'000);
  EXPECT_GT(statistics.console_bytes, 0U);
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 1));
  const Outcome coupled = run_reprise({"record", run.path("platform.xml"), run.path("deployment.xml"), "--no-trace"});
  ASSERT_TRUE(exits(coupled, 0));
  EXPECT_EQ(coupled.out.substr(0, coupled.out.find('\n')), recorded.out.substr(0, recorded.out.find('\n')));
}

TEST(End, AKernelWithoutARootPanicsAndResets) {
  const GuestRun run;
  run.deploy({{.name = "alice", .append = "", .initrd = ""}, {.name = "bob", .append = "run=boot"}});
  ASSERT_TRUE(run.record("a.trace", {"--console", run.path("consoles")}));
  const std::string console = file_text(run.folder() / "consoles" / "alice.log");
  EXPECT_NE(console.find("Kernel panic"), std::string::npos) << console;
  const auto reader = run.open("a.trace");
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->guest_statistics(GuestIndex{0}).end_reason, EndReason::kTripleFault);
  EXPECT_EQ(reader->guest_statistics(GuestIndex{1}).end_reason, EndReason::kHalt);
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 2));
}

}  // namespace
}  // namespace reprise::testing
