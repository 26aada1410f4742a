// The payload of an age file: where its chunks lie and how each is sealed. FORMAT: a nonce of 16 bytes, then the chunks.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "trace_format/age_crypto.h"
#include "trace_format/age_header.h"
#include "trace_format/event.h"

namespace reprise {

inline constexpr size_t kAgeChunkBytes = 64u << 10;
inline constexpr size_t kAgeSealedChunkBytes = kAgeChunkBytes + kTagBytes;
inline constexpr size_t kAgePayloadNonceBytes = 16;
using PayloadNonce = std::array<uint8_t, kAgePayloadNonceBytes>;

/// Seals and opens the chunks of one file. Safe to use from several threads at once.
class PayloadCipher {
 public:
  PayloadCipher(const FileKey& file_key, const PayloadNonce& nonce) : key_(hkdf_sha256(file_key.bytes(), nonce, "payload")) {}
  /// `sealed` has kTagBytes more than `plain`. Each chunk is sealed once.
  void seal(uint64_t chunk, bool last, ByteView plain, std::span<uint8_t> sealed) const {
    aead_seal(key_, chunk_nonce(chunk, last), plain, sealed);
  }
  /// In place; see aead_open().
  [[nodiscard]] bool open(uint64_t chunk, bool last, std::span<uint8_t> sealed) const {
    return aead_open(key_, chunk_nonce(chunk, last), sealed);
  }

 private:
  /// The number in 11 bytes, big-endian, and whether the chunk is the last.
  static AeadNonce chunk_nonce(uint64_t chunk, bool last) {
    AeadNonce nonce = {};
    for (size_t i = 0; i < sizeof(chunk); ++i) {
      nonce[10 - i] = static_cast<uint8_t>(chunk >> (8 * i));
    }
    nonce[11] = last ? 1 : 0;
    return nonce;
  }

  SecretKey key_;
};

}  // namespace reprise
