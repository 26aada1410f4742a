#include <fmt/format.h>

#include <algorithm>

#include "trace_format/age_file.h"
#include "trace_format/age_payload.h"
#include "trace_format/age_wrap.h"

namespace reprise {
namespace {

class AgeSink final : public ByteSink {
 public:
  AgeSink(std::unique_ptr<ByteSink> inner, const PayloadCipher& cipher) : inner_(std::move(inner)), cipher_(cipher) {
    plain_.reserve(kAgeChunkBytes);
    sealed_.reserve(kAgeSealedChunkBytes);
  }

  Status write(ByteView bytes) override {
    while (status_.ok() && !bytes.empty()) {
      // Whether a full chunk is the last one shows only when more comes.
      if (plain_.size() == kAgeChunkBytes) {
        write_chunk(false);
      }
      const ByteView part = bytes.first(std::min(bytes.size(), kAgeChunkBytes - plain_.size()));
      plain_.insert(plain_.end(), part.begin(), part.end());
      synced_ = false;
      bytes = bytes.subspan(part.size());
    }
    return status_;
  }

  Status sync() override {
    if (status_.ok()) {
      status_ = inner_->sync();
    }
    synced_ = true;
    return status_;
  }

  Status close() override {
    if (status_.ok()) {
      write_chunk(true);
    }
    if (status_.ok() && synced_) {
      status_ = inner_->sync();
    }
    const Status closed = inner_->close();
    return status_.ok() ? closed : status_;
  }

 private:
  void write_chunk(bool last) {
    sealed_.resize(plain_.size() + kTagBytes);
    cipher_.seal(chunk_++, last, plain_, sealed_);
    plain_.clear();
    status_ = inner_->write(sealed_);
  }

  std::unique_ptr<ByteSink> inner_;
  PayloadCipher cipher_;
  uint64_t chunk_ = 0;
  std::vector<uint8_t> plain_;
  std::vector<uint8_t> sealed_;
  bool synced_ = false;  ///< the user believes that all is on the device; the last chunk is not
  Status status_;
};

}  // namespace

Result<std::unique_ptr<ByteSink>> encrypt_to(std::unique_ptr<ByteSink> inner, const std::vector<AgeRecipient>& recipients) {
  if (recipients.empty() || recipients.size() > kMaxAgeStanzas) {
    return Error{ErrorKind::kUsage, fmt::format("cannot encrypt for {} recipients: give 1 to {}", recipients.size(), kMaxAgeStanzas)};
  }
  FileKey file_key;
  fill_random(file_key.bytes());
  PayloadNonce nonce;
  fill_random(nonce);
  std::vector<AgeStanza> stanzas;
  for (const AgeRecipient& recipient : recipients) {
    stanzas.push_back(wrap_file_key(file_key, recipient));
  }
  const std::string header = encode_age_header(stanzas, file_key);
  std::vector<uint8_t> beginning(header.begin(), header.end());
  beginning.insert(beginning.end(), nonce.begin(), nonce.end());
  RETURN_IF_ERROR(inner->write(beginning));
  return std::unique_ptr<ByteSink>(std::make_unique<AgeSink>(std::move(inner), PayloadCipher(file_key, nonce)));
}

}  // namespace reprise
