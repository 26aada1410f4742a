#include "trace_format/age_wrap.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "trace_format/age_encoding.h"

namespace reprise {
namespace {

constexpr std::string_view kX25519 = "X25519";
constexpr std::string_view kScrypt = "scrypt";
constexpr std::string_view kWrapInfo = "age-encryption.org/v1/X25519";
/// A wrap key is for one file key only, so the nonce need not differ.
constexpr AeadNonce kWrapNonce = {};

struct X25519Stanza {
  PublicPoint share;
  std::array<uint8_t, kFileKeyBytes + kTagBytes> body;
};

SecretKey wrap_key(const SecretKey& shared, const PublicPoint& share, const AgeRecipient& recipient) {
  std::array<uint8_t, 64> salt;
  std::copy(share.begin(), share.end(), salt.begin());
  std::copy(recipient.point().begin(), recipient.point().end(), salt.begin() + share.size());
  return hkdf_sha256(shared.bytes(), salt, kWrapInfo);
}

Error altered(const std::string& name, std::string_view what) {
  return Error{ErrorKind::kBadTrace, fmt::format("{}: the encryption header is damaged: {}", name, what)};
}

/// The X25519 stanzas of a header. A malformed one spoils the file, as age wants it.
Result<std::vector<X25519Stanza>> x25519_stanzas(const AgeHeader& header, const std::string& name) {
  std::vector<X25519Stanza> stanzas;
  for (const AgeStanza& stanza : header.stanzas) {
    if (stanza.arguments[0] == kScrypt && header.stanzas.size() > 1) {
      return altered(name, "a passphrase is not alone in it");
    }
    if (stanza.arguments[0] != kX25519) {
      continue;
    }
    X25519Stanza parsed;
    const auto share = stanza.arguments.size() == 2 ? base64_bytes(stanza.arguments[1]) : std::nullopt;
    // The length decides before any decryption: a longer body could be made to fit several keys.
    if (!share || share->size() != parsed.share.size() || stanza.body.size() != parsed.body.size()) {
      return altered(name, "a malformed X25519 recipient");
    }
    std::copy(share->begin(), share->end(), parsed.share.begin());
    std::copy(stanza.body.begin(), stanza.body.end(), parsed.body.begin());
    stanzas.push_back(parsed);
  }
  return stanzas;
}

Error no_identity_fits(const AgeHeader& header, size_t x25519_count, size_t identities, const std::string& name) {
  if (x25519_count == 0) {
    return Error{
        ErrorKind::kUsage,
        fmt::format("{}: encrypted for a key of another kind ({}); only X25519 keys can be used: decrypt it with 'age --decrypt' first",
                    name, header.stanzas[0].arguments[0].substr(0, 40))};
  }
  if (identities == 0) {
    return Error{ErrorKind::kUsage, fmt::format("{}: encrypted; '--identity FILE' names the key", name)};
  }
  return Error{
      ErrorKind::kUsage,
      fmt::format("{}: encrypted for {} {}, for none of the {} {} given: wrong key; '--identity FILE' names another", name, x25519_count,
                  x25519_count == 1 ? "recipient" : "recipients", identities, identities == 1 ? "identity" : "identities")};
}

}  // namespace

AgeStanza wrap_file_key(const FileKey& file_key, const AgeRecipient& recipient) {
  SecretKey ephemeral;
  fill_random(ephemeral.bytes());
  const PublicPoint share = x25519_base(ephemeral);
  const auto shared = x25519(ephemeral, recipient.point());
  CHECK(shared);  // what AgeRecipient is
  AgeStanza stanza{{std::string(kX25519), base64_text(share)}, std::vector<uint8_t>(kFileKeyBytes + kTagBytes)};
  aead_seal(wrap_key(*shared, share, recipient), kWrapNonce, file_key.bytes(), stanza.body);
  return stanza;
}

Result<FileKey> unwrap_file_key(const AgeHeader& header, const std::vector<AgeIdentity>& identities, const std::string& name) {
  ASSIGN_OR_RETURN(const auto stanzas, x25519_stanzas(header, name));
  for (const AgeIdentity& identity : identities) {
    const AgeRecipient recipient = recipient_of(identity);
    for (const X25519Stanza& stanza : stanzas) {
      const auto shared = x25519(identity.secret(), stanza.share);
      if (!shared) {
        return altered(name, "a recipient's share gives the same key with every identity");
      }
      Secret<kFileKeyBytes + kTagBytes> body;
      std::copy(stanza.body.begin(), stanza.body.end(), body.bytes().begin());
      if (aead_open(wrap_key(*shared, stanza.share, recipient), kWrapNonce, body.bytes())) {
        FileKey file_key;
        std::copy_n(body.bytes().begin(), kFileKeyBytes, file_key.bytes().begin());
        RETURN_IF_ERROR(check_age_header(header, file_key, name));
        return file_key;
      }
    }
  }
  return no_identity_fits(header, stanzas.size(), identities.size(), name);
}

}  // namespace reprise
