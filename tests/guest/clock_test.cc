// Every clock that a guest can read is in the trace, and comes back the same.
#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

struct ClockCase {
  const char* name;
  const char* append;
  std::vector<const char*> sources;  ///< of which there must be reads
};

// run=clocks reads TSC, PIT, RTC and ACPI PM timer itself; the others are read by the kernel as its clock source or in its calibration.
const std::vector<ClockCase> kCases = {
    {"lean", "", {"tsc", "pit", "rtc", "acpi_pm"}},
    {"hpet", "acpi=force tsc=unstable clocksource=hpet", {"tsc", "hpet", "pit", "rtc", "acpi_pm"}},
    {"acpi-pm", "acpi=force tsc=unstable clocksource=acpi_pm", {"tsc", "pit", "rtc", "acpi_pm"}},
    {"jiffies", "tsc=unstable hpet=disable clocksource=jiffies", {"tsc", "pit", "rtc", "acpi_pm"}},
    {"pit", "tsc=unstable clocksource=pit", {"tsc", "pit", "rtc", "acpi_pm"}},
    {"lapic", "acpi=force lapic", {"tsc", "pit", "rtc", "acpi_pm"}},
};

TEST(Clock, ReadsOfEverySourceAreRecordedAndRepeated) {
  const GuestRun run;
  std::vector<GuestSpec> guests;
  for (const ClockCase& each : kCases) {
    guests.push_back({.name = each.name, .append = std::string(each.append) + " run=clocks:2000"});
  }
  run.deploy(guests);
  ASSERT_TRUE(run.record("a.trace", {"--console", run.path("consoles")}));
  const nlohmann::json stats = run.stats("a.trace");
  for (size_t i = 0; i < kCases.size(); ++i) {
    const std::string console = file_text(run.folder() / "consoles" / (std::string(kCases[i].name) + ".log"));
    EXPECT_NE(console.find("clocks: reads=2000 "), std::string::npos) << kCases[i].name << "\n" << console;
    for (const char* source : kCases[i].sources) {
      // Far more than the kernel's boot alone makes of the sources that the program reads.
      EXPECT_GT(stats["guests"][i]["clock_reads"][source], 100) << kCases[i].name << " " << source << "\n" << stats["guests"][i];
    }
  }
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), kCases.size()));
  ASSERT_TRUE(run.record("b.trace"));
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));
}

}  // namespace
}  // namespace reprise::testing
