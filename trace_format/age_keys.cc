#include "trace_format/age_keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>

#include "trace_format/age_encoding.h"
#include "trace_format/io.h"

namespace reprise {
namespace {

constexpr std::string_view kRecipientPrefix = "age";
constexpr std::string_view kIdentityPrefix = "AGE-SECRET-KEY-";
constexpr uint64_t kMaxIdentityFileBytes = 1u << 20;

Error usage(std::string message) {
  return Error{ErrorKind::kUsage, std::move(message)};
}

/// Text that is wiped when it goes.
struct SecretText {
  explicit SecretText(size_t size) : characters(size, '\0') {}
  explicit SecretText(std::string text) : characters(std::move(text)) {}
  ~SecretText() { wipe(bytes()); }
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  [[nodiscard]] std::span<uint8_t> bytes() { return {reinterpret_cast<uint8_t*>(characters.data()), characters.size()}; }
  std::string characters;
};

/// Also of a secret key in the wrong case or with something before it.
bool may_be_secret(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const bool secret = upper.find("SECRET") != std::string::npos;
  const SecretText wiped(std::move(upper));
  return secret;
}

/// What a line of an identity file is instead of an identity; empty when nothing that we know.
std::string_view known_line(std::string_view line) {
  if (line.starts_with("AGE-SECRET-KEY-PQ-1")) {
    return "a post-quantum identity; only X25519 identities can be used (age-keygen without '-pq' makes one)";
  }
  if (line.starts_with("AGE-PLUGIN-")) {
    return "a plugin's identity; only X25519 identities can be used (age-keygen makes one)";
  }
  if (line.starts_with("age1")) {
    return "a recipient, the public half; the identity file has the secret half";
  }
  if (line.starts_with("age-encryption.org/") || line.starts_with("-----BEGIN AGE ENCRYPTED FILE")) {
    return "the beginning of an encrypted file; decrypt the identity file with 'age --decrypt' first";
  }
  if (line.starts_with("-----BEGIN ") || line.starts_with("ssh-")) {
    return "an SSH or other key; only X25519 identities can be used (age-keygen makes one)";
  }
  return {};
}

}  // namespace

Result<AgeRecipient> parse_age_recipient(std::string_view text) {
  if (may_be_secret(text)) {
    return usage(
        "a recipient is the public half of a key, 'age1...'; this is a secret key: keep it, and give what 'age-keygen -y FILE' prints");
  }
  if (text.starts_with("ssh-") || (text.starts_with("age1") && text.rfind('1') != 3)) {
    return usage(fmt::format("recipient '{}': of another kind than X25519; give what 'age-keygen -y FILE' prints", text));
  }
  PublicPoint point;
  if (const Status status = bech32_key(text, kRecipientPrefix, point); !status.ok()) {
    return usage(fmt::format("recipient '{}': {}; give what 'age-keygen -y FILE' prints", text, status.error().message));
  }
  // A point of low order gives zero with every secret.
  if (!x25519(generate_age_identity().secret(), point)) {
    return usage(fmt::format("recipient '{}': nobody's key: what is encrypted for it everybody could read", text));
  }
  return AgeRecipient(point);
}

AgeRecipient recipient_of(const AgeIdentity& identity) {
  return AgeRecipient(x25519_base(identity.secret()));
}

std::string text(const AgeRecipient& recipient) {
  return bech32_text(kRecipientPrefix, recipient.point());
}

AgeIdentity generate_age_identity() {
  SecretKey secret;
  fill_random(secret.bytes());
  return AgeIdentity(secret);
}

Status save_age_identity(const std::filesystem::path& path, const AgeIdentity& identity) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot create: {}", path.string(), std::generic_category().message(errno))};
  }
  const SecretText secret(bech32_text(kIdentityPrefix, identity.secret().bytes()));
  std::string contents = fmt::format("# public key: {}\n", text(recipient_of(identity)));
  contents.reserve(contents.size() + secret.characters.size() + 1);  // grown later, it would leave copies behind
  contents += secret.characters;
  contents += '\n';
  SecretText file(std::move(contents));
  std::span<uint8_t> rest = file.bytes();
  int failed = 0;
  while (!rest.empty() && failed == 0) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n > 0) {
      rest = rest.subspan(static_cast<size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      failed = n < 0 ? errno : EIO;
    }
  }
  if (failed == 0 && ::fsync(fd) != 0) {
    failed = errno;
  }
  if (::close(fd) != 0 && failed == 0) {
    failed = errno;
  }
  if (failed != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot write: {}", path.string(), std::generic_category().message(failed))};
  }
  return {};
}

Result<std::vector<AgeIdentity>> load_age_identities(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const auto source, open_file(path));
  if (source->size() > kMaxIdentityFileBytes) {
    return usage(fmt::format("{}: not an identity file: {} bytes long", path.string(), source->size()));
  }
  SecretText file(static_cast<size_t>(source->size()));
  if (const Status status = source->read_at(0, file.bytes()); !status.ok()) {
    return usage(status.error().message);
  }
  std::vector<AgeIdentity> identities;
  std::string_view rest = file.characters;
  for (size_t number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if (const std::string_view known = known_line(line); !known.empty()) {
      return usage(fmt::format("{}: line {}: {}", path.string(), number, known));
    }
    SecretKey secret;
    if (const Status status = bech32_key(line, kIdentityPrefix, secret.bytes()); !status.ok()) {
      return usage(fmt::format("{}: line {}: not an age identity: {}", path.string(), number, status.error().message));
    }
    identities.emplace_back(secret);
  }
  if (identities.empty()) {
    return usage(fmt::format("{}: no identity in it; 'age-keygen -o FILE' makes one", path.string()));
  }
  return identities;
}

Result<std::vector<AgeIdentity>> load_age_identities(const std::vector<std::filesystem::path>& paths) {
  std::vector<AgeIdentity> all;
  for (const std::filesystem::path& path : paths) {
    ASSIGN_OR_RETURN(const std::vector<AgeIdentity> identities, load_age_identities(path));
    all.insert(all.end(), identities.begin(), identities.end());
  }
  return all;
}

}  // namespace reprise
