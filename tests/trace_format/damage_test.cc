// Nothing that happens to the bytes of a trace goes unnoticed.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "tests/trace_format/sample_run.h"
#include "trace_format/trace_index.h"
#include "trace_format/trim.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

class Damage : public ::testing::Test {
 protected:
  void SetUp() override {
    write_trace(testing::small_script(), folder_ / "good.trace");
    good_ = testing::file_bytes(folder_ / "good.trace");
    ASSERT_LT(good_.size(), 5000u) << "keep it small: the tests below try each bit";
  }

  Status read(const std::vector<uint8_t>& bytes, VerifyDepth depth = VerifyDepth::kEvents) {
    testing::write_bytes(folder_ / "bad.trace", bytes);
    auto sound = verify_trace(folder_ / "bad.trace", {}, depth);
    return sound.ok() ? Status{} : Status{sound.error()};
  }

  testing::TemporaryFolder folder_;
  /// The good trace with a root that a forger changed.
  std::vector<uint8_t> with_root(const std::function<void(Root&)>& change) {
    const auto source = open_file(folder_ / "good.trace");
    const auto index = TraceIndex::open(**source);
    const auto trailer = read_trailer(**source);
    Root root = index->root();
    change(root);
    std::vector<uint8_t> bytes(good_.begin(), good_.begin() + static_cast<std::ptrdiff_t>(trailer->root_offset));
    const auto stored = pack_root(root);
    bytes.insert(bytes.end(), stored->begin(), stored->end());
    const auto tail = encode_trailer(*trailer, bytes.size() + kTrailerBytes);
    bytes.insert(bytes.end(), tail.begin(), tail.end());
    return bytes;
  }

  std::vector<uint8_t> good_;
};

TEST_F(Damage, ARootThatGivesAPageAnotherSizeIsNoticed) {
  ASSERT_TRUE(with_root([](Root&) {}) == good_);
  for (const VerifyDepth depth : {VerifyDepth::kEvents, VerifyDepth::kChecksums}) {
    const Status status = read(with_root([](Root& root) { ++root.guests[1].pages[0].stored_size; }), depth);
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find("a page of the index that does not describe the chunks before it"), std::string::npos)
        << status.error().message;
    // Run information, a chunk and a page of guest 0, and a chunk of guest 1.
    EXPECT_NE(status.error().message.find("chunk 4 at byte"), std::string::npos) << status.error().message;
    EXPECT_NE(status.error().message.find("4 chunks before it are sound"), std::string::npos) << status.error().message;
  }
}

TEST_F(Damage, KeptChunksAreInOrderAndInTheFile) {
  const auto refusal = [&](std::vector<uint64_t> kept) {
    testing::write_bytes(folder_ / "bad.trace", with_root([&](Root& root) { root.kept = std::move(kept); }));
    const auto reader = TraceReader::open(folder_ / "bad.trace");
    return reader.ok() ? "" : reader.error().message;
  };
  EXPECT_EQ(refusal({kFileHeaderBytes, 500}), "") << "where there is none: verify finds that";
  for (const std::vector<uint64_t>& kept :
       std::vector<std::vector<uint64_t>>{{0}, {500, 40}, {500, 500}, {good_.size() * 2}, {~uint64_t{0}}}) {
    EXPECT_NE(refusal(kept).find("kept chunks that are not in order, or beyond the end of the file"), std::string::npos) << kept.front();
  }
}

// What a part lacks nobody can recover from it.
TEST_F(Damage, ThePartOfARunIsMadeAgain) {
  const auto trace = TraceReader::open(folder_ / "good.trace");
  TrimOptions options;
  options.to = {1'000'150};
  ASSERT_TRUE(testing::ok(trim_trace(**trace, folder_ / "part.trace", options)));
  auto bytes = testing::file_bytes(folder_ / "part.trace");
  const auto source = open_file(folder_ / "part.trace");
  auto index = TraceIndex::open(**source);
  const ChunkRecord record = *index->chunk(StreamId::guest({1}), 0);
  bytes[record.offset + kChunkHeaderBytes] ^= 1;
  const std::string message = read(bytes).error().message;
  EXPECT_EQ(message.find("recover"), std::string::npos) << message;
  EXPECT_NE(message.find("make the part again from the run's trace"), std::string::npos) << message;
}

