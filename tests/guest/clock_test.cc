// Every clock that a guest can read is in the trace, and comes back the same.
#include <map>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

struct ClockCase {
  const char* name;
  const char* append;
  std::map<const char*, int> least_reads;  ///< by source
};

// run=clocks reads TSC, PIT, RTC and ACPI PM timer 300 times each or more; HPET and ACPI PM timer are also the kernel's clock source here.
// The local APIC's timer is not in use (nolapic_timer): the kernel reads its count once, when it is asked to print the APIC's registers.
const std::vector<ClockCase> kCases = {
    {"lean", "", {{"tsc", 100'000}, {"pit", 300}, {"rtc", 300}, {"acpi_pm", 300}}},
    {"hpet", "acpi=force tsc=unstable clocksource=hpet", {{"tsc", 100'000}, {"hpet", 1000}, {"pit", 300}, {"rtc", 300}, {"acpi_pm", 300}}},
    {"acpi-pm", "acpi=force tsc=unstable clocksource=acpi_pm", {{"tsc", 100'000}, {"pit", 300}, {"rtc", 300}, {"acpi_pm", 2000}}},
    {"jiffies", "tsc=unstable hpet=disable clocksource=jiffies", {{"tsc", 100'000}, {"pit", 300}, {"rtc", 300}, {"acpi_pm", 300}}},
    {"lapic", "acpi=force apic=verbose", {{"tsc", 100'000}, {"pit", 300}, {"rtc", 300}, {"acpi_pm", 300}, {"lapic", 1}}},
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
    for (const auto& [source, least] : kCases[i].least_reads) {
      EXPECT_GE(stats["guests"][i]["clock_reads"][source], least) << kCases[i].name << " " << source << "\n" << stats["guests"][i];
    }
  }
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), kCases.size()));
  ASSERT_TRUE(run.record("b.trace"));
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));
}

}  // namespace
}  // namespace reprise::testing
