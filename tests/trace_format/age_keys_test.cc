// Recipients and identities as text, and the files that hold them.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/trace_format/sample_run.h"
#include "trace_format/age_encoding.h"
#include "trace_format/age_keys.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

// The example of age's specification: 32 times the byte 0x42.
constexpr std::string_view kIdentity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
constexpr std::string_view kRecipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

fs::path write_text(const testing::TemporaryFolder& folder, std::string_view text) {
  fs::path path = folder / "key.txt";
  std::ofstream(path, std::ios::trunc) << text;
  return path;
}

std::string load_error(const fs::path& path) {
  const auto identities = load_age_identities(path);
  if (identities.ok()) {
    return "no error";
  }
  EXPECT_EQ(identities.error().kind, ErrorKind::kUsage);
  return identities.error().message;
}

std::string recipient_error(std::string_view text) {
  const auto recipient = parse_age_recipient(text);
  if (recipient.ok()) {
    return "no error";
  }
  EXPECT_EQ(recipient.error().kind, ErrorKind::kUsage);
  return recipient.error().message;
}

TEST(AgeKeys, AreThoseOfTheSpecification) {
  const testing::TemporaryFolder folder;
  const auto identities = load_age_identities(write_text(folder, kIdentity));
  ASSERT_TRUE(identities.ok()) << identities.error().message;
  ASSERT_EQ(identities->size(), 1U);
  for (const uint8_t byte : identities->front().secret().bytes()) {
    ASSERT_EQ(byte, 0x42);
  }
  EXPECT_EQ(text(recipient_of(identities->front())), kRecipient);
  const auto recipient = parse_age_recipient(kRecipient);
  ASSERT_TRUE(recipient.ok()) << recipient.error().message;
  EXPECT_EQ(*recipient, recipient_of(identities->front()));
}

TEST(AgeKeys, GeneratedOnesDifferAndSurviveAFile) {
  const testing::TemporaryFolder folder;
  const AgeIdentity identity = generate_age_identity();
  EXPECT_NE(text(recipient_of(identity)), text(recipient_of(generate_age_identity())));
  const fs::path path = folder / "key.txt";
  ASSERT_TRUE(testing::ok(save_age_identity(path, identity)));
  struct stat st = {};
  ASSERT_EQ(stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  const auto loaded = load_age_identities(path);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_EQ(loaded->size(), 1U);
  EXPECT_EQ(recipient_of(loaded->front()), recipient_of(identity));
  const Status again = save_age_identity(path, identity);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().kind, ErrorKind::kRunFailed);
}

TEST(AgeKeys, AFileMayHoldSeveralBetweenCommentsAndEmptyLines) {
  const testing::TemporaryFolder folder;
  const std::string contents = "# created by hand\r\n\r\n" + std::string(kIdentity) + "\r\n\n#x\n" + std::string(kIdentity);
  const auto identities = load_age_identities(write_text(folder, contents));
  ASSERT_TRUE(identities.ok()) << identities.error().message;
  EXPECT_EQ(identities->size(), 2U);
}

TEST(AgeKeys, EveryChangedCharacterIsNoticed) {
  for (size_t i = 0; i < kRecipient.size(); ++i) {
    for (const char c : {'q', 'p', 'b', '1', 'Q', ' ', '\0', '\xff'}) {
      std::string changed(kRecipient);
      changed[i] = c;
      if (changed != kRecipient) {
        ASSERT_NE(recipient_error(changed), "no error") << i;
      }
    }
  }
}

