#include "trace_format/event_log.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

#include "tests/trace_format/sample_run.h"
#include "trace_format/log_layout.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using testing::file_bytes;
using testing::ok;

const StreamId kGuest = StreamId::guest({0});

class Logs : public ::testing::Test {
 protected:
  std::unique_ptr<EventLog> create() {
    auto log = EventLog::create(path_, kGuest);
    EXPECT_TRUE(log.ok()) << log.error().message;
    return std::move(*log);
  }
  LogReader reader() {
    auto reader = LogReader::open(path_, kGuest);
    EXPECT_TRUE(reader.ok()) << reader.error().message;
    return std::move(*reader);
  }
  testing::TemporaryFolder folder_;
  fs::path path_ = folder_ / "guest-0.log";
};

/// Fills chunk after chunk with rows that are the same for the same chunk.
class Filler {
 public:
  explicit Filler(EventLog& log) : log_(log) {}
  void open() {
    rows_.open(log_.open(chunk_, {time_}), {time_});
    ++chunk_;
  }
  void append(int bytes) {
    for (int i = 0; i < bytes; ++i) {
      rows_.append_console_byte({time_++}, static_cast<uint8_t>(time_ * 31));
    }
  }

 private:
  EventLog& log_;
  uint64_t chunk_ = 0;
  int64_t time_ = 0;
  GuestRowWriter rows_;
};

std::vector<uint8_t> committed_of(const LogReader& reader, uint64_t number) {
  LogChunk chunk;
  return reader.chunk(number, chunk) ? chunk.bytes : std::vector<uint8_t>();
}

std::vector<uint8_t> bytes_of(const Rows& rows) {
  return {rows.bytes.begin(), rows.bytes.end()};
}

TEST_F(Logs, GiveWhatIsCommittedOfTheLastChunks) {
  const auto log = create();
  Filler filler(*log);
  std::vector<std::vector<uint8_t>> chunks;
  for (uint64_t n = 0; n < 2 * kLogSlots; ++n) {
    filler.open();
    EXPECT_TRUE(committed_of(reader(), n).empty());
    filler.append(10 + static_cast<int>(n));
    chunks.push_back(bytes_of(log->rows(n)));
    for (uint64_t i = 0; i <= n; ++i) {
      EXPECT_EQ(committed_of(reader(), i), i + kLogSlots > n ? chunks[i] : std::vector<uint8_t>()) << i << " of " << n;
    }
  }
  LogChunk chunk;
  ASSERT_TRUE(reader().chunk(5, chunk));
  EXPECT_EQ(chunk.previous, (Committed{chunks[4].size(), 0}));
  EXPECT_EQ(chunk.first.ns, 10 + 11 + 12 + 13 + 14);
  EXPECT_FALSE(reader().chunk(2 * kLogSlots, chunk));
}

TEST_F(Logs, TellWhetherTheirWriterIsThere) {
  auto log = create();
  EXPECT_TRUE(reader().live());
  EXPECT_TRUE(reader().whole());
  log.reset();
  EXPECT_FALSE(reader().live());
}

TEST_F(Logs, AreNotOverwritten) {
  const auto log = create();
  const auto second = EventLog::create(path_, kGuest);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::kRunFailed);
  EXPECT_NE(second.error().message.find("guest-0.log: cannot create: File exists"), std::string::npos) << second.error().message;
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(Logs, ThatCannotBeMadeLeaveNoFile) {
  LogCalls full = LogCalls::of_the_system();
  full.reserve = [](int, off_t) { return ENOSPC; };
  LogCalls no_memory = LogCalls::of_the_system();
  no_memory.map = [](size_t, int, int) {
    errno = ENOMEM;
    return MAP_FAILED;
  };
  const std::string reserve =
      "cannot reserve " + std::to_string(kLogPage + kLogSlots * (kLogPage + kSlotRowBytes)) + " bytes: No space left on device";
  for (const auto& [calls, reason] : {std::pair(full, reserve), std::pair(no_memory, std::string("cannot map: Cannot allocate memory"))}) {
    const auto log = EventLog::create(path_, kGuest, calls);
    ASSERT_FALSE(log.ok());
    EXPECT_EQ(log.error().kind, ErrorKind::kRunFailed);
    EXPECT_EQ(log.error().message, path_.string() + ": " + reason);
    EXPECT_FALSE(fs::exists(path_));
  }
}

