// The programs 'age' and 'age-keygen' read what we write, and the other way round.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/trace_format/age_sample.h"
#include "tests/trace_format/sample_run.h"
#include "trace_format/age_payload.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using testing::Bytes;

std::string quoted(const fs::path& path) {
  return "'" + path.string() + "'";
}

/// What `command` prints; fails the test when it fails.
std::string output_of(const std::string& command) {
  FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    output += static_cast<char>(c);
  }
  EXPECT_EQ(pclose(pipe), 0) << command << ": " << output << "(the Debian package 'age' has the program)";
  return output;
}

class AgeInteropTest : public ::testing::Test {
 protected:
  AgeInteropTest() : key_file_(folder_ / "key.txt") {
    output_of("age-keygen -o " + quoted(key_file_));
    auto identities = load_age_identities(key_file_);
    EXPECT_TRUE(identities.ok()) << identities.error().message;
    identities_ = std::move(*identities);
  }

  [[nodiscard]] AgeRecipient recipient() const { return recipient_of(identities_.at(0)); }

  testing::TemporaryFolder folder_;
  fs::path key_file_;
  std::vector<AgeIdentity> identities_;
};

constexpr std::array<size_t, 6> kSizes = {0, 1, kAgeChunkBytes - 1, kAgeChunkBytes, kAgeChunkBytes + 1, 5 * kAgeChunkBytes + 777};

TEST_F(AgeInteropTest, KeysAreTheSame) {
  EXPECT_EQ(output_of("age-keygen -y " + quoted(key_file_)), text(recipient()) + "\n");
  const AgeIdentity ours = generate_age_identity();
  ASSERT_TRUE(testing::ok(save_age_identity(folder_ / "ours.txt", ours)));
  EXPECT_EQ(output_of("age-keygen -y " + quoted(folder_ / "ours.txt")), text(recipient_of(ours)) + "\n");
}

TEST_F(AgeInteropTest, AgeReadsOurFiles) {
  for (const size_t size : kSizes) {
    const Bytes plain = testing::sample_bytes(size);
    testing::write_bytes(folder_ / "ours.age", testing::encrypted(plain, {recipient_of(generate_age_identity()), recipient()}));
    output_of("age --decrypt -i " + quoted(key_file_) + " " + quoted(folder_ / "ours.age") + " > " + quoted(folder_ / "plain"));
    ASSERT_TRUE(testing::file_bytes(folder_ / "plain") == plain) << size;
  }
}

TEST_F(AgeInteropTest, WeReadItsFiles) {
  const std::string other = text(recipient_of(generate_age_identity()));
  for (const size_t size : kSizes) {
    const Bytes plain = testing::sample_bytes(size);
    testing::write_bytes(folder_ / "plain", plain);
    output_of("age -r " + other + " -r " + text(recipient()) + " -o " + quoted(folder_ / "theirs.age") + " " + quoted(folder_ / "plain"));
    const auto read = testing::decrypted(testing::file_bytes(folder_ / "theirs.age"), identities_);
    ASSERT_TRUE(read.ok()) << read.error().message;
    ASSERT_TRUE(*read == plain) << size;
  }
}

TEST_F(AgeInteropTest, ItsAsciiFormIsRefusedWithTheReason) {
  testing::write_bytes(folder_ / "plain", {1, 2, 3});
  output_of("age -a -r " + text(recipient()) + " -o " + quoted(folder_ / "theirs.age") + " " + quoted(folder_ / "plain"));
  const auto read = testing::decrypted(testing::file_bytes(folder_ / "theirs.age"), identities_);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().message.find("in its ASCII form"), std::string::npos) << read.error().message;
}

}  // namespace
}  // namespace reprise
