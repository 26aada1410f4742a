#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/trace_format/sample_run.h"
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

/// `part` is what `whole` was before some time, and the end that recover sets there.
void expect_prefix(const std::vector<ScriptEvent>& part, const std::vector<ScriptEvent>& whole) {
  ASSERT_FALSE(part.empty());
  if (part == whole) {
    return;
  }
  const ScriptEvent& end = part.back();
  ASSERT_EQ(end.kind, EventKind::kEnd);
  ASSERT_EQ(end.reason, EndReason::kAborted);
  const auto cut = std::find_if(whole.begin(), whole.end(), [&](const ScriptEvent& e) { return e.at >= end.at; });
  ASSERT_TRUE(std::equal(part.begin(), part.end() - 1, whole.begin(), cut)) << "cut at " << end.at;
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
    ASSERT_LE(read_.network.size(), script_.network.size());
    for (size_t i = 0; i < read_.network.size(); ++i) {
      ASSERT_TRUE(read_.network[i].at == script_.network[i].at && read_.network[i].sender == script_.network[i].sender);
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
  EXPECT_TRUE(testing::read_script(folder_ / "joined.trace")->guests == read_.guests);
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

TEST_F(Recover, LongRunsCutAnywhere) {
  write(testing::random_script(13, 600));
  const auto size = testing::file_bytes(directory_ / "guest-2.stream").size();
  for (size_t part = 10; part > 0; --part) {
    truncate("guest-2.stream", size * part / 11);
    ASSERT_NO_FATAL_FAILURE(recover_and_check()) << part << "/11";
    // All end where guest 2 ends, or earlier by themselves.
    for (const auto& guest : read_.guests) {
      EXPECT_LE(guest.back().at, read_.guests[2].back().at);
    }
  }
  EXPECT_GT(script_.guests[0].size(), read_.guests[0].size());
}

TEST_F(Recover, AKilledWriterLosesItsOpenChunkOnly) {
  const Script script = testing::small_script();
  write(script);
  fs::remove(directory_ / "guest-0.stream");
  {
    auto writer = create_stream(directory_, StreamId::guest({0}), StreamOptions{.seal_bytes = 1});
    ASSERT_TRUE(writer.ok());
    for (size_t i = 0; i + 1 < script.guests[0].size(); ++i) {
      append(**writer, script.guests[0][i]);
    }
    (*writer)->append_console_byte({1'500'000'000}, 'y');  // seals the chunk before it
  }
  recover_and_check();
  EXPECT_EQ(read_.guests[0].back().at, 1'000'200);  // the last event of the sealed chunk
  EXPECT_EQ(read_.guests[0].size(), 4u);
}

TEST_F(Recover, AMissingStreamGivesAnEmptyRun) {
  write(testing::small_script());
  fs::remove(directory_ / "guest-0.stream");
  fs::remove(directory_ / "network.stream");
  recover_and_check();
  EXPECT_EQ(read_.guests[0].size(), 1u);
  EXPECT_EQ(read_.guests[1].size(), 1u);
}

// A run that failed: its guests were told to stop, and say so.
TEST_F(Recover, AnAbortedEndIsACut) {
  Script script = testing::small_script();
  script.guests[1].back().reason = EndReason::kAborted;
  script.guests[1].back().at = 1'000'150;
  write(script);
  recover_and_check();
  EXPECT_FALSE(read_.run.complete);
  EXPECT_EQ(read_.guests[0].back().at, 1'000'150);
  EXPECT_EQ(read_.guests[1], script.guests[1]);
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