TEST_F(Logs, AnyDamageOfTheHeaderIsNoticed) {
  create();
  const auto good = file_bytes(path_);
  for (size_t i = 0; i < sizeof(LogHeader); ++i) {
    auto bytes = good;
    bytes[i] ^= 4;
    testing::write_bytes(path_, bytes);
    const auto reader = LogReader::open(path_, kGuest);
    ASSERT_FALSE(reader.ok()) << "byte " << i;
    ASSERT_EQ(reader.error().kind, ErrorKind::kBadTrace);
  }
  testing::write_bytes(path_, good);
  EXPECT_NE(LogReader::open(path_, StreamId::network()).error().message.find("the log of guest 0, not of network"), std::string::npos);
  EXPECT_EQ(LogReader::open(folder_ / "none.log", kGuest).error().kind, ErrorKind::kUsage);
}

TEST_F(Logs, AFileCutShortGivesNothingBeyond) {
  auto log = create();
  Filler filler(*log);
  filler.open();
  filler.append(1000);
  const size_t bytes = log->rows(0).bytes.size();
  log.reset();
  LogChunk chunk;
  fs::resize_file(path_, 2 * kLogPage + bytes);
  EXPECT_TRUE(reader().chunk(0, chunk));
  fs::resize_file(path_, 2 * kLogPage + bytes - 1);
  EXPECT_FALSE(reader().chunk(0, chunk));
  fs::resize_file(path_, kLogPage);
  EXPECT_FALSE(reader().chunk(0, chunk));
}

/// Power failures: the file as it was at a sync, and pages of a later state that the kernel had written by itself.
class PowerFailure : public Logs {
 protected:
  /// What the reader finds after the machine was started again.
  void write_after_restart(std::vector<uint8_t> bytes) {
    LogHeader header;
    std::memcpy(static_cast<void*>(&header), bytes.data(), sizeof header);
    header.boot[0] = header.boot[0] == '0' ? '1' : '0';
    header.checksum = checksum_of(header);
    std::memcpy(bytes.data(), &header, sizeof header);
    testing::write_bytes(path_, bytes);
  }
};

TEST_F(PowerFailure, OnlyMarksCount) {
  auto log = create();
  Filler filler(*log);
  filler.open();
  filler.append(100);
  const auto unmarked = file_bytes(path_);
  EXPECT_TRUE(log->mark(0));
  EXPECT_FALSE(log->mark(0)) << "nothing came since";
  EXPECT_FALSE(log->mark(1)) << "the chunk is in the stream file";
  const auto marked = file_bytes(path_);
  const auto rows = bytes_of(log->rows(0));
  filler.append(1);
  EXPECT_TRUE(log->mark(0));
  write_after_restart(unmarked);
  EXPECT_FALSE(reader().whole());
  EXPECT_TRUE(committed_of(reader(), 0).empty());
  write_after_restart(marked);
  EXPECT_EQ(committed_of(reader(), 0), rows);
}

TEST_F(PowerFailure, TornPagesNeverGiveLessThanTheLastSyncNorAnythingElse) {
  std::mt19937_64 random(31);
  for (int round = 0; round < 20; ++round) {
    fs::remove(path_);
    auto log = create();
    Filler filler(*log);
    filler.open();
    for (int i = static_cast<int>(random() % 3); i > 0; --i) {
      filler.append(static_cast<int>(random() % 9000));
      log->mark(0);
      if (random() % 2 == 0) {
        filler.open();
      }
    }
    filler.append(static_cast<int>(random() % 9000));
    log->mark(0);
    const auto synced = file_bytes(path_);
    std::vector<std::vector<uint8_t>> at_sync;
    for (uint64_t n = 0; n < kLogSlots; ++n) {
      at_sync.push_back(committed_of(reader(), n));
    }
    filler.append(static_cast<int>(random() % 9000));
    if (at_sync[kLogSlots - 1].empty() && random() % 2 == 0) {
      filler.open();
      filler.append(static_cast<int>(random() % 9000));
    }
    if (random() % 2 == 0) {
      log->mark(0);
    }
    const auto later = file_bytes(path_);
    std::vector<std::vector<uint8_t>> at_end;
    for (uint64_t n = 0; n < kLogSlots; ++n) {
      at_end.push_back(committed_of(reader(), n));
    }
    log.reset();
    auto torn = synced;
    constexpr size_t kSector = 512;
    for (size_t at = kLogPage; at < torn.size(); at += kSector) {
      if (random() % 2 == 0) {
        std::copy_n(later.begin() + static_cast<std::ptrdiff_t>(at), kSector, torn.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    write_after_restart(torn);
    for (uint64_t n = 0; n < kLogSlots; ++n) {
      const auto found = committed_of(reader(), n);
      ASSERT_GE(found.size(), at_sync[n].size()) << "chunk " << n << ", round " << round;
      ASSERT_LE(found.size(), at_end[n].size());
      ASSERT_TRUE(std::equal(found.begin(), found.end(), at_end[n].begin())) << "chunk " << n << ", round " << round;
    }
  }
}

}  // namespace
}  // namespace reprise
