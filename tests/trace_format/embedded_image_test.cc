// Images that a trace carries: from the run's folder into the trace, out of it again, and through everything that makes one trace of
// another.
#include "trace_format/embedded_image.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/trace_format/sample_run.h"
#include "trace_format/recover_trace.h"
#include "trace_format/rewrite.h"
#include "trace_format/trim.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using testing::ok;

class EmbeddedImage : public ::testing::Test {
 protected:
  EmbeddedImage() : script_(testing::small_script()), directory_(folder_.folder("run.trace.partial")) {
    large_ = add_image("large.iso", (9u << 20) + 5, 'a');  // three parts
    small_ = add_image("small.iso", 3, 'b');
    images_.push_back(images_.front());  // two guests may have the same one
    script_.run.guests[0].images = script_.run.guests[1].images = images_;
  }

  std::vector<uint8_t> add_image(const std::string& name, size_t bytes, char digit) {
    std::mt19937_64 random(bytes);
    std::vector<uint8_t> content(bytes);
    for (size_t i = 0; i < bytes; i += 4096) {
      content[i] = static_cast<uint8_t>(random());
    }
    testing::write_bytes(folder_ / name, content);
    images_.push_back({.role = "seed", .path = (folder_ / name).string(), .sha256 = std::string(64, digit), .size_bytes = bytes});
    return content;
  }
  void write_run(const std::vector<AgeRecipient>& recipients = {}) {
    write_streams(script_, directory_, {.recipients = recipients});
    ASSERT_TRUE(ok(save_run_info(directory_, script_.run, recipients)));
    ASSERT_TRUE(ok(embed_images(directory_, images_, recipients)));
  }
  /// The image as it is in the trace; empty when it is not there.
  std::vector<uint8_t> image_in(const fs::path& path, char digit, const std::vector<AgeIdentity>& identities = {}) {
    const auto trace = TraceReader::open(path, identities);
    EXPECT_TRUE(trace.ok()) << trace.error().message;
    const fs::path out = folder_ / ("out-" + std::to_string(extracted_++));
    const Result<bool> found = extract_image(**trace, std::string(64, digit), out);
    EXPECT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(fs::exists(out), found.ok() && *found);
    return found.ok() && *found ? testing::file_bytes(out) : std::vector<uint8_t>();
  }
  void expect_images(const fs::path& path, const std::vector<AgeIdentity>& identities = {}) {
    SCOPED_TRACE(path);
    EXPECT_TRUE(verify_trace(path, identities).ok());
    EXPECT_EQ(image_in(path, 'a', identities), large_);
    EXPECT_EQ(image_in(path, 'b', identities), small_);
    EXPECT_TRUE(image_in(path, 'c', identities).empty());
  }

  testing::TemporaryFolder folder_;
  testing::Script script_;
  const fs::path directory_;
  const fs::path output_ = folder_ / "run.trace";
  std::vector<ImageInfo> images_;
  std::vector<uint8_t> large_;
  std::vector<uint8_t> small_;
  int extracted_ = 0;
};

