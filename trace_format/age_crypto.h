// The cryptography that age v1 is made of, all of it libcrypto's: X25519, HKDF-SHA256, HMAC-SHA256, ChaCha20-Poly1305, random bytes.
//
// Libcrypto is used through a context of its own: what the machine's openssl.cnf or another library in this process (QEMU's) sets up
// changes nothing here. What can still fail is memory or the kernel's random numbers, and that is a CHECK.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "trace_format/event.h"

namespace reprise {

/// Overwrites bytes in a way that the compiler does not leave out.
void wipe(std::span<uint8_t> bytes);

/// N bytes that are wiped when they go.
template <size_t N>
class Secret {
 public:
  Secret() = default;
  ~Secret() { wipe(bytes_); }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;

  [[nodiscard]] std::span<uint8_t, N> bytes() { return bytes_; }
  [[nodiscard]] std::span<const uint8_t, N> bytes() const { return bytes_; }

 private:
  std::array<uint8_t, N> bytes_ = {};
};

using SecretKey = Secret<32>;
using PublicPoint = std::array<uint8_t, 32>;
using HmacDigest = std::array<uint8_t, 32>;
using AeadNonce = std::array<uint8_t, 12>;
inline constexpr size_t kTagBytes = 16;

/// Unpredictable. For secrets, and for nonces too.
void fill_random(std::span<uint8_t> bytes);

[[nodiscard]] PublicPoint x25519_base(const SecretKey& secret);
/// None when the shared secret is all zero: `point` is one of the few of low order, which nobody's key is.
[[nodiscard]] std::optional<SecretKey> x25519(const SecretKey& secret, const PublicPoint& point);

[[nodiscard]] SecretKey hkdf_sha256(ByteView key, ByteView salt, std::string_view info);
[[nodiscard]] HmacDigest hmac_sha256(const SecretKey& key, std::string_view text);
/// Takes the same time whatever differs.
[[nodiscard]] bool equal_macs(const HmacDigest& a, const HmacDigest& b);

/// Writes the ciphertext and its tag to `sealed`, which has kTagBytes more than `plain`. One (key, nonce) pair is for one call, ever.
void aead_seal(const SecretKey& key, const AeadNonce& nonce, ByteView plain, std::span<uint8_t> sealed);
/// Turns the beginning of `sealed` (kTagBytes at least) into the plaintext, in place. False when the tag does not match: what is in
/// `sealed` then must not be used.
[[nodiscard]] bool aead_open(const SecretKey& key, const AeadNonce& nonce, std::span<uint8_t> sealed);

}  // namespace reprise
