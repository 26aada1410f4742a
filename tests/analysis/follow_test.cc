// A run is read while it is recorded.
#include "analysis/follow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/analysis/synthetic_trace.h"
#include "trace_format/trace_summary.h"
#include "trace_format/trace_writer.h"

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> sorted_lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// What the follower has written so far; its thread and the test's both look at it.
class Output {
 public:
  void add(std::string_view lines) {
    const std::lock_guard lock(mutex_);
    text_ += lines;
  }
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class FollowTest : public ::testing::Test {
 protected:
  FollowTest() {
    run_.guests.resize(1);
    run_.guests[0].name = "alice";
    fs::create_directory(folder_);
    EXPECT_TRUE(save_run_info(folder_, run_).ok());
    network_ = std::move(*create_stream(folder_, StreamId::network()));
    alice_ = std::move(*create_stream(folder_, StreamId::guest({0})));
  }

  void type(const std::string& text) {
    for (const char c : text) {
      alice_->append_console_byte({now_ += 10}, static_cast<uint8_t>(c));
    }
  }
  void finish() {
    EXPECT_TRUE(alice_->finish({now_ + 1}, EndReason::kHalt).ok());
    EXPECT_TRUE(network_->finish({}, EndReason::kUntil).ok());
  }

  TemporaryFolder temporary_;
  fs::path trace_ = temporary_.path() / "run.trace";
  fs::path folder_ = temporary_.path() / "run.trace.partial";
  RunInfo run_;
  std::unique_ptr<StreamWriter> network_;
  std::unique_ptr<StreamWriter> alice_;
  int64_t now_ = 0;
};

std::string dumped(const fs::path& trace) {
  const auto reader = TraceReader::open(trace);
  EXPECT_TRUE(reader.ok());
  std::string text;
  EXPECT_TRUE(dump_trace(**reader, {}, [&](std::string_view lines) {
                text += lines;
                return true;
              }).ok());
  return text;
}

TEST_F(FollowTest, ShowsEachEventOnceAndAllOfThemBeforeTheRunEnds) {
  Output output;
  type("be");
  std::thread follower([&] {
    FollowOptions options;
    options.look_every = std::chrono::milliseconds(1);
    EXPECT_TRUE(follow_run(folder_, options, [&](std::string_view lines) {
                  output.add(lines);
                  return true;
                }).ok());
  });
  // Nothing is sealed and nobody finishes: the lines come from the open chunk.
  for (const char* const word : {"fore", " the", " end"}) {
    type(word);
    const auto all = static_cast<size_t>(now_ / 10);
    while (sorted_lines(output.text()).size() < all) {
      std::this_thread::yield();
    }
  }
  finish();
  follower.join();
  ASSERT_TRUE(join_streams(folder_, run_, trace_).ok());
  EXPECT_EQ(sorted_lines(output.text()), sorted_lines(dumped(trace_)));
}

TEST_F(FollowTest, ReadsTheLastEventsFromTheTraceWhenTheFolderHasBecomeOne) {
  type("hello");
  Output output;
  bool joined = false;
  FollowOptions options;
  options.look_every = std::chrono::milliseconds(1);
  EXPECT_TRUE(follow_run(folder_, options, [&](std::string_view lines) {
                output.add(lines);
                if (!joined) {
                  joined = true;
                  type(" world");
                  finish();
                  EXPECT_TRUE(join_streams(folder_, run_, trace_).ok());
                }
                return true;
              }).ok());
  EXPECT_EQ(sorted_lines(output.text()), sorted_lines(dumped(trace_)));
}

TEST_F(FollowTest, ARunIsFoundBesideAnOlderTraceOfItsName) {
  EXPECT_EQ(run_folder_of(trace_), folder_);
  std::ofstream(trace_) << "an older one";
  EXPECT_EQ(run_folder_of(trace_), std::nullopt);
  EXPECT_EQ(run_folder_of(trace_, RunChoice::kRun), folder_);
  EXPECT_EQ(run_folder_of(folder_, RunChoice::kRun), folder_);
  EXPECT_EQ(run_folder_of(temporary_.path() / "none.trace", RunChoice::kRun), std::nullopt);
}

TEST_F(FollowTest, EndsWhenNobodyReadsOn) {
  type("hello");
  int calls = 0;
  EXPECT_TRUE(follow_run(folder_, {}, [&](std::string_view) {
                ++calls;
                return false;
              }).ok());
  EXPECT_EQ(calls, 1);
}

TEST_F(FollowTest, RefusesAGuestThatThereIsNot) {
  FollowOptions options;
  options.dump.guests = {"nobody"};
  const Status status = follow_run(folder_, options, [](std::string_view) { return true; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
}

// info and stats of the same.
TEST_F(FollowTest, TheSummaryOfARunCountsWhatIsInTheOpenChunk) {
  type("hello");
  for (const fs::path& path : {folder_, trace_}) {
    const Result<TraceSummary> summary = read_summary(path);
    ASSERT_TRUE(summary.ok()) << summary.error().message;
    EXPECT_TRUE(summary->unfinished);
    EXPECT_EQ(summary->run.guests[0].name, "alice");
    EXPECT_EQ(summary->guests[0].console_bytes, 5U);
    EXPECT_EQ(summary->guests[0].last.ns, now_);
  }
  finish();
  ASSERT_TRUE(join_streams(folder_, run_, trace_).ok());
  const Result<TraceSummary> summary = read_summary(trace_);
  ASSERT_TRUE(summary.ok());
  EXPECT_FALSE(summary->unfinished);
  EXPECT_TRUE(summary->guests[0].ended);
}

}  // namespace
}  // namespace reprise::testing
