#include "trace_format/recover_trace.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <iterator>

#include "tests/trace_format/sample_run.h"
#include "trace_format/trace_index.h"

namespace reprise {
namespace {

using testing::Script;
using testing::ScriptEvent;

class RecoverTrace : public ::testing::Test {
 protected:
  void write(const Script& script) {
    script_ = script;
    write_trace(script, trace_);
    good_ = testing::file_bytes(trace_);
  }
  /// Each guest's events are the first of the script's, but that it may end aborted where they are cut.
  void recover_and_check() {
    const auto scan = recover_trace(trace_, output_);
    ASSERT_TRUE(scan.ok()) << scan.error().message;
    ASSERT_TRUE(testing::verified(output_));
    auto read = testing::read_script(output_);
    ASSERT_TRUE(read.ok()) << read.error().message;
    read_ = std::move(*read);
    for (size_t g = 0; g < script_.guests.size(); ++g) {
      auto events = read_.guests[g];
      if (events.back() != script_.guests[g].back()) {
        ASSERT_EQ(events.back().reason, EndReason::kAborted);
        events.pop_back();
      }
      ASSERT_LE(events.size(), script_.guests[g].size());
      ASSERT_TRUE(std::equal(events.begin(), events.end(), script_.guests[g].begin())) << "guest " << g;
    }
    scan_ = *scan;
  }
  /// Damages the chunk in the middle of the guest's stream. Returns its size.
  uint64_t damage_middle_of(GuestIndex guest) {
    const auto source = open_file(trace_);
    auto index = TraceIndex::open(**source);
    EXPECT_TRUE(index.ok());
    const uint64_t chunks = index->stream(StreamId::guest(guest)).chunks;
    EXPECT_GT(chunks, 3U);
    const ChunkRecord record = *index->chunk(StreamId::guest(guest), chunks / 2);
    auto bytes = good_;
    bytes[record.offset + kChunkHeaderBytes] ^= 1;
    testing::write_bytes(trace_, bytes);
    return kChunkHeaderBytes + record.header.stored_size;
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path trace_ = folder_ / "run.trace";
  std::filesystem::path output_ = folder_ / "recovered.trace";
  Script script_;
  Script read_;
  std::vector<uint8_t> good_;
  ScanResult scan_;
};

TEST_F(RecoverTrace, ASoundTraceComesOutAsItWas) {
  write(testing::random_script(5, 400));
  recover_and_check();
  EXPECT_EQ(scan_.lost_bytes, 0U);
  EXPECT_TRUE(read_.guests == script_.guests);
  EXPECT_EQ(read_.network.size(), script_.network.size());
}

// A recorded run's deliveries are implied by its guests' receptions; the network's stream does not have them.
TEST_F(RecoverTrace, ImpliedDeliveriesStay) {
  write(testing::small_script());
  recover_and_check();
  EXPECT_TRUE(read_.run.complete);
  ASSERT_EQ(read_.network.size(), 1U);
  EXPECT_EQ(read_.network[0].at, script_.network[0].at);
  EXPECT_EQ(read_.network[0].sent_at, script_.network[0].sent_at);
}

TEST_F(RecoverTrace, ADamagedChunkEndsItsGuestAndNoOther) {
  write(testing::typed_script(6, 400));
  const uint64_t lost = damage_middle_of({1});
  recover_and_check();
  EXPECT_FALSE(read_.run.complete);
  EXPECT_EQ(scan_.lost_bytes, lost);
  EXPECT_GT(read_.guests[1].size(), 3U);
  EXPECT_LT(read_.guests[1].size(), script_.guests[1].size());
}

TEST_F(RecoverTrace, TheNetworkKeepsWhatItDidWithTheFramesThatAreKept) {
  int more_than_a_prefix = 0;
  for (const uint32_t guest : {0, 1, 2}) {
    std::filesystem::remove(trace_);
    std::filesystem::remove(output_);
    write(testing::typed_script(6, 2000));
    (void)damage_middle_of({guest});
    ASSERT_NO_FATAL_FAILURE(recover_and_check());
    const auto want = testing::network_of_kept_frames(script_, read_);
    EXPECT_TRUE(testing::same_network(read_.network, want)) << read_.network.size() << " of " << want.size();
    ASSERT_LT(want.size(), script_.network.size());
    const auto first = script_.network.begin();
    more_than_a_prefix += testing::same_network(want, {first, first + static_cast<std::ptrdiff_t>(want.size())}) ? 0 : 1;
  }
  EXPECT_GT(more_than_a_prefix, 0) << "no frame was kept that came after a lost one: the test shows nothing";
}

// Header, either run information, index, root and trailer can all be done without.
TEST_F(RecoverTrace, EveryByteOfASmallTraceMayBeDamaged) {
  write(testing::small_script());
  for (size_t at = 0; at < good_.size(); at += 5) {
    auto bytes = good_;
    bytes[at] ^= 0x10;
    testing::write_bytes(trace_, bytes);
    ASSERT_NO_FATAL_FAILURE(recover_and_check()) << "byte " << at;
  }
}

TEST_F(RecoverTrace, ACutTraceGivesWhatIsBeforeTheCut) {
  write(testing::random_script(7, 200));
  for (size_t part = 9; part > 0; --part) {
    auto bytes = good_;
    bytes.resize(good_.size() * part / 10);
    testing::write_bytes(trace_, bytes);
    ASSERT_NO_FATAL_FAILURE(recover_and_check()) << part;
    EXPECT_FALSE(read_.run.complete);
  }
}

TEST_F(RecoverTrace, ManyGuestsNeedFewFiles) {
  Script script = testing::small_script();
  for (int i = 2; i < 60; ++i) {
    script.run.guests.push_back(script.run.guests.front());
    script.run.guests.back().name = "more" + std::to_string(i);
    script.guests.push_back({script.guests[0].front(), script.guests[0].back()});
  }
  write(script);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  const std::filesystem::directory_iterator open_files("/proc/self/fd");
  few.rlim_cur = static_cast<rlim_t>(std::distance(begin(open_files), end(open_files))) + 20;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  recover_and_check();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(read_.guests == script_.guests);
}

TEST_F(RecoverTrace, WithoutRunInformationThereIsNothing) {
  testing::write_bytes(trace_, std::vector<uint8_t>(100'000, 0x89));
  const auto scan = recover_trace(trace_, output_);
  ASSERT_FALSE(scan.ok());
  EXPECT_EQ(scan.error().kind, ErrorKind::kBadTrace);
  EXPECT_NE(scan.error().message.find("no sound run information"), std::string::npos) << scan.error().message;
  EXPECT_FALSE(std::filesystem::exists(output_));
}

}  // namespace
}  // namespace reprise
