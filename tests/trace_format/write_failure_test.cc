// The Nth call on a file fails, for every N.
#include <gtest/gtest.h>

#include <memory>

#include "tests/trace_format/sample_run.h"
#include "trace_format/join.h"
#include "trace_format/stream_writer.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// Counts down over all calls of one test; at 0 a call fails, as do all after it (a full disk stays full).
class FailingSink final : public ByteSink {
 public:
  FailingSink(std::unique_ptr<ByteSink> sink, int* calls_left) : sink_(std::move(sink)), calls_left_(calls_left) {}
  Status write(ByteView bytes) override { return fails() ? error() : sink_->write(bytes); }
  Status sync() override { return fails() ? error() : sink_->sync(); }
  Status close() override {
    const Status status = sink_->close();
    return fails() ? error() : status;
  }

 private:
  [[nodiscard]] bool fails() { return (*calls_left_)-- <= 0; }
  static Status error() { return Error{ErrorKind::kRunFailed, "disk: cannot write: No space left on device"}; }
  std::unique_ptr<ByteSink> sink_;
  int* calls_left_;
};

TEST(WriteFailure, OfAStreamIsStickyAndReported) {
  const testing::TemporaryFolder folder;
  const auto script = testing::random_script(5, 600);
  bool failed = true;
  int n = 0;
  for (; failed; ++n) {
    ASSERT_LT(n, 100) << "never succeeds";
    const fs::path path = folder / ("guest-" + std::to_string(n));
    int calls_left = n;
    auto sink = create_file(path);
    ASSERT_TRUE(sink.ok());
    const auto writer =
        make_stream_writer(std::make_unique<FailingSink>(std::move(*sink), &calls_left), StreamId::guest({0}), testing::kSmallChunks);
    for (const auto& event : script.guests[0]) {
      append(*writer, event);
    }
    const Status status = writer->finish({}, EndReason::kAborted);
    failed = !status.ok();
    EXPECT_EQ(writer->status().ok(), status.ok());
    if (failed) {
      EXPECT_EQ(status.error().kind, ErrorKind::kRunFailed);
      EXPECT_EQ(status.error().message, "disk: cannot write: No space left on device");
    }
  }
  EXPECT_GT(n, 5);
}

TEST(WriteFailure, OfANetworkStreamIsReported) {
  const testing::TemporaryFolder folder;
  const auto script = testing::small_script();
  for (int n = 0; n < 3; ++n) {
    int calls_left = n;
    auto sink = create_file(folder / std::to_string(n));
    ASSERT_TRUE(sink.ok());
    const auto writer = make_stream_writer(std::make_unique<FailingSink>(std::move(*sink), &calls_left), StreamId::network());
    writer->append_network(script.network[0]);
    EXPECT_FALSE(writer->finish({}, EndReason::kUntil).ok()) << n;
  }
}

TEST(WriteFailure, OfAJoinLeavesEverythingAsItWas) {
  const testing::TemporaryFolder folder;
  const auto script = testing::small_script();
  const fs::path directory = folder.folder("run.trace.partial");
  write_streams(script, directory);
  const fs::path output_folder = folder.folder("out");
  const fs::path output = output_folder / "run.trace";
  const std::vector<uint8_t> before = {'o', 'l', 'd'};
  testing::write_bytes(output, before);
  bool failed = true;
  int n = 0;
  for (; failed; ++n) {
    ASSERT_LT(n, 100) << "never succeeds";
    int calls_left = n;
    OutputOptions options;
    options.create = [&](const fs::path& path) -> Result<std::unique_ptr<ByteSink>> {
      ASSIGN_OR_RETURN(auto sink, create_file(path));
      return std::unique_ptr<ByteSink>(std::make_unique<FailingSink>(std::move(sink), &calls_left));
    };
    const Status status = join_to(directory, script.run, output, options);
    failed = !status.ok();
    if (failed) {
      ASSERT_EQ(status.error().kind, ErrorKind::kRunFailed);
      ASSERT_EQ(testing::file_bytes(output), before) << "call " << n;
    }
    ASSERT_EQ(std::distance(fs::directory_iterator(output_folder), {}), 1) << "call " << n << " leaves a temporary file";
  }
  EXPECT_GT(n, 5);
  EXPECT_TRUE(testing::verified(output));
}

TEST(WriteFailure, OfARenameLeavesTheStreams) {
  const testing::TemporaryFolder folder;
  const auto script = testing::small_script();
  const fs::path directory = folder.folder("streams");
  write_streams(script, directory);
  const fs::path output = folder.folder("run.trace");  // a folder is in the way
  const Status status = join_streams(directory, script.run, output);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kRunFailed);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory), {}), 3);
  EXPECT_FALSE(fs::exists(folder / ".run.trace.joining"));
}

TEST(Join, RemovesTheStreamsAndNothingElse) {
  const testing::TemporaryFolder folder;
  const auto script = testing::small_script();
  for (const bool other : {false, true}) {
    const fs::path directory = folder.folder("streams");
    write_streams(script, directory);
    ASSERT_TRUE(testing::ok(save_run_info(directory, script.run)));
    if (other) {
      testing::write_bytes(directory / "notes.txt", {'!'});
    }
    ASSERT_TRUE(testing::ok(join_streams(directory, script.run, folder / "run.trace")));
    ASSERT_EQ(fs::exists(directory), other);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "streams"), {}), 1);
}

TEST(Join, RefusesAStreamWithoutAnEnd) {
  const testing::TemporaryFolder folder;
  const auto script = testing::small_script();
  const fs::path directory = folder.folder("streams");
  write_streams(script, directory);
  fs::remove(directory / "guest-1.stream");
  {
    auto writer = create_stream(directory, StreamId::guest({1}));
    ASSERT_TRUE(writer.ok());
    (*writer)->append_console_byte({1}, 'x');
    (*writer)->append_console_byte({5'000'000'000}, 'y');
  }
  const Status status = join_streams(directory, script.run, folder / "run.trace");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kBadTrace);
  EXPECT_NE(status.error().message.find("guest-1.stream: the stream has no end"), std::string::npos) << status.error().message;
  EXPECT_NE(status.error().message.find("reprise recover"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "run.trace"));
}

TEST(Join, NamesAMissingStream) {
  const testing::TemporaryFolder folder;
  const auto script = testing::small_script();
  const fs::path directory = folder.folder("streams");
  write_streams(script, directory);
  fs::remove(directory / "network.stream");
  const Status status = join_streams(directory, script.run, folder / "run.trace");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kBadTrace);
  EXPECT_NE(status.error().message.find("network.stream: cannot open"), std::string::npos) << status.error().message;
}

}  // namespace
}  // namespace reprise
