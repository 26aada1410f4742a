#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/trace_format/sample_run.h"
#include "trace_format/byte_codec.h"
#include "trace_format/chunk.h"
#include "trace_format/event_log.h"
#include "trace_format/guest_columns.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using testing::ok;
using testing::Script;
using testing::ScriptEvent;

std::map<std::string, std::vector<uint8_t>> contents(const fs::path& directory) {
  std::map<std::string, std::vector<uint8_t>> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    files[entry.path().filename().string()] = testing::file_bytes(entry.path());
  }
  return files;
}

/// `part` is what `whole` was up to some event, and the end that recover sets there.
void expect_prefix(const std::vector<ScriptEvent>& part, const std::vector<ScriptEvent>& whole) {
  ASSERT_FALSE(part.empty());
  if (part == whole) {
    return;
  }
  const ScriptEvent& end = part.back();
  ASSERT_EQ(end.kind, EventKind::kEnd);
  ASSERT_EQ(end.reason, EndReason::kAborted);
  ASSERT_LT(part.size() - 1, whole.size());
  ASSERT_TRUE(std::equal(part.begin(), part.end() - 1, whole.begin())) << part.size() << " of " << whole.size();
  ASSERT_EQ(end.at, part.size() == 1 ? 0 : part[part.size() - 2].at);
}

class Recover : public ::testing::Test {
 protected:
  void write(const Script& script) {
    script_ = script;
    write_streams(script, directory_);
    ASSERT_TRUE(ok(save_run_info(directory_, script.run)));
  }

  /// Recovers, and checks what must hold for whatever is left of the run.
  void recover_and_check() {
    fs::remove(output_);
    const auto before = contents(directory_);
    ASSERT_TRUE(ok(recover_run(directory_, output_)));
    ASSERT_TRUE(contents(directory_) == before) << "the run's folder was changed";
    ASSERT_FALSE(fs::exists(folder_ / "out.trace.recovering"));
    ASSERT_TRUE(testing::verified(output_));
    auto read = testing::read_script(output_);
    ASSERT_TRUE(read.ok()) << read.error().message;
    read_ = std::move(*read);
    ASSERT_EQ(read_.guests.size(), script_.guests.size());
    for (size_t i = 0; i < read_.guests.size(); ++i) {
      expect_prefix(read_.guests[i], script_.guests[i]);
    }
    if (fs::exists(directory_ / "network.stream")) {
      ASSERT_TRUE(testing::same_network(read_.network, testing::network_of_kept_frames(script_, read_)));
    }
  }

  void truncate(const char* stream, size_t size) {
    auto bytes = testing::file_bytes(directory_ / stream);
    bytes.resize(std::min(size, bytes.size()));
    testing::write_bytes(directory_ / stream, bytes);
  }

  testing::TemporaryFolder folder_;
  fs::path directory_ = folder_.folder("run.trace.partial");
  fs::path output_ = folder_ / "out.trace";
  Script script_;
  Script read_;
};

TEST_F(Recover, AFinishedRunIsWhatJoinWouldHaveMade) {
  write(testing::random_script(11, 300));
  recover_and_check();
  EXPECT_TRUE(read_.run.complete);
  ASSERT_TRUE(ok(join_streams(directory_, script_.run, folder_ / "joined.trace")));
  EXPECT_TRUE(testing::file_bytes(output_) == testing::file_bytes(folder_ / "joined.trace"));
}

TEST_F(Recover, AStreamTruncatedAtAnyByteGivesATruePrefix) {
  write(testing::small_script());
  const auto whole = testing::file_bytes(directory_ / "guest-1.stream");
  for (size_t size = whole.size(); size-- > 0;) {
    truncate("guest-1.stream", size);
    ASSERT_NO_FATAL_FAILURE(recover_and_check()) << size << " bytes";
    ASSERT_FALSE(read_.run.complete);
  }
}

TEST_F(Recover, AnyFlippedBitOfAStreamGivesATruePrefix) {
  write(testing::small_script());
  const auto whole = testing::file_bytes(directory_ / "guest-0.stream");
  for (size_t i = 0; i < whole.size(); i += 3) {
    auto bytes = whole;
    bytes[i] = static_cast<uint8_t>(bytes[i] ^ 1u << i % 8);
    testing::write_bytes(directory_ / "guest-0.stream", bytes);
    ASSERT_NO_FATAL_FAILURE(recover_and_check()) << "byte " << i;
    ASSERT_FALSE(read_.run.complete);
  }
}