TEST_F(EmbeddedImage, GoesWhereTheTraceGoes) {
  write_run();
  ASSERT_TRUE(ok(recover_run(directory_, folder_ / "recovered.trace")));
  expect_images(folder_ / "recovered.trace");
  ASSERT_TRUE(ok(join_streams(directory_, script_.run, output_)));
  EXPECT_FALSE(fs::exists(directory_)) << "nothing of the run may be left in its folder";
  expect_images(output_);
  EXPECT_LT(fs::file_size(output_), 50'000U) << "of 9 MiB of zeros, once";
  {
    const auto trace = TraceReader::open(output_);
    TrimOptions part;
    part.to = {20};
    ASSERT_TRUE(ok(trim_trace(**trace, folder_ / "part.trace", part)));
    ASSERT_TRUE(ok(rewrite_trace(**trace, folder_ / "again.trace", [](GuestIndex, GuestEvent&, std::span<uint8_t>) {})));
  }
  expect_images(folder_ / "part.trace");
  expect_images(folder_ / "again.trace");
  auto bytes = testing::file_bytes(output_);
  bytes.resize(bytes.size() - 10);  // the trailer
  testing::write_bytes(output_, bytes);
  ASSERT_TRUE(recover_trace(output_, folder_ / "rest.trace").ok());
  expect_images(folder_ / "rest.trace");
}

TEST_F(EmbeddedImage, IsEncryptedWithTheTrace) {
  testing::write_bytes(folder_ / "small.iso", small_ = {'s', 'e', 'c', 'r', 'e', 't', '!', '!'});
  for (GuestInfo& guest : script_.run.guests) {
    guest.images[1].size_bytes = small_.size();
  }
  const std::vector<AgeIdentity> identities = {generate_age_identity()};
  const std::vector<AgeRecipient> recipients = {recipient_of(identities.front())};
  write_run(recipients);
  const auto kept = testing::file_bytes(directory_ / "kept.chunks");
  EXPECT_EQ(std::search(kept.begin(), kept.end(), small_.begin(), small_.end()), kept.end());
  ASSERT_TRUE(ok(join_streams(directory_, script_.run, output_, {identities, recipients})));
  const auto bytes = testing::file_bytes(output_);
  EXPECT_EQ(std::search(bytes.begin(), bytes.end(), small_.begin(), small_.end()), bytes.end());
  expect_images(output_, identities);
}

// What a killed or damaged run's file of images still holds is kept, up to the damage.
TEST_F(EmbeddedImage, IsRecoveredUpToTheDamage) {
  write_run();
  auto kept = testing::file_bytes(directory_ / "kept.chunks");
  kept.resize(kept.size() - 1);  // the small one is the last
  testing::write_bytes(directory_ / "kept.chunks", kept);
  EXPECT_EQ(join_streams(directory_, script_.run, output_).error().kind, ErrorKind::kBadTrace);
  ASSERT_TRUE(ok(recover_run(directory_, output_)));
  EXPECT_EQ(image_in(output_, 'a'), large_);
  EXPECT_TRUE(image_in(output_, 'b').empty());
}

// An image of whose parts one is missing, twice there or not readable is not there; the others are.
TEST_F(EmbeddedImage, ThatIsNotWholeIsNotThere) {
  write_run();
  const auto kept = testing::file_bytes(directory_ / "kept.chunks");
  std::vector<size_t> begins = {32};  // of the three parts of the large one, and of the small one
  while (begins.back() < kept.size()) {
    const size_t at = begins.back();
    begins.push_back(at + 128 + (kept[at + 116] | kept[at + 117] << 8 | kept[at + 118] << 16));
  }
  ASSERT_EQ(begins.size(), 5U);
  const auto at = [&](size_t part) { return kept.begin() + static_cast<std::ptrdiff_t>(begins[part]); };
  const auto try_with = [&](const std::vector<size_t>& parts) {
    std::vector<uint8_t> bytes(kept.begin(), at(0));
    for (const size_t part : parts) {
      bytes.insert(bytes.end(), at(part), at(part + 1));
    }
    testing::write_bytes(directory_ / "kept.chunks", bytes);
    fs::remove(output_);
    ASSERT_TRUE(ok(recover_run(directory_, output_)));
    EXPECT_TRUE(verify_trace(output_).ok());
    EXPECT_EQ(image_in(output_, 'b'), small_);
  };
  ASSERT_NO_FATAL_FAILURE(try_with({0, 1, 2, 3}));
  EXPECT_EQ(image_in(output_, 'a'), large_);
  for (const std::vector<size_t>& parts : std::vector<std::vector<size_t>>{{0, 2, 3}, {1, 2, 3}, {0, 1, 3}, {0, 1, 2, 3, 0}, {3}}) {
    ASSERT_NO_FATAL_FAILURE(try_with(parts));
    EXPECT_TRUE(image_in(output_, 'a').empty());
  }
}

TEST_F(EmbeddedImage, ThatIsTooLargeIsRefused) {
  fs::resize_file(images_.front().path, kMaxEmbeddedImageBytes + 1);
  const Status refused = embed_images(directory_, images_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRunFailed);
  EXPECT_NE(refused.error().message.find("large.iso: 134217729 bytes"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace reprise
