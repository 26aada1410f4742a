#include "tests/trace_format/age_sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "trace_format/age_payload.h"
#include "trace_format/age_wrap.h"

namespace reprise::testing {
namespace {

Result<Bytes> read_all(Result<std::unique_ptr<ByteSource>> source) {
  if (!source.ok()) {
    return source.error();
  }
  Bytes plain((*source)->size());
  RETURN_IF_ERROR((*source)->read_at(0, plain));
  return plain;
}

std::unique_ptr<ByteSource> in_memory(const Bytes& file) {
  return std::make_unique<OwnedFile>(file);
}

}  // namespace

Status OwnedFile::read_at(uint64_t offset, std::span<uint8_t> bytes) const {
  if (offset > bytes_.size() || bytes.size() > bytes_.size() - offset) {
    return Error{ErrorKind::kBadTrace, name_ + ": ends before the end of what it announces"};
  }
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), bytes.size(), bytes.begin());
  return {};
}

Bytes sample_bytes(size_t size) {
  std::mt19937_64 random(size);
  Bytes bytes(size);
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<uint8_t>(random()); });
  return bytes;
}

Bytes encrypted(const Bytes& plain, const std::vector<AgeRecipient>& recipients, size_t piece, bool finish) {
  Bytes file;
  auto sink = encrypt_to(std::make_unique<MemorySink>(&file), recipients);
  EXPECT_TRUE(sink.ok());
  for (size_t begin = 0; begin < plain.size(); begin += piece) {
    EXPECT_TRUE((*sink)->write(ByteView(plain).subspan(begin, std::min(piece, plain.size() - begin))).ok());
  }
  if (finish) {
    EXPECT_TRUE((*sink)->close().ok());
  }
  return file;
}

Bytes encrypted_chunks(const std::vector<std::pair<Bytes, bool>>& chunks, const AgeRecipient& recipient) {
  FileKey file_key;
  fill_random(file_key.bytes());
  const std::string header = encode_age_header({wrap_file_key(file_key, recipient)}, file_key);
  Bytes file(header.begin(), header.end());
  const PayloadNonce nonce = {};
  file.insert(file.end(), nonce.begin(), nonce.end());
  const PayloadCipher cipher(file_key, nonce);
  uint64_t number = 0;
  for (const auto& [plain, last] : chunks) {
    Bytes sealed(plain.size() + kTagBytes);
    cipher.seal(number++, last, plain, sealed);
    file.insert(file.end(), sealed.begin(), sealed.end());
  }
  return file;
}

Bytes with_empty_payload(const std::string& header, const FileKey& file_key) {
  Bytes file(header.begin(), header.end());
  const PayloadNonce nonce = {};
  Bytes sealed(kTagBytes);
  PayloadCipher(file_key, nonce).seal(0, true, {}, sealed);
  file.insert(file.end(), nonce.begin(), nonce.end());
  file.insert(file.end(), sealed.begin(), sealed.end());
  return file;
}

Result<Bytes> decrypted(const Bytes& file, const std::vector<AgeIdentity>& identities) {
  return read_all(decrypt(in_memory(file), identities));
}

Result<Bytes> decrypted_unfinished(const Bytes& file, const std::vector<AgeIdentity>& identities) {
  return read_all(decrypt_unfinished(in_memory(file), identities));
}

}  // namespace reprise::testing
