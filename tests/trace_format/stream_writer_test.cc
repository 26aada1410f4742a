#include "trace_format/stream_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "tests/trace_format/sample_run.h"
#include "trace_format/limits.h"
#include "trace_format/stream_file.h"

namespace reprise {
namespace {

using testing::ok;

std::vector<ChunkHeader> headers_of(const std::filesystem::path& directory, StreamId stream) {
  std::vector<ChunkHeader> headers;
  auto file = StreamFile::open(directory, stream);
  EXPECT_TRUE(file.ok());
  LoadedChunk chunk;
  for (;;) {
    const auto more = file->next(chunk);
    EXPECT_TRUE(more.ok()) << more.error().message;
    if (!more.ok() || !*more) {
      return headers;
    }
    headers.push_back(chunk.header);
  }
}

class Writers : public ::testing::Test {
 protected:
  std::unique_ptr<StreamWriter> guest() {
    auto writer = create_stream(directory_, StreamId::guest({0}));
    EXPECT_TRUE(writer.ok());
    return std::move(*writer);
  }
  testing::TemporaryFolder folder_;
  std::filesystem::path directory_ = folder_.folder("streams");
};

TEST_F(Writers, SealWhenTheColumnsAreFull) {
  const auto writer = guest();
  const std::vector<uint8_t> frame(1000, 7);
  for (int i = 0; i < 1000; ++i) {
    writer->append_frame_sent({i}, frame);
  }
  ASSERT_TRUE(ok(writer->finish({1000}, EndReason::kHalt)));
  const auto headers = headers_of(directory_, StreamId::guest({0}));
  ASSERT_EQ(headers.size(), 4u);
  EXPECT_EQ(headers[0].frames_sent, 262u);  // 261 frames of 1003 bytes are 261,783 bytes, 262 reach 262,144
  EXPECT_EQ(headers[1].before.frames_sent, headers[0].frames_sent);
}

TEST_F(Writers, TheLargestChunkIsWithinTheLimit) {
  const auto writer = guest();
  const std::vector<uint8_t> almost(kMaxFrameBytes, 1);
  const std::vector<uint8_t> largest(kMaxFrameBytes, 2);
  for (uint64_t bytes = 0; bytes + 2 * almost.size() < kSealBytes; bytes += almost.size()) {
    writer->append_frame_sent({1}, almost);
  }
  writer->append_frame_sent({2}, largest);
  ASSERT_TRUE(ok(writer->finish({2}, EndReason::kHalt)));
  const auto headers = headers_of(directory_, StreamId::guest({0}));
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_LT(headers[0].raw_size, 3 * kSealBytes);
}

TEST_F(Writers, ANetworkWithoutEventsHasAnEnd) {
  auto writer = create_stream(directory_, StreamId::network());
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(ok((*writer)->finish({}, EndReason::kUntil)));
  const auto headers = headers_of(directory_, StreamId::network());
  ASSERT_EQ(headers.size(), 1u);
  EXPECT_TRUE(headers[0].ends);
}

TEST_F(Writers, AStreamIsNeverOverwritten) {
  const auto writer = guest();
  const auto second = create_stream(directory_, StreamId::guest({0}));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::kRunFailed);
  EXPECT_NE(second.error().message.find("guest-0.stream: cannot create: File exists"), std::string::npos) << second.error().message;
}

/// Does not write until the appender had to wait.
class SlowSink final : public ByteSink {
 public:
  SlowSink(std::unique_ptr<ByteSink> sink, std::shared_ptr<std::atomic<StreamWriter*>> writer)
      : sink_(std::move(sink)), writer_(std::move(writer)) {}
  Status write(ByteView bytes) override {
    while (writer_->load() == nullptr || writer_->load()->stalls() == 0) {
      std::this_thread::yield();
    }
    return sink_->write(bytes);
  }
  Status sync() override { return sink_->sync(); }
  Status close() override { return sink_->close(); }

 private:
  std::unique_ptr<ByteSink> sink_;
  std::shared_ptr<std::atomic<StreamWriter*>> writer_;
};

TEST_F(Writers, WaitAndCountForASlowDiskAndDropNothing) {
  auto sink = create_file(directory_ / "guest-0.stream");
  ASSERT_TRUE(sink.ok());
  const auto handle = std::make_shared<std::atomic<StreamWriter*>>(nullptr);
  const auto writer =
      make_stream_writer(std::make_unique<SlowSink>(std::move(*sink), handle), StreamId::guest({0}), StreamOptions{.seal_bytes = 1});
  handle->store(writer.get());
  for (int i = 0; i < 10; ++i) {
    writer->append_console_byte({i}, 'x');
  }
  ASSERT_TRUE(ok(writer->finish({10}, EndReason::kHalt)));
  EXPECT_GE(writer->stalls(), 1u);
  EXPECT_EQ(headers_of(directory_, StreamId::guest({0})).size(), 11u);
}

using WritersDeathTest = Writers;

TEST_F(WritersDeathTest, CheckWhatTheyAreGiven) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto clock_back = [this] {
    const auto writer = guest();
    writer->append_clock_read({100}, ClockSource::kTsc, 100);
    writer->append_clock_read({99}, ClockSource::kTsc, 99);
  };
  EXPECT_DEATH(clock_back(), "CHECK");
  EXPECT_DEATH(guest()->append_frame_sent({0}, {}), "CHECK");
  const std::vector<uint8_t> large(kMaxFrameBytes + 1);
  EXPECT_DEATH(guest()->append_frame_sent({0}, large), "CHECK");
  EXPECT_DEATH(guest()->append_network({}), "CHECK");
  const auto network_back = [this] {
    auto writer = create_stream(directory_, StreamId::network());
    NetworkEvent event;
    event.sender = {1};
    (*writer)->append_network(event);
    event.sender = {0};
    (*writer)->append_network(event);
  };
  EXPECT_DEATH(network_back(), "CHECK");
}

}  // namespace
}  // namespace reprise
