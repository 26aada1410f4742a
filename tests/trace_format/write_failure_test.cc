// The Nth call on a file fails, for every N.
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <memory>

#include "tests/trace_format/sample_run.h"
#include "trace_format/event_log.h"
#include "trace_format/guest_columns.h"
#include "trace_format/join.h"
#include "trace_format/log_layout.h"
#include "trace_format/stream_file.h"
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
    const auto writer = make_stream_writer(std::make_unique<FailingSink>(std::move(*sink), &calls_left), EventLog::in_memory(),
                                           StreamId::guest({0}), StreamOptions{.seal_bytes = 1000});
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

/// Also fails the syncs of a log.
LogCalls failing_log_calls(int* calls_left) {
  LogCalls calls = LogCalls::of_the_system();
  calls.sync = [calls_left, sync = calls.sync](void* at, size_t size) {
    if ((*calls_left)-- <= 0) {
      errno = EIO;
      return -1;
    }
    return sync(at, size);
  };
  return calls;
}

/// Number of the events of `directory`'s guest 0 without its end, which must be those that append_counted() appended.
uint64_t count_events(const fs::path& directory) {
  UnfinishedStream stream(directory, StreamId::guest({0}));
  LoadedChunk chunk;
  uint64_t events = 0;
  while (stream.next(chunk)) {
    GuestDecoder decoder;
    decoder.start(chunk.columns, chunk.header.first);
    for (GuestEvent event; decoder.next(event) && event.kind != EventKind::kEnd; ++events) {
      EXPECT_TRUE(event.kind == EventKind::kConsoleByte && event.at.ns == static_cast<int64_t>(events) * 3 &&
                  event.byte == static_cast<uint8_t>(events * 7))
          << "event " << events;
    }
  }
  return events;
}

void append_counted(StreamWriter& writer, uint64_t i) {
  writer.append_console_byte({static_cast<int64_t>(i) * 3}, static_cast<uint8_t>(i * 7));
}

// Writes and syncs of stream and log, in the order in which a durable stream makes them.
TEST(WriteFailure, OfADurableStreamIsStickyAndKeepsWhatWasAppended) {
  for (int n = 0; n < 25; ++n) {
    const testing::TemporaryFolder folder;
    int calls_left = n;
    auto sink = create_file(folder / "guest-0.stream");
    auto log = EventLog::create(folder / "guest-0.log", StreamId::guest({0}), failing_log_calls(&calls_left));
    ASSERT_TRUE(sink.ok() && log.ok());
    auto writer = make_stream_writer(std::make_unique<FailingSink>(std::move(*sink), &calls_left), std::move(*log), StreamId::guest({0}),
                                     StreamOptions{.durable = true, .seal_bytes = 512, .secure_every = std::chrono::milliseconds(0)});
    uint64_t appended = 0;
    while (writer->status().ok()) {
      append_counted(*writer, appended++);
    }
    const Status status = writer->finish({static_cast<int64_t>(appended) * 3}, EndReason::kHalt);
    ASSERT_FALSE(status.ok()) << "call " << n;
    EXPECT_EQ(status.error().kind, ErrorKind::kRunFailed);
    writer.reset();
    const uint64_t kept = count_events(folder.path());
    EXPECT_LE(kept, appended);
    // The writer drops from the first chunk that it would open after the error.
    EXPECT_TRUE(n == 0 || kept + 512 > appended) << kept << " of " << appended << ", call " << n;
  }
}

/// Looks whether the log still has the chunks that were written and not synced.
class SyncProbe final : public ByteSink {
 public:
  SyncProbe(std::unique_ptr<ByteSink> sink, fs::path log) : sink_(std::move(sink)), log_(std::move(log)) {}
  Status write(ByteView bytes) override {
    writes_ += 1;
    return sink_->write(bytes);
  }
  Status sync() override {
    const auto log = LogReader::open(log_, StreamId::guest({0}));
    EXPECT_TRUE(log.ok());
    const uint64_t chunks = writes_ - 1;  // the first was the file's header
    for (LogChunk chunk; log.ok() && synced_ < chunks; ++synced_) {
      EXPECT_TRUE(log->chunk(synced_, chunk)) << "chunk " << synced_ << " is on no device";
    }
    return sink_->sync();
  }
  Status close() override {
    EXPECT_EQ(synced_, writes_ - 1);
    return sink_->close();
  }