// Each guest keeps what is left of it; only what depends on a lost frame goes.
TEST_F(Recover, LongRunsCutAnywhere) {
  write(testing::typed_script(13, 600));
  const auto size = testing::file_bytes(directory_ / "guest-2.stream").size();
  for (size_t part = 10; part > 0; --part) {
    truncate("guest-2.stream", size * part / 11);
    ASSERT_NO_FATAL_FAILURE(recover_and_check()) << part << "/11";
    uint64_t sent = 0;
    for (const auto& event : read_.guests[2]) {
      sent += event.kind == EventKind::kFrameSent ? 1 : 0;
    }
    for (size_t guest = 0; guest < 2; ++guest) {
      const auto& kept = read_.guests[guest];
      const auto& whole = script_.guests[guest];
      if (kept == whole) {
        continue;
      }
      const ScriptEvent& lost = whole[kept.size() - 1];
      ASSERT_EQ(lost.kind, EventKind::kFrameReceived);
      if (lost.sender == 2) {
        EXPECT_GE(lost.sender_frame, sent);
      }
    }
  }
  EXPECT_GT(script_.guests[0].size(), read_.guests[0].size());
}

TEST_F(Recover, NothingIsKeptOfALostFrame) {
  write(testing::small_script());
  truncate("guest-0.stream", 0);
  recover_and_check();
  EXPECT_TRUE(read_.network.empty());
  EXPECT_EQ(read_.guests[1].size(), 2u) << "what guest 1 did before it received the lost frame";
}

// Chunks that no writer of ours makes, but a reader takes: made canonical they would be larger than a chunk may be.
TEST_F(Recover, AChunkThatGrowsIsSplit) {
  constexpr uint64_t kGroups = 70'000;
  write(testing::small_script());
  ColumnBuffers columns;
  auto& data = columns.data;
  put_varint(data[kOrder], 3 * kGroups << 3 | static_cast<uint64_t>(EventKind::kClockRead));
  for (uint64_t i = 0; i < kGroups; ++i) {
    put_varint(data[kClockGroup], 3U << 6 | kRuleDifference << 4 | static_cast<uint64_t>(ClockSource::kHpet));
    put_varint(data[kClockTime], i == 0 ? 0 : 1 + i % 2);
    put_varint(data[kClockValue], (uint64_t{1} << 63) + i);
  }
  put_varint(data[kOrder], 1 << 3 | static_cast<uint64_t>(EventKind::kFrameReceived));
  put_varint(data[kReceivedTime], 0);
  put_varint(data[kReceivedSender], 1 << 1);
  put_varint(data[kReceivedFrame], zigzag(7));  // which guest 1 never sent
  ChunkHeader header;
  header.stream = StreamId::guest({0});
  GuestDecoder decoder;
  decoder.start(views_of(columns), header.first);
  std::vector<GuestEvent> want;
  for (GuestEvent event; decoder.next(event);) {
    want.push_back(event);
  }
  header.last = want.back().at;
  header.clock_reads = 3 * kGroups;
  header.frames_received = 1;
  header.bytes_received = 64;
  Compressor compressor;
  std::vector<uint8_t> packed;
  pack_chunk(header, columns, compressor, packed);
  const auto head = encode_file_header(FileKind::kStream, header.stream);
  packed.insert(packed.begin(), head.begin(), head.end());
  testing::write_bytes(directory_ / "guest-0.stream", packed);
  fs::remove(directory_ / "guest-0.log");

  ASSERT_TRUE(ok(recover_run(directory_, output_)));
  ASSERT_TRUE(testing::verified(output_));
  const auto read = testing::read_script(output_);
  ASSERT_TRUE(read.ok()) << read.error().message;
  const auto& events = read->guests[0];
  ASSERT_EQ(events.size(), want.size()) << "all but the reception, and an end";
  for (size_t i = 0; i + 1 < events.size(); ++i) {
    ASSERT_TRUE(events[i].at == want[i].at.ns && events[i].value == want[i].value && events[i].source == want[i].source) << i;
  }
}

TEST_F(Recover, ADestroyedWriterLosesNothing) {
  const Script script = testing::random_script(5, 500);
  write(script);
  for (const auto& options : {StreamOptions{}, testing::kSmallChunks}) {
    fs::remove(directory_ / "guest-0.stream");
    fs::remove(directory_ / "guest-0.log");
    {
      auto writer = create_stream(directory_, StreamId::guest({0}), options);
      ASSERT_TRUE(writer.ok());
      for (size_t i = 0; i + 1 < script.guests[0].size(); ++i) {
        append(**writer, script.guests[0][i]);
      }
    }
    recover_and_check();
    EXPECT_EQ(read_.guests[0].size(), script.guests[0].size()) << "all but the end, and the end that recover sets";
    EXPECT_EQ(read_.guests[1], script.guests[1]);
    EXPECT_FALSE(read_.run.complete);
  }
}

