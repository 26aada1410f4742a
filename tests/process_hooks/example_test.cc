// examples/send and examples/mixed do what their pages say.
#include <fmt/format.h>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

/// Records the example twice into a.trace and b.trace, with consoles; both must be equal, and replay.
void expect_repeatable(const GuestRun& run, const std::string& example) {
  const std::string folder = std::string(REPRISE_EXAMPLES) + "/" + example;
  for (const char* trace : {"a.trace", "b.trace"}) {
    ASSERT_TRUE(exits(
        run_reprise({"record", folder + "/platform.xml", folder + "/deployment.xml", "-o", run.path(trace), "--console", run.path("logs")}),
        0));
  }
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 2));
}

std::string log_of(const GuestRun& run, const std::string& name) {
  return file_text(run.folder() / "logs" / (name + ".log"));
}

TEST(SendExample, ArrivesAfterLatencyAndBytesOverBandwidth) {
  const GuestRun run;
  expect_repeatable(run, "send");
  // Left after 2 calls of 1 us; latency 10 ms; UDP, IP and Ethernet add 42 bytes; 100 Mbit/s: 80 ns a byte.
  const auto arrival = [](int64_t bytes) { return 2'000 + 10'000'000 + (bytes + 42) * 80; };
  EXPECT_EQ(log_of(run, "left"), fmt::format("sent 500 bytes after 1000 ns\nreceived 1000 bytes from 10.0.1.1 at {} ns\n", arrival(1000)));
  // What it prints is recorded when it prints it: after it has sent, before it waits.
  const auto reader = run.open("a.trace");
  ASSERT_NE(reader, nullptr);
  const auto events = reader->guest_events(GuestIndex{0});
  GuestEvent event;
  while (*events->next(event) && event.kind != EventKind::kConsoleByte) {
  }
  EXPECT_EQ(event.at.ns, 2'000);
  EXPECT_EQ(log_of(run, "right"), fmt::format("sent 1000 bytes after 1000 ns\nreceived 500 bytes from 10.0.0.1 at {} ns\n", arrival(500)));
}

std::string text_between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t from = text.find(begin);
  const size_t to = from == std::string::npos ? from : text.find(end, from + begin.size());
  return to == std::string::npos ? "" : text.substr(from + begin.size(), to - from - begin.size());
}

TEST(MixedExample, MachineAndProcessHearEachOther) {
  const GuestRun run;
  expect_repeatable(run, "mixed");
  const std::string machine = log_of(run, "machine");
  const std::string process = log_of(run, "process");
  EXPECT_NE(machine.find("sent=50 received=30"), std::string::npos) << machine;
  EXPECT_NE(process.find("received=50"), std::string::npos) << process;
  const std::string heard = text_between(machine, "digest=", "\r");
  EXPECT_EQ(heard.substr(0, 16), text_between(process, "sent=30 digest=", " ")) << machine << process;
  EXPECT_TRUE(replays_identically(run.replay("a.trace", {"--guest", "process"}, {.environment = {{"REPRISE_QEMU", "/nonexistent"}}}), 1));
}

}  // namespace
}  // namespace reprise::testing