TEST(AgeKeys, ErrorsNameLineAndReasonAndKeepTheSecret) {
  const testing::TemporaryFolder folder;
  const std::string secret(kIdentity);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"#\n" + secret.substr(0, 73), "line 2: not an age identity: it has 73 characters instead of 74"},
      {secret + "Q", "it has 75 characters"},
      {secret.substr(0, 30) + "P" + secret.substr(31), "line 1: not an age identity: its checksum does not match: it is mistyped"},
      {secret.substr(0, 30) + "p" + secret.substr(31), "character 31 cannot be in it"},
      {secret.substr(0, 30) + "B" + secret.substr(31), "character 31 cannot be in it"},
      {" " + secret, "it does not begin with 'AGE-SECRET-KEY-1'"},
      {secret + "\n\n" + std::string(kRecipient), "line 3: a recipient, the public half"},
      {"AGE-PLUGIN-YUBIKEY-1QQ", "a plugin's identity"},
      {"AGE-SECRET-KEY-PQ-1XX76JRALNLX", "a post-quantum identity"},
      {"-----BEGIN OPENSSH PRIVATE KEY-----\n", "an SSH or other key"},
      {"age-encryption.org/v1\n", "decrypt the identity file"},
      {"# nothing\n\n", "no identity in it; 'age-keygen -o FILE' makes one"},
      {"", "no identity in it"},
      {std::string((1u << 20) + 1, '#'), "not an identity file"},
  };
  for (const auto& [contents, expected] : cases) {
    const fs::path path = write_text(folder, contents);
    const std::string message = load_error(path);
    EXPECT_NE(message.find(path.string() + ": "), std::string::npos) << message;
    EXPECT_NE(message.find(expected), std::string::npos) << message << "\nwanted: " << expected;
    EXPECT_EQ(message.find("GFPYYSJZ"), std::string::npos) << message;
  }
  EXPECT_NE(load_error(folder / "missing").find("missing: cannot open"), std::string::npos);
}

TEST(AgeKeys, ARecipientThatCannotBeUsedIsRefusedWithTheReason) {
  const std::string good(kRecipient);
  EXPECT_NE(recipient_error("").find("it does not begin with 'age1'"), std::string::npos);
  EXPECT_NE(recipient_error("bob").find("recipient 'bob': it does not begin with 'age1'"), std::string::npos);
  EXPECT_NE(recipient_error(good.substr(0, 61)).find("it has 61 characters instead of 62"), std::string::npos);
  EXPECT_NE(recipient_error("ssh-ed25519 AAAA").find("of another kind than X25519"), std::string::npos);
  EXPECT_NE(recipient_error("age1pq1" + good.substr(4)).find("of another kind than X25519"), std::string::npos);
  for (const std::string& secret : {std::string(kIdentity), "  " + std::string(kIdentity), std::string("age-secret-key-1gfpyysjz")}) {
    const std::string message = recipient_error(secret);
    EXPECT_NE(message.find("this is a secret key"), std::string::npos) << message;
    EXPECT_EQ(message.find("FPYYSJZ"), std::string::npos) << message;
    EXPECT_EQ(message.find("fpyysjz"), std::string::npos) << message;
  }
}

TEST(AgeKeys, APointOfLowOrderIsNobodysKey) {
  std::array<uint8_t, 32> point = {};
  for (const uint8_t first : {uint8_t{0}, uint8_t{1}}) {
    point[0] = first;
    EXPECT_NE(recipient_error(bech32_text("age", point)).find("nobody's key"), std::string::npos) << int{first};
  }
}

TEST(AgeKeys, FillingBitsMustBeZero) {
  constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  std::array<uint8_t, 32> key = {};
  std::string changed = bech32_text("age", key);
  const auto flip = [&](size_t at, size_t bits) { changed[at] = kAlphabet[kAlphabet.find(changed[at]) ^ bits]; };
  flip(4 + 51, 1);
  // The checksum is linear: the bit before it changes it by its generator, here in groups of 5 bits.
  constexpr std::array<size_t, 6> kDifference = {29, 22, 20, 21, 29, 18};
  for (size_t i = 0; i < kDifference.size(); ++i) {
    flip(4 + 52 + i, kDifference[i]);
  }
  const Status status = bech32_key(changed, "age", key);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "its last bits are not zero");
}

TEST(AgeEncoding, Base64IsThatOfRfc4648WithoutPadding) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "+/8"}};
  for (const auto& [plain, coded] : cases) {
    const std::vector<uint8_t> bytes(plain.begin(), plain.end());
    EXPECT_EQ(base64_text(bytes), coded);
    EXPECT_EQ(base64_bytes(coded), bytes);
  }
  for (const std::string_view bad : {"Z", "Zg=", "Zg==", "Zh", "Zm9", "Zm9vY", "Zm 9", "Zm9v\n", "Zm-_"}) {
    EXPECT_FALSE(base64_bytes(bad)) << bad;
  }
}

}  // namespace
}  // namespace reprise
