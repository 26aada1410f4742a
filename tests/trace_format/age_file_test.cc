// Files that are encrypted and read back, also after somebody changed them.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "tests/trace_format/age_sample.h"
#include "trace_format/age_payload.h"

namespace reprise {
namespace {

using testing::Bytes;
using testing::decrypted;
using testing::decrypted_unfinished;
using testing::encrypted;
using testing::encrypted_chunks;
using testing::sample_bytes;

constexpr size_t kChunk = kAgeChunkBytes;
constexpr size_t kSealed = kAgeSealedChunkBytes;
/// Header for one recipient, and the payload's nonce.
constexpr size_t kBeginning = 168 + 16;

class AgeFileTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<AgeRecipient> recipients() const { return {recipient_of(identity_)}; }
  [[nodiscard]] std::vector<AgeIdentity> identities() const { return {identity_}; }

  AgeIdentity identity_ = generate_age_identity();
};

void expect_error(const Result<Bytes>& plain, const std::string& expected, ErrorKind kind = ErrorKind::kBadTrace) {
  ASSERT_FALSE(plain.ok()) << "opened; wanted: " << expected;
  EXPECT_EQ(plain.error().kind, kind);
  EXPECT_EQ(plain.error().message.find("run.trace: "), 0U) << plain.error().message;
  EXPECT_NE(plain.error().message.find(expected), std::string::npos) << plain.error().message << "\nwanted: " << expected;
}

Bytes first_bytes(const Bytes& bytes, size_t count) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)};
}

