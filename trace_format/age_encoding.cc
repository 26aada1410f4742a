#include "trace_format/age_encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "trace_format/age_crypto.h"

namespace reprise {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// 32 bytes are 51 groups of 5 bits and 1 bit, which its own group fills up with zeros.
constexpr size_t kKeyGroups = 52;
constexpr size_t kChecksumGroups = 6;

/// BIP 173's checksum, fed one group of 5 bits at a time.
class Bech32Checksum {
 public:
  explicit Bech32Checksum(std::string_view prefix) {
    for (const char c : prefix) {
      add(static_cast<uint8_t>(std::tolower(static_cast<unsigned char>(c)) >> 5));
    }
    add(0);
    for (const char c : prefix) {
      add(static_cast<uint8_t>(std::tolower(static_cast<unsigned char>(c)) & 31));
    }
  }
  void add(uint8_t group) {
    constexpr std::array<uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    const uint32_t top = value_ >> 25;
    value_ = (value_ & 0x1ffffff) << 5 ^ group;
    for (size_t i = 0; i < kGenerator.size(); ++i) {
      value_ ^= (top >> i & 1) != 0 ? kGenerator[i] : 0;
    }
  }
  [[nodiscard]] uint32_t value() const { return value_; }

 private:
  uint32_t value_ = 1;
};

bool is_upper(std::string_view prefix) {
  return std::any_of(prefix.begin(), prefix.end(), [](unsigned char c) { return std::isupper(c) != 0; });
}

Error malformed(std::string message) {
  return Error{ErrorKind::kUsage, std::move(message)};
}

}  // namespace

std::string base64_text(ByteView bytes) {
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) {
      text += kBase64[bits >> (count - 6) & 63];
    }
  }
  if (count > 0) {
    text += kBase64[bits << (6 - count) & 63];
  }
  return text;
}

std::optional<std::vector<uint8_t>> base64_bytes(std::string_view text) {
  std::vector<uint8_t> bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t value = kBase64.find(c);
    if (value == std::string_view::npos) {
      return std::nullopt;
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<uint8_t>(bits >> count));
    }
  }
  // What is left are less than 6 bits, all zero; otherwise several texts would mean the same bytes.
  if (count >= 6 || (bits & ((1U << count) - 1)) != 0) {
    return std::nullopt;
  }
  return bytes;
}

std::string bech32_text(std::string_view prefix, std::span<const uint8_t, 32> key) {
  std::string text(prefix);
  text += '1';
  text.reserve(text.size() + kKeyGroups + kChecksumGroups);  // a secret leaves no copies behind in outgrown buffers
  Bech32Checksum checksum(prefix);
  const auto put = [&](uint32_t group) {
    const char c = kBech32[group];
    text += is_upper(prefix) ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    checksum.add(static_cast<uint8_t>(group));
  };
  uint32_t bits = 0;
  int count = 0;
  for (const uint8_t byte : key) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 5; count -= 5) {
      put(bits >> (count - 5) & 31);
    }
  }
  put(bits << (5 - count) & 31);
  Bech32Checksum complete = checksum;
  for (size_t i = 0; i < kChecksumGroups; ++i) {
    complete.add(0);
  }
  for (size_t i = 0; i < kChecksumGroups; ++i) {
    put((complete.value() ^ 1) >> (5 * (kChecksumGroups - 1 - i)) & 31);
  }
  return text;
}

Status bech32_key(std::string_view text, std::string_view prefix, std::span<uint8_t, 32> key) {
  const size_t expected = prefix.size() + 1 + kKeyGroups + kChecksumGroups;
  if (!text.starts_with(prefix) || text.substr(prefix.size(), 1) != "1") {
    return malformed(fmt::format("it does not begin with '{}1'", prefix));
  }
  if (text.size() != expected) {
    return malformed(fmt::format("it has {} characters instead of {}", text.size(), expected));
  }
  const bool upper = is_upper(prefix);
  Bech32Checksum checksum(prefix);
  std::array<uint8_t, kKeyGroups + kChecksumGroups> groups;
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[prefix.size() + 1 + i]);
    const bool other_case = upper ? std::islower(c) != 0 : std::isupper(c) != 0;
    const size_t group = other_case ? std::string_view::npos : kBech32.find(static_cast<char>(std::tolower(c)));
    if (group == std::string_view::npos) {
      return malformed(fmt::format("character {} cannot be in it", prefix.size() + 2 + i));
    }
    groups[i] = static_cast<uint8_t>(group);
    checksum.add(groups[i]);
  }
  if (checksum.value() != 1) {
    return malformed("its checksum does not match: it is mistyped");
  }
  uint32_t bits = 0;
  int count = 0;
  size_t filled = 0;
  for (size_t i = 0; i < kKeyGroups; ++i) {
    bits = bits << 5 | groups[i];
    count += 5;
    if (count >= 8) {
      count -= 8;
      key[filled++] = static_cast<uint8_t>(bits >> count);
    }
  }
  wipe(groups);
  CHECK(filled == key.size());
  if ((bits & ((1U << count) - 1)) != 0) {
    return malformed("its last bits are not zero");
  }
  return {};
}

}  // namespace reprise
