// Whose keys a trace is encrypted for: age's X25519 recipients ("age1...", public) and identities ("AGE-SECRET-KEY-1...", secret).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "trace_format/age_crypto.h"
#include "trace_format/status.h"

namespace reprise {

/// Who may read a file. Always a key that something can be encrypted for.
class AgeRecipient {
 public:
  [[nodiscard]] const PublicPoint& point() const { return point_; }
  bool operator==(const AgeRecipient&) const = default;

 private:
  explicit AgeRecipient(const PublicPoint& point) : point_(point) {}
  friend Result<AgeRecipient> parse_age_recipient(std::string_view text);
  friend AgeRecipient recipient_of(const class AgeIdentity& identity);
  PublicPoint point_;
};

/// The secret half. Wiped when it goes; no message ever has a part of it.
class AgeIdentity {
 public:
  explicit AgeIdentity(const SecretKey& secret) : secret_(secret) {}
  [[nodiscard]] const SecretKey& secret() const { return secret_; }

 private:
  SecretKey secret_;
};

/// For how many a run, or what is made of it, can be encrypted: one less than a file, which is then for a key of our own too.
inline constexpr size_t kMaxRecipients = 19;

/// For whom something is written, and with what its inputs are read.
struct FileKeys {
  std::vector<AgeIdentity> identities;   ///< one of them opens each input that is encrypted
  std::vector<AgeRecipient> recipients;  ///< what is written is encrypted for these; empty: not encrypted
};

/// kUsage when `text` is not "age1" and 58 more characters, names another kind of recipient (SSH, post-quantum, plugin), or is a key for
/// which nothing can be encrypted.
[[nodiscard]] Result<AgeRecipient> parse_age_recipient(std::string_view text);
[[nodiscard]] AgeRecipient recipient_of(const AgeIdentity& identity);
/// "age1...".
[[nodiscard]] std::string text(const AgeRecipient& recipient);

[[nodiscard]] AgeIdentity generate_age_identity();
/// Writes an identity file as age-keygen does, less the date, that its owner alone may read. kRunFailed when `path` is there already or
/// cannot be written.
[[nodiscard]] Status save_age_identity(const std::filesystem::path& path, const AgeIdentity& identity);
/// The identities in a file as age-keygen writes it: one a line, between comments ("#...") and empty lines; at least one. kUsage otherwise,
/// naming the line.
[[nodiscard]] Result<std::vector<AgeIdentity>> load_age_identities(const std::filesystem::path& path);
/// Those of all the files.
[[nodiscard]] Result<std::vector<AgeIdentity>> load_age_identities(const std::vector<std::filesystem::path>& paths);

}  // namespace reprise
