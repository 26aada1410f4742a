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
