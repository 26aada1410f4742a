// Encrypted files in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/memory_file.h"
#include "trace_format/age_file.h"
#include "trace_format/age_header.h"
#include "trace_format/io.h"

namespace reprise::testing {

using Bytes = std::vector<uint8_t>;

/// A file that it owns the bytes of.
class OwnedFile final : public ByteSource {
 public:
  explicit OwnedFile(Bytes bytes) : bytes_(std::move(bytes)) {}
  const std::string& name() const override { return name_; }
  uint64_t size() const override { return bytes_.size(); }
  Status read_at(uint64_t offset, std::span<uint8_t> bytes) const override;

 private:
  Bytes bytes_;
  std::string name_ = "run.trace";
};

/// The same bytes for the same size, no two chunks alike.
[[nodiscard]] Bytes sample_bytes(size_t size);

/// `plain` encrypted for `recipients`, written in pieces of `piece` bytes. Without `finish`, as if the writer had been killed.
[[nodiscard]] Bytes encrypted(const Bytes& plain, const std::vector<AgeRecipient>& recipients, size_t piece = 10'000, bool finish = true);
/// Chunks as given (each with whether it is sealed as the last), behind a good header for `recipient`: files that our sink does not write.
[[nodiscard]] Bytes encrypted_chunks(const std::vector<std::pair<Bytes, bool>>& chunks, const AgeRecipient& recipient);
/// `header` and an empty payload under `file_key`.
[[nodiscard]] Bytes with_empty_payload(const std::string& header, const FileKey& file_key);

/// All of the plaintext, or the first error.
[[nodiscard]] Result<Bytes> decrypted(const Bytes& file, const std::vector<AgeIdentity>& identities);
[[nodiscard]] Result<Bytes> decrypted_unfinished(const Bytes& file, const std::vector<AgeIdentity>& identities);

}  // namespace reprise::testing
