// A part of a run against the whole, and against another part: only what both have is compared.
#include <gtest/gtest.h>

#include <string>

#include "analysis/diff.h"
#include "tests/analysis/synthetic_trace.h"
#include "trace_format/trim.h"

namespace reprise::testing {
namespace {

class DiffPartsTest : public ::testing::Test {
 protected:
  std::unique_ptr<TraceReader> part_of(TraceReader& whole, const TrimOptions& options) {
    const std::filesystem::path path = folder_.path() / ("part" + std::to_string(count_++));
    const Status status = trim_trace(whole, path, options);
    EXPECT_TRUE(status.ok()) << status.error().message;
    auto part = TraceReader::open(path);
    EXPECT_TRUE(part.ok()) << part.error().message;
    return std::move(part).value();
  }
  std::unique_ptr<TraceReader> whole(const Script& script) {
    return make_trace(script, folder_.path() / ("whole" + std::to_string(count_++)));
  }
  static std::string diff(TraceReader& left, TraceReader& right) {
    const auto differences = diff_traces(left, right);
    return differences.ok() ? diff_text(*differences, "left", "right") : differences.error().message;
  }

  TemporaryFolder folder_;
  int count_ = 0;
};

TEST_F(DiffPartsTest, APartIsTheWholeInTheirCommonTime) {
  const auto all = whole(ping_script());
  for (const auto& [from, to] : {std::pair<int64_t, int64_t>{0, 10'000}, {1'000, 25'000}, {20'000, 50'000}, {35'000, 36'000}}) {
    const auto part = part_of(*all, {{from}, {to}, {}});
    EXPECT_EQ(diff(*all, *part), "identical\n") << from << " to " << to;
    EXPECT_EQ(diff(*part, *all), "identical\n") << from << " to " << to;
  }
}

TEST_F(DiffPartsTest, GuestsThatOneOfThemHasNotAreNotCompared) {
  const auto all = whole(ping_script());
  const auto part = part_of(*all, {{}, VirtualTime::never(), {"bob"}});
  EXPECT_EQ(diff(*all, *part), "identical\n");
}

// "identical" would be said of nothing.
TEST_F(DiffPartsTest, NothingToCompareIsAnError) {
  const auto refusal = [](TraceReader& left, TraceReader& right, const std::vector<std::string>& guests = {}) {
    const auto differences = diff_traces(left, right, guests);
    EXPECT_FALSE(differences.ok());
    EXPECT_TRUE(differences.ok() || differences.error().kind == ErrorKind::kUsage);
    return differences.ok() ? std::string() : differences.error().message;
  };
  const auto all = whole(ping_script());
  const auto early = part_of(*all, {{0}, {20'000}, {}});
  const auto late = part_of(*all, {{20'000}, VirtualTime::never(), {}});
  EXPECT_EQ(
      refusal(*early, *late),
      "the traces are parts of runs and have no time in common: the left one is from 0 ns to 20000 ns, the right one from 20000 ns to "
      "the end");
  const auto alice = part_of(*all, {{}, VirtualTime::never(), {"alice"}});
  const auto bob = part_of(*all, {{}, VirtualTime::never(), {"bob"}});
  EXPECT_EQ(refusal(*alice, *bob), "no guest is in both traces: the left one has alice, the right one bob; parts leave guests out");
  EXPECT_EQ(refusal(*all, *alice, {"alice", "bob"}),
            "guest 'bob' is left out of the right trace, which is a part of a run: nothing to compare");
  EXPECT_EQ(refusal(*bob, *all, {"alice"}), "guest 'alice' is left out of the left trace, which is a part of a run: nothing to compare");
  EXPECT_EQ(diff_traces(*all, *alice, {"alice"})->size(), 0U);
}

TEST_F(DiffPartsTest, NamesReachTheTerminalPrintable) {
  Script script = ping_script();
  script.run.guests[0].name = "al\x1b]0;x\x07";
  const auto all = whole(script);
  const auto differences = diff_traces(*all, *all, {"\x1b[31m"});
  ASSERT_FALSE(differences.ok());
  EXPECT_EQ(differences.error().message.find('\x1b'), std::string::npos) << differences.error().message;
}

TEST_F(DiffPartsTest, TwoPartsAreComparedWhereTheyOverlap) {
  const auto all = whole(ping_script());
  EXPECT_EQ(diff(*part_of(*all, {{0}, {20'000}, {}}), *part_of(*all, {{900}, {50'000}, {}})), "identical\n");
}

TEST_F(DiffPartsTest, ADifferenceInThePartIsFoundAndOneOutsideIsNot) {
  Script altered = ping_script();
  ScriptEvent& read = altered.guests[0].front();
  ASSERT_EQ(read.kind, EventKind::kClockRead);
  ++read.value;
  const auto all = whole(ping_script());
  const auto other = whole(altered);
  EXPECT_EQ(diff(*all, *part_of(*other, {{read.at + 1}, {50'000}, {}})), "identical\n");
  EXPECT_NE(diff(*all, *part_of(*other, {{read.at}, {50'000}, {}})), "identical\n");
}

}  // namespace
}  // namespace reprise::testing
