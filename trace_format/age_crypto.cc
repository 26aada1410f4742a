#include "trace_format/age_crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include <memory>

#include "trace_format/status.h"

namespace reprise {
namespace {

/// Lives as long as the process: libcrypto's own end-of-process handler may run before or after ours.
struct Library {
  Library() : context(OSSL_LIB_CTX_new()) {
    CHECK(context != nullptr);
    CHECK(OSSL_PROVIDER_load(context, "default") != nullptr);
    cipher = EVP_CIPHER_fetch(context, "ChaCha20-Poly1305", nullptr);
    kdf = EVP_KDF_fetch(context, "HKDF", nullptr);
    CHECK(cipher != nullptr && kdf != nullptr);
  }
  OSSL_LIB_CTX* context;
  EVP_CIPHER* cipher;
  EVP_KDF* kdf;
};

const Library& library() {
  static const Library* const kInstance = new Library;
  return *kInstance;
}

using PkeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

PkeyPtr private_key(const SecretKey& secret) {
  PkeyPtr key(EVP_PKEY_new_raw_private_key_ex(library().context, "X25519", nullptr, secret.bytes().data(), secret.bytes().size()),
              &EVP_PKEY_free);
  CHECK(key != nullptr);
  return key;
}

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

CipherContext cipher_context() {
  CipherContext context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  CHECK(context != nullptr);
  return context;
}

}  // namespace

void wipe(std::span<uint8_t> bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

void fill_random(std::span<uint8_t> bytes) {
  CHECK(RAND_priv_bytes_ex(library().context, bytes.data(), bytes.size(), 0) == 1);
}

PublicPoint x25519_base(const SecretKey& secret) {
  PublicPoint point;
  size_t size = point.size();
  CHECK(EVP_PKEY_get_raw_public_key(private_key(secret).get(), point.data(), &size) == 1 && size == point.size());
  return point;
}

std::optional<SecretKey> x25519(const SecretKey& secret, const PublicPoint& point) {
  const PkeyPtr ours = private_key(secret);
  const PkeyPtr theirs(EVP_PKEY_new_raw_public_key_ex(library().context, "X25519", nullptr, point.data(), point.size()), &EVP_PKEY_free);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_pkey(library().context, ours.get(), nullptr), &EVP_PKEY_CTX_free);
  CHECK(theirs != nullptr && context != nullptr && EVP_PKEY_derive_init(context.get()) == 1);
  CHECK(EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1);
  SecretKey shared;
  size_t size = shared.bytes().size();
  // Libcrypto refuses an all-zero result by itself and leaves a note in the thread's error queue, which is not ours alone.
  ERR_set_mark();
  const bool derived = EVP_PKEY_derive(context.get(), shared.bytes().data(), &size) == 1;
  ERR_pop_to_mark();
  const SecretKey zero;
  if (!derived || size != zero.bytes().size() || CRYPTO_memcmp(shared.bytes().data(), zero.bytes().data(), size) == 0) {
    return std::nullopt;
  }
  return shared;
}

SecretKey hkdf_sha256(ByteView key, ByteView salt, std::string_view info) {
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(library().kdf), &EVP_KDF_CTX_free);
  CHECK(context != nullptr);
  std::string_view digest = "SHA256";
  // The parameters are not const in libcrypto's interface, but only read.
  const auto octets = [](const char* name, const void* data, size_t size) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<void*>(data), size);
  };
  std::array<OSSL_PARAM, 5> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(digest.data()), digest.size()),
      octets(OSSL_KDF_PARAM_KEY, key.data(), key.size()), octets(OSSL_KDF_PARAM_INFO, info.data(), info.size()), OSSL_PARAM_construct_end(),
      OSSL_PARAM_construct_end()};
  if (!salt.empty()) {  // none and an empty one are the same to HKDF
    parameters[3] = octets(OSSL_KDF_PARAM_SALT, salt.data(), salt.size());
  }
  SecretKey derived;
  CHECK(EVP_KDF_derive(context.get(), derived.bytes().data(), derived.bytes().size(), parameters.data()) == 1);
  return derived;
}

HmacDigest hmac_sha256(const SecretKey& key, std::string_view text) {
  HmacDigest mac;
  size_t size = 0;
  CHECK(EVP_Q_mac(library().context, "HMAC", nullptr, "SHA256", nullptr, key.bytes().data(), key.bytes().size(),
                  reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), mac.size(), &size) != nullptr &&
        size == mac.size());
  return mac;
}

bool equal_macs(const HmacDigest& a, const HmacDigest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void aead_seal(const SecretKey& key, const AeadNonce& nonce, ByteView plain, std::span<uint8_t> sealed) {
  CHECK(sealed.size() == plain.size() + kTagBytes);
  const CipherContext context = cipher_context();
  int size = 0;
  CHECK(EVP_EncryptInit_ex2(context.get(), library().cipher, key.bytes().data(), nonce.data(), nullptr) == 1);
  CHECK(plain.empty() || EVP_EncryptUpdate(context.get(), sealed.data(), &size, plain.data(), static_cast<int>(plain.size())) == 1);
  CHECK(static_cast<size_t>(size) == plain.size());
  CHECK(EVP_EncryptFinal_ex(context.get(), sealed.data() + plain.size(), &size) == 1 && size == 0);
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, sealed.data() + plain.size()) == 1);
}

bool aead_open(const SecretKey& key, const AeadNonce& nonce, std::span<uint8_t> sealed) {
  CHECK(sealed.size() >= kTagBytes);
  const size_t plain_size = sealed.size() - kTagBytes;
  const CipherContext context = cipher_context();
  int size = 0;
  CHECK(EVP_DecryptInit_ex2(context.get(), library().cipher, key.bytes().data(), nonce.data(), nullptr) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, sealed.data() + plain_size) == 1);
  CHECK(plain_size == 0 || EVP_DecryptUpdate(context.get(), sealed.data(), &size, sealed.data(), static_cast<int>(plain_size)) == 1);
  ERR_set_mark();
  const bool authentic = EVP_DecryptFinal_ex(context.get(), sealed.data() + plain_size, &size) == 1;
  ERR_pop_to_mark();
  return authentic;
}

}  // namespace reprise