 private:
  std::unique_ptr<ByteSink> sink_;
  fs::path log_;
  uint64_t writes_ = 0;
  uint64_t synced_ = 0;
};

TEST(Durable, RowsStayInTheLogUntilTheirChunkIsOnTheDevice) {
  const testing::TemporaryFolder folder;
  auto sink = create_file(folder / "guest-0.stream");
  auto log = EventLog::create(folder / "guest-0.log", StreamId::guest({0}));
  ASSERT_TRUE(sink.ok() && log.ok());
  const auto writer = make_stream_writer(std::make_unique<SyncProbe>(std::move(*sink), folder / "guest-0.log"), std::move(*log),
                                         StreamId::guest({0}), StreamOptions{.durable = true, .seal_bytes = 512});
  for (uint64_t i = 0; i < 20'000; ++i) {
    append_counted(*writer, i);
  }
  EXPECT_TRUE(testing::ok(writer->finish({60'000}, EndReason::kHalt)));
  EXPECT_GT(writer->stalls(), 0u) << "else the slots were not reused in a hurry";
}

/// The file of a log as the device has it after the machine was started again: only marks vouch for rows.
void put_after_restart(const fs::path& path, std::vector<uint8_t> bytes) {
  LogHeader header;
  std::memcpy(static_cast<void*>(&header), bytes.data(), sizeof header);
  header.boot[0] = header.boot[0] == '0' ? '1' : '0';
  header.checksum = checksum_of(header);
  std::memcpy(bytes.data(), &header, sizeof header);
  testing::write_bytes(path, bytes);
}

// One row, then silence: no later row and no full chunk takes it along to the device.
TEST(Durable, ARowThatNoneFollowsIsOnTheDeviceWithinASecond) {
  using std::chrono_literals::operator""s;
  // In the worst case a row just misses one mark and waits for the next; the device has the rest of the second.
  static_assert(2 * StreamOptions{}.secure_every < 1s);
  const testing::TemporaryFolder folder;
  const fs::path device = folder.folder("device");
  std::promise<std::vector<uint8_t>> first_sync;
  int syncs = 0;  // of the writer's thread, until it has ended
  LogCalls calls = LogCalls::of_the_system();
  calls.sync = [&](void* at, size_t size) {
    if (syncs++ == 0) {
      const auto* bytes = static_cast<const uint8_t*>(at);
      first_sync.set_value({bytes, bytes + size});
    }
    return 0;
  };
  auto sink = create_file(folder / "guest-0.stream");
  auto log = EventLog::create(folder / "guest-0.log", StreamId::guest({0}), calls);
  ASSERT_TRUE(sink.ok() && log.ok());
  auto writer = make_stream_writer(std::move(*sink), std::move(*log), StreamId::guest({0}),
                                   StreamOptions{.durable = true, .secure_every = std::chrono::milliseconds(5)});
  append_counted(*writer, 0);
  auto synced = first_sync.get_future();
  const bool in_time = synced.wait_for(1s) == std::future_status::ready;
  writer.reset();
  ASSERT_TRUE(in_time) << "no sync of the log";
  put_after_restart(device / "guest-0.log", synced.get());
  EXPECT_EQ(count_events(device), 1U);
  EXPECT_EQ(syncs, 1) << "nothing came after the row";
}

TEST(WriteFailure, OfANetworkStreamIsReported) {
  const testing::TemporaryFolder folder;
  const auto script = testing::small_script();
  for (int n = 0; n < 3; ++n) {
    int calls_left = n;
    auto sink = create_file(folder / std::to_string(n));
    ASSERT_TRUE(sink.ok());
    const auto writer =
        make_stream_writer(std::make_unique<FailingSink>(std::move(*sink), &calls_left), EventLog::in_memory(), StreamId::network());
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
