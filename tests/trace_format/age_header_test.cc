// Headers that nobody's program writes.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/trace_format/age_sample.h"
#include "trace_format/age_encoding.h"
#include "trace_format/age_wrap.h"

namespace reprise {
namespace {

using testing::Bytes;

class AgeHeaderTest : public ::testing::Test {
 protected:
  AgeHeaderTest() { fill_random(file_key_.bytes()); }

  [[nodiscard]] AgeStanza stanza() const { return wrap_file_key(file_key_, recipient_of(identity_)); }
  [[nodiscard]] std::string header(const std::vector<AgeStanza>& stanzas) const { return encode_age_header(stanzas, file_key_); }
  [[nodiscard]] std::string good_header() const { return header({stanza()}); }
  /// `text` up to its MAC line, with a MAC that fits.
  [[nodiscard]] std::string with_mac(const std::string& text) const {
    const std::string authenticated = text + "---";
    return authenticated + " " + base64_text(hmac_sha256(hkdf_sha256(file_key_.bytes(), {}, "header"), authenticated)) + "\n";
  }
  [[nodiscard]] Result<Bytes> open(const std::string& text) const {
    return testing::decrypted(testing::with_empty_payload(text, file_key_), {identity_});
  }
  void expect_opens(const std::string& text) const {
    const auto plain = open(text);
    EXPECT_TRUE(plain.ok()) << plain.error().message << "\n" << text;
  }
  void expect_error(const std::string& text, const std::string& expected, ErrorKind kind = ErrorKind::kBadTrace) const {
    const auto plain = open(text);
    ASSERT_FALSE(plain.ok()) << expected << "\n" << text;
    EXPECT_EQ(plain.error().kind, kind) << plain.error().message;
    EXPECT_NE(plain.error().message.find(expected), std::string::npos) << plain.error().message << "\nwanted: " << expected;
  }

  AgeIdentity identity_ = generate_age_identity();
  FileKey file_key_;
};

TEST_F(AgeHeaderTest, IsThreePartsOfText) {
  const std::string text = good_header();
  expect_opens(text);
  EXPECT_EQ(text.find("age-encryption.org/v1\n-> X25519 "), 0U);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_EQ(text.size(), 22U + 10 + 43 + 1 + 43 + 1 + 48);
}

TEST_F(AgeHeaderTest, UnknownStanzasAreSkipped) {
  for (const size_t size : {0, 1, 47, 48, 49, 96, 1000}) {
    const AgeStanza unknown{{"example.com/grease", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "x"}, testing::sample_bytes(size)};
    expect_opens(header({unknown, stanza(), unknown}));
  }
}

TEST_F(AgeHeaderTest, HasALimitedNumberOfStanzas) {
  std::vector<AgeStanza> stanzas(kMaxAgeStanzas - 1, AgeStanza{{"x"}, {}});
  stanzas.push_back(stanza());
  expect_opens(header(stanzas));
  std::string text = "age-encryption.org/v1\n";
  for (size_t i = 0; i <= kMaxAgeStanzas; ++i) {
    text += "-> x\n\n";
  }
  expect_error(with_mac(text), "line 42: more than 20 recipients");
}

TEST_F(AgeHeaderTest, HasALimitedLength) {
  const std::string start = "age-encryption.org/v1\n-> x\n";
  std::string body;
  while (body.size() < kMaxAgeHeaderBytes) {
    body += std::string(64, 'A') + "\n";
  }
  expect_error(with_mac(start + body + "\n"), "the header is longer than 65536 bytes");
  expect_error("age-encryption.org/v1\n-> " + std::string(kMaxAgeHeaderBytes, 'x'), "line 2: the header is longer than 65536 bytes");
}

TEST_F(AgeHeaderTest, MustBeOfVersion1) {
  const std::string rest = good_header().substr(21);
  expect_opens("age-encryption.org/v1" + rest);
  for (const std::string version :
       {"age-encryption.org/v2", "age-encryption.org/v1\r", "age-encryption.org/v1 ", "age-encryption.org/v11", ""}) {
    expect_error(version + rest, "line 1: not the age format that this program reads");
  }
}

TEST_F(AgeHeaderTest, MalformedStanzasAreRefused) {
  const std::string start = "age-encryption.org/v1\n";
  const std::string good = good_header().substr(22, 98);
  expect_opens(with_mac(start + good));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "line 2: no recipient"},
      {"\n" + good, "line 2: neither a recipient nor the end"},
      {"--> x\n\n" + good, "line 2: neither a recipient"},
      {"->x\n\n" + good, "line 2: neither a recipient"},
      {"-> \n\n" + good, "line 2: a malformed recipient"},
      {"->\n\n" + good, "line 2: neither a recipient"},
      {"-> x  y\n\n" + good, "line 2: a malformed recipient"},
      {"-> x \n\n" + good, "line 2: a malformed recipient"},
      {"-> \xc3\xa9\n\n" + good, "line 2: a malformed recipient"},
      {"-> \x7f\n\n" + good, "line 2: a malformed recipient"},
      {"-> x\ty\n\n" + good, "line 2: a malformed recipient"},
      {"-> x\r\n\n" + good, "line 2: a malformed recipient"},
      {"-> x\nAA==\n" + good, "line 3: not base64 as age writes it"},
      {"-> x\nAB\n" + good, "line 3: not base64"},
      {"-> x\nA\n" + good, "line 3: not base64"},
      {"-> x\nAA\r\n" + good, "line 3: not base64"},
      {"-> x\n" + std::string(65, 'A') + "\n" + good, "line 3: not base64"},
      {"-> x\n" + std::string(128, 'A') + "\n\n" + good, "line 3: not base64"},
      {"-> x\n" + good, "line 3: not base64"},                                   // no body line
      {"-> x\n" + std::string(64, 'A') + "\n" + good, "line 4: not base64"},     // no short last line
      {"-> x\nAAAA\nAAAA\n" + good, "line 4: neither a recipient nor the end"},  // two short lines
      {good + "trailing\n", "line 4: neither a recipient nor the end"},
  };
  for (const auto& [text, expected] : cases) {
    expect_error(with_mac(start + text), expected);
  }
}

