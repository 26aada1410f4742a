#include "trace_format/stream_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST_F(Writers, SealWhenTheRowsAreFull) {
  const auto writer = guest();
  const std::vector<uint8_t> frame(1000, 7);
  const int row = 1 + 1 + 2 + 1000;  // kind, time step, size, payload
  const int in_a_chunk = static_cast<int>((kSealBytes + row - 1) / row);
  for (int i = 0; i < 3 * in_a_chunk - 1; ++i) {
    writer->append_frame_sent({i}, frame);
  }
  ASSERT_TRUE(ok(writer->finish({3 * in_a_chunk}, EndReason::kHalt)));
  const auto headers = headers_of(directory_, StreamId::guest({0}));
  ASSERT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers[0].frames_sent, static_cast<uint64_t>(in_a_chunk));
  EXPECT_EQ(headers[1].before.frames_sent, headers[0].frames_sent);
  EXPECT_EQ(headers[1].first.ns, in_a_chunk);
  EXPECT_EQ(headers[1].last.ns, 2 * in_a_chunk - 1);
  EXPECT_TRUE(headers[2].ends && !headers[1].ends);
}

// Virtual time and host time have no part in it: the log holds what is not sealed.
TEST_F(Writers, ALongRunOfReadsIsOneChunk) {
  const auto writer = guest();
  for (int64_t at = 0; at <= 100'000'000'000; at += 100'000'000) {
    writer->append_clock_read({at}, ClockSource::kTsc, static_cast<uint64_t>(at));
  }
  ASSERT_TRUE(ok(writer->finish({100'000'000'000}, EndReason::kUntil)));
  const auto headers = headers_of(directory_, StreamId::guest({0}));
  ASSERT_EQ(headers.size(), 1u);
  EXPECT_EQ(headers[0].clock_reads, 1001u);
}

TEST_F(Writers, AChunkThatIsFullWhenTheStreamEndsIsFollowedByTheEnd) {
  const auto writer = guest();
  const std::vector<uint8_t> frame(kMaxFrameBytes, 7);
  const uint64_t row = 1 + 1 + 3 + kMaxFrameBytes;
  for (uint64_t rows = 0; rows < kSealBytes; rows += row) {
    writer->append_frame_sent({5}, frame);
  }
  ASSERT_TRUE(ok(writer->finish({9}, EndReason::kHalt)));
  const auto headers = headers_of(directory_, StreamId::guest({0}));
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_FALSE(headers[0].ends);
  EXPECT_EQ(headers[1].first.ns, 9);
}

TEST_F(Writers, EqualEventsGiveEqualBytes) {
  const auto script = testing::random_script(3, 4000);
  const auto again = folder_.folder("again");
  write_streams(script, directory_);
  write_streams(script, again);
  for (const char* name : {"network.stream", "guest-0.stream", "guest-1.stream", "guest-2.stream"}) {
    EXPECT_EQ(testing::file_bytes(directory_ / name), testing::file_bytes(again / name)) << name;
  }
}

TEST_F(Writers, FinishingRemovesTheLog) {
  {
    const auto writer = guest();
    EXPECT_TRUE(std::filesystem::exists(directory_ / "guest-0.log"));
    writer->append_console_byte({1}, 'x');
    ASSERT_TRUE(ok(writer->finish({2}, EndReason::kHalt)));
  }
  EXPECT_FALSE(std::filesystem::exists(directory_ / "guest-0.log"));
}

TEST_F(Writers, TheLargestChunkIsWithinTheLimit) {
  const auto writer = guest();
  uint64_t rows = 0;
  const auto append = [&](uint64_t size) {
    writer->append_frame_sent({1}, std::vector<uint8_t>(size, 1));
    rows += 1 + 1 + 3 + size;
  };
  while (rows + 20'000 + kMaxFrameBytes < kSealBytes) {
    append(kMaxFrameBytes);
  }
  while (rows + 20'000 < kSealBytes) {
    append(std::min<uint64_t>(kMaxFrameBytes, kSealBytes - rows - 20'000));
  }
  append(kSealBytes - rows - 6);  // one byte is missing
  EXPECT_EQ(rows, kSealBytes - 1);
  append(kMaxFrameBytes);
  ASSERT_TRUE(ok(writer->finish({2}, EndReason::kHalt)));
  const auto headers = headers_of(directory_, StreamId::guest({0}));
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_GT(headers[0].raw_size, kSealBytes + kMaxFrameBytes - 1000);
  EXPECT_LT(headers[0].raw_size, kMaxChunkRawBytes);
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
  const auto writer = make_stream_writer(std::make_unique<SlowSink>(std::move(*sink), handle), EventLog::in_memory(), StreamId::guest({0}));
  handle->store(writer.get());
  const std::vector<uint8_t> frame(kMaxFrameBytes, 7);
  const uint64_t frames = (kLogSlots + 2) * (kSealBytes / kMaxFrameBytes + 1);
  for (uint64_t i = 0; i < frames; ++i) {
    writer->append_frame_sent({static_cast<int64_t>(i)}, frame);
  }
  ASSERT_TRUE(ok(writer->finish({static_cast<int64_t>(frames)}, EndReason::kHalt)));
  EXPECT_GE(writer->stalls(), 1u);
  uint64_t written = 0;
  for (const ChunkHeader& header : headers_of(directory_, StreamId::guest({0}))) {
    written += header.frames_sent;
  }
  EXPECT_EQ(written, frames);
}

class WritersDeathTest : public Writers {
 protected:
  /// Called in a child that is to die: it removes nothing, so it writes into the folder of the test, where the child before it has left its
  /// files.
  std::unique_ptr<StreamWriter> in_child(StreamId stream) {
    std::filesystem::remove_all(directory_);
    auto writer = create_stream(folder_.folder("streams"), stream);
    EXPECT_TRUE(writer.ok());
    return std::move(*writer);
  }
};

TEST_F(WritersDeathTest, CheckWhatTheyAreGiven) {
  // Forks; "threadsafe" would run the fixture again, with a folder that nobody removes. The parent has no writer, so no other thread.
  GTEST_FLAG_SET(death_test_style, "fast");
  const StreamId first = StreamId::guest({0});
  const auto clock_back = [&] {
    const auto writer = in_child(first);
    writer->append_clock_read({100}, ClockSource::kTsc, 100);
    writer->append_clock_read({99}, ClockSource::kTsc, 99);
  };
  EXPECT_DEATH(clock_back(), "CHECK.*rows_.last");
  EXPECT_DEATH(in_child(first)->append_frame_sent({0}, {}), "CHECK.*payload.empty");
  const std::vector<uint8_t> large(kMaxFrameBytes + 1);
  EXPECT_DEATH(in_child(first)->append_frame_sent({0}, large), "CHECK.*kMaxFrameBytes");
  EXPECT_DEATH(in_child(first)->append_network({}), "CHECK.*network event in a guest");
  const auto network_back = [&] {
    const auto writer = in_child(StreamId::network());
    NetworkEvent event;
    event.sender = {1};
    writer->append_network(event);
    event.sender = {0};
    writer->append_network(event);
  };
  EXPECT_DEATH(network_back(), "CHECK.*last_event_");
}

}  // namespace
}  // namespace reprise