TEST_F(AgeFileTest, ReadsBackEverySize) {
  for (const size_t size : {size_t{0}, size_t{1}, kChunk - 1, kChunk, kChunk + 1, 2 * kChunk, 3 * kChunk + 12'345}) {
    const Bytes plain = sample_bytes(size);
    for (const size_t piece : {size_t{7'001}, kChunk, 2 * kChunk + 1}) {
      const Bytes file = encrypted(plain, recipients(), piece);
      const size_t chunks = std::max<size_t>(1, (size + kChunk - 1) / kChunk);
      ASSERT_EQ(file.size(), kBeginning + size + chunks * kTagBytes);
      for (const auto& read : {decrypted(file, identities()), decrypted_unfinished(file, identities())}) {
        ASSERT_TRUE(read.ok()) << read.error().message;
        ASSERT_TRUE(*read == plain) << size << " bytes in pieces of " << piece;
      }
    }
  }
}

/// Says in which order it was used.
class LoggingSink final : public ByteSink {
 public:
  explicit LoggingSink(std::string* log) : log_(log) {}
  Status write(ByteView /*bytes*/) override { return note("write "); }
  Status sync() override { return note("sync "); }
  Status close() override { return note("close "); }

 private:
  Status note(const char* call) {
    *log_ += call;
    return {};
  }
  std::string* log_;
};

// A trace is synced, then closed: its last chunk must be on the device before it is renamed.
TEST_F(AgeFileTest, CloseSyncsWhatItWritesAfterASync) {
  const std::vector<uint8_t> bytes(10);
  for (const bool synced_last : {true, false}) {
    std::string log;
    const auto sink = encrypt_to(std::make_unique<LoggingSink>(&log), recipients());
    ASSERT_TRUE(sink.ok());
    ASSERT_TRUE((*sink)->write(bytes).ok());
    ASSERT_TRUE((*sink)->sync().ok());
    ASSERT_TRUE(synced_last || (*sink)->write(bytes).ok());
    ASSERT_TRUE((*sink)->close().ok());
    EXPECT_EQ(log, synced_last ? "write sync write sync close " : "write sync write close ");
  }
}

TEST_F(AgeFileTest, AnyRecipientReadsIt) {
  std::vector<AgeRecipient> recipients;
  std::vector<AgeIdentity> identities;
  for (size_t i = 0; i < kMaxAgeStanzas; ++i) {
    identities.push_back(generate_age_identity());
    recipients.push_back(recipient_of(identities.back()));
  }
  const Bytes file = encrypted({1, 2, 3}, recipients);
  for (const size_t i : {size_t{0}, size_t{1}, kMaxAgeStanzas - 1}) {
    const auto plain = decrypted(file, {generate_age_identity(), identities[i]});
    ASSERT_TRUE(plain.ok()) << plain.error().message;
    ASSERT_EQ(*plain, (Bytes{1, 2, 3}));
  }
}

TEST_F(AgeFileTest, NeedsOneToTwentyRecipients) {
  Bytes file;
  for (const size_t count : {size_t{0}, kMaxAgeStanzas + 1}) {
    const auto sink = encrypt_to(std::make_unique<testing::MemorySink>(&file), std::vector<AgeRecipient>(count, recipient_of(identity_)));
    ASSERT_FALSE(sink.ok());
    EXPECT_EQ(sink.error().kind, ErrorKind::kUsage);
    EXPECT_NE(sink.error().message.find("give 1 to 20"), std::string::npos) << sink.error().message;
  }
  EXPECT_TRUE(file.empty());
}

TEST_F(AgeFileTest, NoTwoFilesAreAlike) {
  const Bytes plain = sample_bytes(100);
  const Bytes a = encrypted(plain, recipients());
  const Bytes b = encrypted(plain, recipients());
  EXPECT_FALSE(std::equal(a.end() - 116, a.end(), b.end() - 116));
  EXPECT_EQ(std::search(a.begin(), a.end(), plain.begin(), plain.begin() + 8), a.end());
}

TEST_F(AgeFileTest, WrongOrNoKeyIsAUsageError) {
  const Bytes file = encrypted(sample_bytes(10), recipients());
  const AgeIdentity other = generate_age_identity();
  expect_error(decrypted(file, {}), "encrypted; '--identity FILE' names the key", ErrorKind::kUsage);
  expect_error(decrypted(file, {other}), "for 1 recipient, for none of the 1 identity given: wrong key", ErrorKind::kUsage);
  expect_error(decrypted_unfinished(file, {other, other}), "none of the 2 identities given: wrong key; '--identity FILE'",
               ErrorKind::kUsage);
}

TEST_F(AgeFileTest, IsRecognised) {
  const auto recognised = [](std::string_view text) { return is_age_file(testing::OwnedFile(Bytes(text.begin(), text.end()))); };
  EXPECT_TRUE(is_age_file(testing::OwnedFile(encrypted({}, recipients()))));
  EXPECT_TRUE(recognised("age-encryption.org/v2"));
  EXPECT_TRUE(recognised("-----BEGIN AGE ENCRYPTED FILE-----\n"));
  EXPECT_FALSE(recognised("age-encryption.org"));
  EXPECT_FALSE(recognised("\x89RPR\r\n\x1a\n                                       "));
  EXPECT_FALSE(recognised(""));
  const std::string ascii = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n";
  expect_error(decrypted(Bytes(ascii.begin(), ascii.end()), identities()), "an age file in its ASCII form; 'age --decrypt' it first",
               ErrorKind::kUsage);
}

TEST_F(AgeFileTest, AnyPlaceIsRead) {
  const Bytes plain = sample_bytes(20 * kChunk + 100);  // more chunks than are kept
  const auto source = decrypt(std::make_unique<testing::OwnedFile>(encrypted(plain, recipients())), identities());
  ASSERT_TRUE(source.ok()) << source.error().message;
  EXPECT_EQ((*source)->name(), "run.trace");
  ASSERT_EQ((*source)->size(), plain.size());
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const size_t offset = random() % (plain.size() + 1);
    Bytes read(std::min<size_t>(random() % (3 * kChunk), plain.size() - offset));
    ASSERT_TRUE((*source)->read_at(offset, read).ok());
    ASSERT_TRUE(std::equal(read.begin(), read.end(), plain.begin() + static_cast<std::ptrdiff_t>(offset)))
        << read.size() << " at " << offset;
  }
  Bytes one(1);
  for (const uint64_t offset : {uint64_t{plain.size()}, uint64_t{plain.size() + kChunk}, ~uint64_t{0}}) {
    const Status past = (*source)->read_at(offset, one);
    ASSERT_FALSE(past.ok());
    EXPECT_EQ(past.error().kind, ErrorKind::kBadTrace);
  }
}

/// Counts the reads of another source.
class CountingSource final : public ByteSource {
 public:
  CountingSource(Bytes bytes, int* reads) : source_(std::move(bytes)), reads_(reads) {}
  const std::string& name() const override { return source_.name(); }
  uint64_t size() const override { return source_.size(); }
  Status read_at(uint64_t offset, std::span<uint8_t> bytes) const override {
    ++*reads_;
    return source_.read_at(offset, bytes);
  }

 private:
  testing::OwnedFile source_;
  int* reads_;
};

TEST_F(AgeFileTest, ChunksThatAreInUseAreDecryptedOnce) {
  int reads = 0;
  const auto source = decrypt(std::make_unique<CountingSource>(encrypted(sample_bytes(20 * kChunk), recipients()), &reads), identities());
  ASSERT_TRUE(source.ok()) << source.error().message;
  const int before = reads;
  Bytes one(1);
  for (size_t i = 0; i < 100; ++i) {
    ASSERT_TRUE((*source)->read_at(3 * kChunk + i, one).ok());
    ASSERT_TRUE((*source)->read_at((4 + i % 15) * kChunk + i, one).ok());
  }
  EXPECT_EQ(reads - before, 16);
  ASSERT_TRUE((*source)->read_at(0, one).ok());  // takes the place of chunk 4, the one not used for longest
  ASSERT_TRUE((*source)->read_at(3 * kChunk, one).ok());
  EXPECT_EQ(reads - before, 17);
}

TEST_F(AgeFileTest, SeveralThreadsReadAtOnce) {
  const Bytes plain = sample_bytes(20 * kChunk);
  const auto source = decrypt(std::make_unique<testing::OwnedFile>(encrypted(plain, recipients())), identities());
  ASSERT_TRUE(source.ok()) << source.error().message;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      Bytes read(1'000);
      for (int i = 0; i < 100; ++i) {
        const size_t offset = random() % (plain.size() - read.size());
        const bool good = (*source)->read_at(offset, read).ok() &&
                          std::equal(read.begin(), read.end(), plain.begin() + static_cast<std::ptrdiff_t>(offset));
        wrong += good ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
}

TEST_F(AgeFileTest, EveryFlippedBitIsNoticed) {
  const Bytes plain = sample_bytes(20);
  const Bytes file = encrypted(plain, recipients());
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    Bytes changed = file;
    changed[bit / 8] ^= static_cast<uint8_t>(1U << (bit % 8));
    ASSERT_FALSE(decrypted(changed, identities()).ok()) << "bit " << bit % 8 << " of byte " << bit / 8;
    if (bit / 8 >= kBeginning - sizeof(PayloadNonce)) {
      // Here the payload's end may go, but nothing else may come. (Headers are read as above.)
      const auto prefix = decrypted_unfinished(changed, identities());
      ASSERT_TRUE(!prefix.ok() || prefix->empty()) << "bit " << bit % 8 << " of byte " << bit / 8;
    }
  }
}

TEST_F(AgeFileTest, AnAlteredChunkIsNamedAndTheOthersAreRead) {
  const Bytes plain = sample_bytes(3 * kChunk + 100);
  for (const size_t at : {kBeginning + kSealed, kBeginning + kSealed + 40'000, kBeginning + 2 * kSealed - 1}) {
    Bytes changed = encrypted(plain, recipients());
    changed[at] ^= 0x10;
    expect_error(decrypted(changed, identities()), "encrypted chunk 1 at byte 65736: altered: its authentication tag does not match");
    const auto source = decrypt(std::make_unique<testing::OwnedFile>(changed), identities());
    ASSERT_TRUE(source.ok()) << source.error().message;
    Bytes read(kChunk);
    EXPECT_FALSE((*source)->read_at(kChunk, read).ok());
    EXPECT_FALSE((*source)->read_at(kChunk, read).ok()) << "on the second try";
    ASSERT_TRUE((*source)->read_at(2 * kChunk, read).ok());
    EXPECT_TRUE(std::equal(read.begin(), read.end(), plain.begin() + 2 * kChunk));
  }
  Bytes changed = encrypted(plain, recipients());
  changed.back() ^= 1;
  expect_error(decrypted(changed, identities()), "encrypted chunk 3 at byte 196840, the last: altered or cut off");
}

TEST_F(AgeFileTest, EveryTruncationIsRefusedAndAPrefixRecovered) {
  const Bytes plain = sample_bytes(2 * kChunk + 30);
  const Bytes file = encrypted(plain, recipients());
  std::vector<size_t> sizes;
  for (size_t i = 0; i < kBeginning + 40; ++i) {
    sizes.push_back(i);
  }
  for (size_t i = 0; i < 50; ++i) {
    sizes.insert(sizes.end(), {kBeginning + kSealed - 25 + i, kBeginning + 2 * kSealed - 4 + i});
  }
  for (const size_t size : sizes) {
    ASSERT_LT(size, file.size());
    const Bytes cut = first_bytes(file, size);
    ASSERT_FALSE(decrypted(cut, identities()).ok()) << size;
    const auto prefix = decrypted_unfinished(cut, identities());
    if (size < kBeginning) {
      ASSERT_FALSE(prefix.ok()) << size;
      ASSERT_EQ(prefix.error().kind, ErrorKind::kBadTrace);
    } else {
      ASSERT_TRUE(prefix.ok()) << size << ": " << prefix.error().message;
      ASSERT_TRUE(*prefix == first_bytes(plain, (size - kBeginning) / kSealed * kChunk)) << size;
    }
  }
  expect_error(decrypted(first_bytes(file, kBeginning + kSealed), identities()),
               "the last encrypted chunk is missing after 1 others, at byte 65736: the file was cut off, or its writer killed");
  expect_error(decrypted(first_bytes(file, kBeginning), identities()), "missing after 0 others");
}

TEST_F(AgeFileTest, OfAKilledWriterTheWholeChunksAreRecovered) {
  for (const size_t size : {size_t{0}, size_t{10}, kChunk, kChunk + 1, 2 * kChunk + 1}) {
    const Bytes plain = sample_bytes(size);
    const Bytes file = encrypted(plain, recipients(), 10'000, false);
    EXPECT_FALSE(decrypted(file, identities()).ok()) << size;
    const auto prefix = decrypted_unfinished(file, identities());
    ASSERT_TRUE(prefix.ok()) << prefix.error().message;
    EXPECT_TRUE(*prefix == first_bytes(plain, size == 0 ? 0 : (size - 1) / kChunk * kChunk)) << size;
  }
}

TEST_F(AgeFileTest, ChunksCannotBeMovedOrMarkedOtherwise) {
  const Bytes full = sample_bytes(kChunk);
  const Bytes few = sample_bytes(5);
  const AgeRecipient recipient = recipient_of(identity_);
  ASSERT_TRUE(decrypted(encrypted_chunks({{full, false}, {few, true}}, recipient), identities()).ok());
  ASSERT_TRUE(decrypted(encrypted_chunks({{full, true}}, recipient), identities()).ok());
  ASSERT_TRUE(decrypted(encrypted_chunks({{{}, true}}, recipient), identities()).ok());

  expect_error(decrypted(encrypted_chunks({{full, true}, {few, true}}, recipient), identities()), "encrypted chunk 0 at byte 184: altered");
  expect_error(decrypted(encrypted_chunks({{full, false}, {few, false}}, recipient), identities()),
               "chunk 1 at byte 65736, the last: altered");
  expect_error(decrypted(encrypted_chunks({{few, false}}, recipient), identities()), "chunk 0 at byte 184, the last: altered");
  expect_error(decrypted(encrypted_chunks({{{}, false}}, recipient), identities()), "chunk 0 at byte 184, the last: altered");
  expect_error(decrypted(encrypted_chunks({{full, false}, {{}, true}}, recipient), identities()),
               "chunk 1 at byte 65736, the last: altered");
  expect_error(decrypted(encrypted_chunks({{few, false}, {few, true}}, recipient), identities()), "the last: altered");
  expect_error(decrypted(encrypted_chunks({{few, true}, {few, true}}, recipient), identities()), "the last: altered");

  Bytes swapped = encrypted_chunks({{full, false}, {full, false}, {few, true}}, recipient);
  const auto first = swapped.begin() + kBeginning;
  std::swap_ranges(first, first + kSealed, first + kSealed);
  expect_error(decrypted(swapped, identities()), "encrypted chunk 0 at byte 184: altered");
  Bytes longer = encrypted_chunks({{few, true}}, recipient);
  longer.push_back(0);
  expect_error(decrypted(longer, identities()), "chunk 0 at byte 184, the last: altered");
}

TEST_F(AgeFileTest, AnUnfinishedFileHidesNoAlteredChunk) {
  const Bytes full = sample_bytes(kChunk);
  const AgeRecipient recipient = recipient_of(identity_);
  Bytes file = encrypted_chunks({{full, false}, {full, false}}, recipient);
  file.back() ^= 1;
  expect_error(decrypted_unfinished(file, identities()), "encrypted chunk 1 at byte 65736: altered");
  expect_error(decrypted_unfinished(encrypted_chunks({{full, true}, {full, false}}, recipient), identities()),
               "chunk 0 at byte 184: altered");
  const auto prefix = decrypted_unfinished(encrypted_chunks({{full, false}, {{}, true}}, recipient), identities());
  ASSERT_TRUE(prefix.ok()) << prefix.error().message;
  EXPECT_TRUE(*prefix == full);
}

/// Fails once, after `good_calls` calls: also a disk that has room again must not make a file with a gap look whole.
class FailingSink final : public ByteSink {
 public:
  FailingSink(Bytes* bytes, int good_calls) : sink_(bytes), good_calls_(good_calls) {}
  Status write(ByteView bytes) override { return fails() ? error() : sink_.write(bytes); }
  Status sync() override { return fails() ? error() : Status{}; }
  Status close() override { return fails() ? error() : Status{}; }

 private:
  [[nodiscard]] bool fails() { return good_calls_-- == 0; }
  static Status error() { return Error{ErrorKind::kRunFailed, "disk: No space left on device"}; }
  testing::MemorySink sink_;
  int good_calls_;
};

TEST_F(AgeFileTest, AFailedWriteStaysAndNoLastChunkHidesIt) {
  const Bytes plain = sample_bytes(3 * kChunk + 1);
  int good_calls = 0;
  for (bool failed = true; failed; ++good_calls) {  // header, three chunks, sync, the last chunk, sync, close
    ASSERT_LE(good_calls, 8);
    Bytes file;
    auto sink = encrypt_to(std::make_unique<FailingSink>(&file, good_calls), recipients());
    ASSERT_EQ(sink.ok(), good_calls > 0);
    if (!sink.ok()) {
      continue;
    }
    const Status written = (*sink)->write(plain);
    EXPECT_EQ(written.ok(), good_calls >= 4);
    EXPECT_EQ((*sink)->sync().ok(), good_calls >= 5);
    const Status closed = (*sink)->close();
    failed = !closed.ok();
    if (failed) {
      EXPECT_EQ(closed.error().message, "disk: No space left on device");
    }
    EXPECT_EQ(decrypted(file, identities()).ok(), good_calls >= 6) << good_calls;
  }
  EXPECT_EQ(good_calls, 9);
}

}  // namespace
}  // namespace reprise