TEST_F(AgeHeaderTest, MacMustBeThereAndFit) {
  const std::string text = good_header();
  const size_t end = text.size() - 48;
  const std::string before = text.substr(0, end);
  const std::string mac = text.substr(end + 4, 43);
  std::string other_mac = mac;
  other_mac[0] = mac[0] == 'A' ? 'B' : 'A';
  expect_error(before + "--- " + other_mac + "\n", "the encryption header was altered: its MAC does not match");
  for (const std::string& line : {"---" + mac, "---  " + mac, "--- " + mac + " ", "--- " + mac + "=", "--- " + mac.substr(0, 42),
                                  std::string("---"), std::string("--- "), "--- " + mac + "\r", "--- " + mac + "AAAA"}) {
    expect_error(before + line + "\n", "line 4: not a MAC");
  }
  const auto cut = testing::decrypted(Bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end)), {identity_});
  ASSERT_FALSE(cut.ok());
  EXPECT_NE(cut.error().message.find("line 4: the file ends before its header does"), std::string::npos) << cut.error().message;
}

TEST_F(AgeHeaderTest, X25519StanzasMustBeAsTheSpecificationSays) {
  const AgeStanza good = stanza();
  const auto changed = [&](auto change) {
    AgeStanza copy = good;
    change(copy);
    return header({copy, good});
  };
  const std::string malformed = "a malformed X25519 recipient";
  expect_error(changed([](AgeStanza& s) { s.arguments.emplace_back("x"); }), malformed);
  expect_error(changed([](AgeStanza& s) { s.arguments.pop_back(); }), malformed);
  expect_error(changed([](AgeStanza& s) { s.arguments[1].pop_back(); }), malformed);
  expect_error(changed([](AgeStanza& s) { s.arguments[1] = base64_text(testing::sample_bytes(31)); }), malformed);
  expect_error(changed([](AgeStanza& s) { s.arguments[1] = base64_text(testing::sample_bytes(33)); }), malformed);
  expect_error(changed([](AgeStanza& s) { s.arguments[1].back() = static_cast<char>(s.arguments[1].back() + 1); }), malformed);
  expect_error(changed([](AgeStanza& s) { s.body.pop_back(); }), malformed);
  expect_error(changed([](AgeStanza& s) { s.body.push_back(0); }), malformed);
  expect_opens(changed([](AgeStanza& s) { s.arguments[0] = "x25519"; }));                         // another kind
  expect_opens(changed([](AgeStanza& s) { s.body[0] = static_cast<uint8_t>(s.body[0] ^ 1U); }));  // for somebody else
}

TEST_F(AgeHeaderTest, AShareOfLowOrderIsRefused) {
  for (const uint8_t first : {uint8_t{0}, uint8_t{1}}) {
    PublicPoint share = {};
    share[0] = first;
    const AgeStanza low{{"X25519", base64_text(share)}, Bytes(kFileKeyBytes + kTagBytes)};
    expect_error(header({low, stanza()}), "gives the same key with every identity");
  }
}

TEST_F(AgeHeaderTest, OtherKindsOfKeysAreNamed) {
  const AgeStanza passphrase{{"scrypt", "ajMFur+EJLGaohv/dLRGnw", "18"}, Bytes(32)};
  expect_error(header({passphrase}), "encrypted for a key of another kind (scrypt)", ErrorKind::kUsage);
  expect_error(header({passphrase, stanza()}), "a passphrase is not alone in it");
  expect_error(header({{{"ssh-ed25519", "x"}, Bytes(32)}}), "another kind (ssh-ed25519)", ErrorKind::kUsage);
}

}  // namespace
}  // namespace reprise