// The rows are in the log, the chunk is in the stream file in part: the log counts.
TEST_F(Recover, AChunkPartlyWrittenIsTakenFromTheLog) {
  const Script script = testing::typed_script(5, 300);
  write(script);
  fs::remove(directory_ / "guest-0.stream");
  {
    auto writer = create_stream(directory_, StreamId::guest({0}), testing::kSmallChunks);
    ASSERT_TRUE(writer.ok());
    for (size_t i = 0; i + 1 < script.guests[0].size(); ++i) {
      append(**writer, script.guests[0][i]);
    }
  }
  const auto size = testing::file_bytes(directory_ / "guest-0.stream").size();
  size_t whole = 0;
  for (size_t cut = 0; cut < 600 && cut < size; cut += 43) {
    truncate("guest-0.stream", size - cut);
    ASSERT_NO_FATAL_FAILURE(recover_and_check());
    whole += read_.guests[0].size() == script.guests[0].size() ? 1 : 0;
  }
  EXPECT_GT(whole, 10u) << "the last " << kLogSlots - 1 << " sealed chunks are in the log too";
}

TEST_F(Recover, ARunningRecordingIsRefused) {
  write(testing::small_script());
  fs::remove(directory_ / "guest-1.stream");
  {
    const auto writer = create_stream(directory_, StreamId::guest({1}));
    ASSERT_TRUE(writer.ok());
    const Status status = recover_run(directory_, output_);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
    EXPECT_NE(status.error().message.find("guest-1.stream: a running process is recording to it"), std::string::npos)
        << status.error().message;
  }
  recover_and_check();
}

TEST_F(Recover, AnEncryptedStreamLeavesNoRows) {
  write(testing::small_script());
  fs::remove(directory_ / "guest-1.stream");
  {
    const auto writer =
        create_stream(directory_, StreamId::guest({1}), StreamOptions{.recipients = {recipient_of(generate_age_identity())}});
    ASSERT_TRUE(writer.ok());
    (*writer)->append_console_byte({1}, 'x');
    EXPECT_EQ(recover_run(directory_, output_).error().kind, ErrorKind::kUsage);
    EXPECT_EQ(testing::file_bytes(directory_ / "guest-1.log").size(), 4096u);
  }
  recover_and_check();
  EXPECT_EQ(read_.guests[1].size(), 1u);
}

TEST_F(Recover, AMissingStreamIsAnEmptyOne) {
  write(testing::small_script());
  fs::remove(directory_ / "guest-0.stream");
  fs::remove(directory_ / "network.stream");
  recover_and_check();
  EXPECT_EQ(read_.guests[0].size(), 1u);
  EXPECT_EQ(read_.guests[1].size(), 2u) << "up to the frame that it received from guest 0";
}

// A run that failed: its guests were told to stop, and say so.
TEST_F(Recover, AnAbortedEndStaysAndMakesTheRunIncomplete) {
  Script script = testing::small_script();
  script.guests[1].back().reason = EndReason::kAborted;
  script.guests[1].back().at = 1'000'150;
  write(script);
  recover_and_check();
  EXPECT_FALSE(read_.run.complete);
  EXPECT_EQ(read_.guests[0], script.guests[0]);
  EXPECT_EQ(read_.guests[1], script.guests[1]);
}

// Only a part of a run has such an end; a stream that claims one is a forgery, or damaged.
TEST_F(Recover, ATrimmedEndIsNotKept) {
  Script script = testing::small_script();
  ASSERT_EQ(script.guests[0].back().kind, EventKind::kEnd);
  script.guests[0].back().reason = EndReason::kTrimmed;
  write(script);
  recover_and_check();
  const auto read = testing::read_script(output_);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->guests[0].size(), script.guests[0].size()) << "all but the end";
  EXPECT_EQ(read->guests[0].back().reason, EndReason::kAborted);
}

TEST_F(Recover, WithoutRunInfoThereIsNothingToRecover) {
  write(testing::small_script());
  fs::remove(directory_ / "run.info");
  const Status status = recover_run(directory_, output_);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kBadTrace);
  EXPECT_NE(status.error().message.find("run.info"), std::string::npos) << status.error().message;
}

}  // namespace
}  // namespace reprise