TEST_F(Damage, TruncationAtEveryByteIsNoticed) {
  for (size_t size = 0; size < good_.size(); ++size) {
    const Status status = read({good_.begin(), good_.begin() + static_cast<std::ptrdiff_t>(size)});
    ASSERT_FALSE(status.ok()) << "truncated to " << size << " bytes";
    ASSERT_EQ(status.error().kind, ErrorKind::kBadTrace);
    ASSERT_NE(status.error().message.find("bad.trace: "), std::string::npos) << status.error().message;
    ASSERT_FALSE(read({good_.begin(), good_.begin() + static_cast<std::ptrdiff_t>(size)}, VerifyDepth::kChecksums).ok());
  }
  EXPECT_NE(read({good_.begin(), good_.end() - 1}).error().message.find("'reprise recover'"), std::string::npos);
  ASSERT_TRUE(testing::ok(read(good_)));
  ASSERT_TRUE(testing::ok(read(good_, VerifyDepth::kChecksums)));
}

TEST_F(Damage, EveryFlippedBitIsNoticed) {
  // In place: some file systems take milliseconds to replace a file's contents, and there are thousands of bits.
  testing::write_bytes(folder_ / "bad.trace", good_);
  std::fstream file(folder_ / "bad.trace", std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](size_t at, unsigned byte) {
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte));
    file.flush();
  };
  for (size_t bit = 0; bit < good_.size() * 8; ++bit) {
    put(bit / 8, good_[bit / 8] ^ 1u << bit % 8);
    const auto sound = verify_trace(folder_ / "bad.trace");
    ASSERT_FALSE(sound.ok()) << "bit " << bit % 8 << " of byte " << bit / 8;
    ASSERT_EQ(sound.error().kind, ErrorKind::kBadTrace);
    const auto checksums = verify_trace(folder_ / "bad.trace", {}, VerifyDepth::kChecksums);
    ASSERT_FALSE(checksums.ok()) << "bit " << bit % 8 << " of byte " << bit / 8;
    ASSERT_EQ(checksums.error().message, sound.error().message);
    put(bit / 8, good_[bit / 8]);
  }
  ASSERT_TRUE(testing::verified(folder_ / "bad.trace"));
}

TEST_F(Damage, BytesAfterTheEndAreNoticed) {
  auto bytes = good_;
  bytes.push_back(0);
  EXPECT_FALSE(read(bytes).ok());
}

TEST_F(Damage, AMissingFileAndAFolderAreUsageErrors) {
  EXPECT_EQ(TraceReader::open(folder_ / "none.trace").error().kind, ErrorKind::kUsage);
  EXPECT_EQ(TraceReader::open(folder_.folder("folder")).error().kind, ErrorKind::kUsage);
}

TEST_F(Damage, AStreamIsNotATrace) {
  const auto directory = folder_.folder("streams");
  write_streams(testing::small_script(), directory);
  const auto reader = TraceReader::open(directory / "guest-0.stream");
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().kind, ErrorKind::kBadTrace);
  EXPECT_NE(reader.error().message.find("a stream of an unfinished run"), std::string::npos) << reader.error().message;
}

// A sound chunk of another run in the place of one of the same size: only the digests in the index tell, which are of events.
TEST_F(Damage, AChunkOfAnotherRunIsNoticed) {
  auto script = testing::small_script();
  script.guests[0][3].byte = 'y';
  write_trace(script, folder_ / "other.trace");
  const auto other = testing::file_bytes(folder_ / "other.trace");
  const auto source = open_file(folder_ / "good.trace");
  ASSERT_TRUE(source.ok());
  auto index = TraceIndex::open(**source);
  ASSERT_TRUE(index.ok()) << index.error().message;
  const ChunkRecord record = *index->chunk(StreamId::guest({0}), 0);
  auto mixed = good_;
  const auto begin = static_cast<std::ptrdiff_t>(record.offset);
  const auto end = begin + static_cast<std::ptrdiff_t>(kChunkHeaderBytes + record.header.stored_size);
  std::copy(other.begin() + begin, other.begin() + end, mixed.begin() + begin);
  ASSERT_NE(mixed, good_);
  const Status status = read(mixed);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("a page of the index that does not describe the chunks before it"), std::string::npos)
      << status.error().message;
  EXPECT_TRUE(testing::ok(read(mixed, VerifyDepth::kChecksums)));
  const auto script_of_mixed = testing::read_script(folder_ / "bad.trace");
  ASSERT_FALSE(script_of_mixed.ok());
  EXPECT_NE(script_of_mixed.error().message.find("it is not the chunk 0 of guest 0 that the index describes"), std::string::npos)
      << script_of_mixed.error().message;
}

}  // namespace
}  // namespace reprise
