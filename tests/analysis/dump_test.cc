#include "analysis/dump.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/analysis/synthetic_trace.h"

namespace reprise::testing {
namespace {

class DumpTest : public ::testing::Test {
 protected:
  std::string dump(const DumpOptions& options) {
    const auto trace = make_trace(script_, folder_.path() / ("trace" + std::to_string(count_++)));
    std::string text;
    const Status status = dump_trace(*trace, options, [&](std::string_view lines) {
      text += lines;
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.error().message;
    return text;
  }

  Script script_ = ping_script();
  TemporaryFolder folder_;
  int count_ = 0;
};

// Programs parse this: a change is an entry in the CHANGELOG and in trace_format/event_text.h.
TEST_F(DumpTest, MergesAllStreamsByTime) {
  EXPECT_EQ(dump({}),
            R"(100 alice clock #0 tsc 100
150 bob clock #0 pit 65535
200 alice clock #1 hpet 20
300 alice console #0 0x41 'A'
1000 alice frame #0 sent alice/0 60 bytes 52:54:00:00:00:01 > 52:54:00:00:00:02 0x0800 xxh3:a2b2f917b79c8617
1100 alice clock #2 tsc 1100
2000 alice frame #1 sent alice/1 98 bytes 52:54:00:00:00:01 > 52:54:00:00:00:02 0x0800 xxh3:d47b74db6b9bccea
11000 bob frame #0 received alice/0 60 bytes 52:54:00:00:00:01 > 52:54:00:00:00:02 0x0800 xxh3:a2b2f917b79c8617
11000 bob network #0 delivered alice/0 sent 1000
11050 bob clock #1 tsc 11050
12000 bob frame #1 received alice/1 98 bytes 52:54:00:00:00:01 > 52:54:00:00:00:02 0x0800 xxh3:d47b74db6b9bccea
12000 bob network #1 delivered alice/1 sent 2000
13000 bob frame #2 sent bob/0 60 bytes 52:54:00:00:00:02 > 52:54:00:00:00:01 0x0800 xxh3:ece6867d1d7d2be7
13100 bob console #0 0x42 'B'
23000 alice frame #2 received bob/0 60 bytes 52:54:00:00:00:02 > 52:54:00:00:00:01 0x0800 xxh3:ece6867d1d7d2be7
23000 alice network #2 delivered bob/0 sent 13000
23100 alice clock #3 tsc 23100
24000 alice console #1 0x0a '\n'
30000 alice end power-off
40000 bob end until
)");
}

TEST_F(DumpTest, OrdersEqualTimesByGuestThenNetwork) {
  script_.guests[0][0].at = 150;
  script_.network[0] = dropped(150, 0, 0, 1, DropReason::kInFlightFailure);
  DumpOptions options;
  options.to = VirtualTime{150};
  EXPECT_EQ(dump(options),
            "150 alice clock #0 tsc 100\n150 bob clock #0 pit 65535\n150 bob network #0 dropped alice/0 sent 150: failed in flight\n");
}

TEST_F(DumpTest, ShowsWhatWasTypedAmongWhatWasPrinted) {
  script_.guests[0].insert(script_.guests[0].end() - 1, {typed(25'000, '\r'), console(25'000, '>')});
  const std::string expected = "25000 alice console #2 input 0x0d '\\r'\n25000 alice console #3 0x3e '>'\n";
  DumpOptions options;
  options.from = options.to = VirtualTime{25'000};
  EXPECT_EQ(dump(options), expected);
  options.kinds = {"console"};
  EXPECT_EQ(dump(options), expected);
  options.kinds = {"frame"};
  EXPECT_EQ(dump(options), "");
}

TEST_F(DumpTest, SelectsGuestsAndTheNetworkEventsTheyReceive) {
  DumpOptions options;
  options.guests = {"alice"};
  options.from = VirtualTime{23'000};
  options.to = VirtualTime{23'100};
  EXPECT_EQ(dump(options),
            "23000 alice frame #2 received bob/0 60 bytes 52:54:00:00:00:02 > 52:54:00:00:00:01 0x0800 xxh3:ece6867d1d7d2be7\n"
            "23000 alice network #2 delivered bob/0 sent 13000\n"
            "23100 alice clock #3 tsc 23100\n");
}

TEST_F(DumpTest, SelectsKinds) {
  DumpOptions options;
  options.kinds = {"console"};
  EXPECT_EQ(dump(options), "300 alice console #0 0x41 'A'\n13100 bob console #0 0x42 'B'\n24000 alice console #1 0x0a '\\n'\n");
  options.kinds = {"network", "end"};
  options.from = VirtualTime{12'001};
  EXPECT_EQ(dump(options), "23000 alice network #2 delivered bob/0 sent 13000\n30000 alice end power-off\n40000 bob end until\n");
}

TEST_F(DumpTest, WritesPayloadsInHex) {
  script_.guests[0][3].payload.resize(16);
  DumpOptions options;
  options.payload = PayloadText::kHex;
  options.from = options.to = VirtualTime{1000};
  EXPECT_EQ(dump(options),
            "1000 alice frame #0 sent alice/0 16 bytes 52:54:00:00:00:01 > 52:54:00:00:00:02 0x0800 52540000000252540000000108001111\n");
}

TEST_F(DumpTest, StopsWhenNobodyReadsOn) {
  for (int64_t i = 0; i < 5000; ++i) {
    script_.guests[0].insert(script_.guests[0].end() - 1, clock_read(24'000, ClockSource::kTsc, static_cast<uint64_t>(i)));
  }
  const auto trace = make_trace(script_, folder_.path() / "long");
  int calls = 0;
  EXPECT_TRUE(dump_trace(*trace, {}, [&](std::string_view) {
                ++calls;
                return false;
              }).ok());
  EXPECT_EQ(calls, 1);
}

TEST_F(DumpTest, RefusesUnknownGuestsAndKinds) {
  const auto trace = make_trace(script_, folder_.path() / "trace");
  const auto error = [&](const DumpOptions& options) { return dump_trace(*trace, options, [](std::string_view) { return true; }).error(); };
  DumpOptions unknown_guest;
  unknown_guest.guests = {"mallory"};
  EXPECT_EQ(error(unknown_guest).kind, ErrorKind::kUsage);
  EXPECT_EQ(error(unknown_guest).message, "no guest 'mallory' in the trace; it has alice, bob");
  DumpOptions unknown_kind;
  unknown_kind.kinds = {"frames"};
  EXPECT_EQ(error(unknown_kind).message, "no kind 'frames'; there are frame, clock, console, end, network");
}

}  // namespace
}  // namespace reprise::testing
