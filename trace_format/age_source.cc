#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <string_view>

#include "trace_format/age_file.h"
#include "trace_format/age_payload.h"
#include "trace_format/age_wrap.h"

namespace reprise {
namespace {

constexpr std::string_view kBinaryBeginning = "age-encryption.org/";
constexpr std::string_view kAsciiBeginning = "-----BEGIN AGE ENCRYPTED FILE-----";

bool begins_with(const ByteSource& source, std::string_view beginning) {
  std::string found(beginning.size(), '\0');
  return source.size() >= found.size() && source.read_at(0, {reinterpret_cast<uint8_t*>(found.data()), found.size()}).ok() &&
         found == beginning;
}

/// Where the chunks lie in the file, and which of them is the last by its seal.
struct Layout {
  uint64_t begin = 0;   ///< of the first chunk
  uint64_t chunks = 0;  ///< that are read
  uint64_t plain_bytes = 0;
  bool finished = false;  ///< the last one is sealed as such

  [[nodiscard]] uint64_t place(uint64_t chunk) const { return begin + chunk * kAgeSealedChunkBytes; }
  [[nodiscard]] bool is_last(uint64_t chunk) const { return finished && chunk + 1 == chunks; }
  [[nodiscard]] size_t plain_size(uint64_t chunk) const {
    return static_cast<size_t>(std::min<uint64_t>(kAgeChunkBytes, plain_bytes - chunk * kAgeChunkBytes));
  }
};

/// A chunk as it is in the file; after opening, its plaintext and 16 bytes more.
using ChunkBuffer = std::shared_ptr<uint8_t[]>;

/// The chunks that were used last. Safe to use from several threads at once.
class ChunkCache {
 public:
  /// Null when it is not there.
  [[nodiscard]] ChunkBuffer find(uint64_t chunk) {
    const std::lock_guard lock(mutex_);
    for (Slot& slot : slots_) {
      if (slot.plain != nullptr && slot.chunk == chunk) {
        slot.used = ++clock_;
        return slot.plain;
      }
    }
    return nullptr;
  }
  void keep(uint64_t chunk, const ChunkBuffer& plain) {
    const std::lock_guard lock(mutex_);
    Slot& oldest = *std::min_element(slots_.begin(), slots_.end(), [](const Slot& a, const Slot& b) { return a.used < b.used; });
    oldest = {chunk, ++clock_, plain};
  }

 private:
  struct Slot {
    uint64_t chunk = 0;
    uint64_t used = 0;
    ChunkBuffer plain;
  };
  std::mutex mutex_;
  uint64_t clock_ = 0;
  std::array<Slot, 16> slots_;
};

enum class Altered { kRefused, kZeros };

class AgeSource final : public ByteSource {
 public:
  AgeSource(std::unique_ptr<ByteSource> inner, const PayloadCipher& cipher, const Layout& layout, Altered altered)
      : inner_(std::move(inner)), cipher_(cipher), layout_(layout), altered_(altered) {}

  const std::string& name() const override { return inner_->name(); }
  uint64_t size() const override { return layout_.plain_bytes; }

  Status read_at(uint64_t offset, std::span<uint8_t> bytes) const override {
    if (offset > size() || bytes.size() > size() - offset) {
      return Error{ErrorKind::kBadTrace,
                   fmt::format("{}: ends at byte {} of its plaintext, before the end of what it announces", name(), size())};
    }
    while (!bytes.empty()) {
      const uint64_t chunk = offset / kAgeChunkBytes;
      const size_t skip = offset % kAgeChunkBytes;
      const size_t n = std::min(bytes.size(), layout_.plain_size(chunk) - skip);
      ASSIGN_OR_RETURN(const ChunkBuffer plain, load(chunk));
      std::copy_n(plain.get() + skip, n, bytes.data());
      bytes = bytes.subspan(n);
      offset += n;
    }
    return {};
  }

 private:
  Result<ChunkBuffer> load(uint64_t chunk) const {
    if (ChunkBuffer plain = cache_.find(chunk)) {
      return plain;
    }
    const size_t size = layout_.plain_size(chunk) + kTagBytes;
    ChunkBuffer buffer(new uint8_t[size]);
    RETURN_IF_ERROR(inner_->read_at(layout_.place(chunk), {buffer.get(), size}));
    if (!cipher_.open(chunk, layout_.is_last(chunk), {buffer.get(), size})) {
      if (altered_ == Altered::kZeros) {
        std::fill_n(buffer.get(), size, uint8_t{0});
        return buffer;
      }
      return Error{ErrorKind::kBadTrace, fmt::format("{}: encrypted chunk {} at byte {}: altered: its authentication tag does not match",
                                                     name(), chunk, layout_.place(chunk))};
    }
    cache_.keep(chunk, buffer);
    return buffer;
  }

  std::unique_ptr<ByteSource> inner_;
  PayloadCipher cipher_;
  Layout layout_;
  Altered altered_;
  mutable ChunkCache cache_;
};

/// What the file holds, before any of it is looked at.
struct Opened {
  PayloadCipher cipher;
  uint64_t begin;           ///< of the first chunk
  uint64_t whole_chunks;    ///< of 64 KiB
  uint64_t trailing_bytes;  ///< after them
};

Result<Opened> open_header(const ByteSource& file, const std::vector<AgeIdentity>& identities) {
  if (begins_with(file, kAsciiBeginning)) {
    return Error{ErrorKind::kUsage, fmt::format("{}: an age file in its ASCII form; 'age --decrypt' it first", file.name())};
  }
  ASSIGN_OR_RETURN(const AgeHeader header, read_age_header(file));
  ASSIGN_OR_RETURN(const FileKey file_key, unwrap_file_key(header, identities, file.name()));
  PayloadNonce nonce;
  RETURN_IF_ERROR(file.read_at(header.bytes, nonce));
  const uint64_t begin = header.bytes + nonce.size();
  const uint64_t bytes = file.size() - begin;
  return Opened{PayloadCipher(file_key, nonce), begin, bytes / kAgeSealedChunkBytes, bytes % kAgeSealedChunkBytes};
}

/// Whether the last `size` bytes of the file are chunk `chunk`, sealed as the last one or not.
Result<bool> ends_with_chunk(const ByteSource& file, const Opened& opened, uint64_t chunk, uint64_t size, bool last) {
  std::vector<uint8_t> sealed(size);
  RETURN_IF_ERROR(file.read_at(file.size() - size, sealed));
  return opened.cipher.open(chunk, last, sealed);
}

/// All chunks when the file has a last one, else the whole ones.
Result<Layout> find_layout(const ByteSource& file, const Opened& opened) {
  const uint64_t whole = opened.whole_chunks;
  const uint64_t rest = opened.trailing_bytes;
  Layout layout{.begin = opened.begin, .chunks = whole, .plain_bytes = whole * kAgeChunkBytes};
  // Only a file without any plaintext may have an empty last chunk.
  if (rest > kTagBytes || (rest == kTagBytes && whole == 0)) {
    ASSIGN_OR_RETURN(layout.finished, ends_with_chunk(file, opened, whole, rest, true));
    if (layout.finished) {
      layout.chunks += 1;
      layout.plain_bytes += rest - kTagBytes;
    }
  } else if (rest == 0 && whole > 0) {
    ASSIGN_OR_RETURN(layout.finished, ends_with_chunk(file, opened, whole - 1, kAgeSealedChunkBytes, true));
  }
  return layout;
}

/// Why a file has no last chunk.
Error unfinished(const ByteSource& file, const Opened& opened) {
  const uint64_t whole = opened.whole_chunks;
  bool cut_between = opened.trailing_bytes == 0;
  if (cut_between && whole > 0) {
    const Result<bool> inner_chunk = ends_with_chunk(file, opened, whole - 1, kAgeSealedChunkBytes, false);
    cut_between = inner_chunk.ok() && *inner_chunk;
  }
  if (cut_between) {
    return Error{
        ErrorKind::kBadTrace,
        fmt::format("{}: the last encrypted chunk is missing after {} others, at byte {}: the file was cut off, or its writer killed",
                    file.name(), whole, file.size())};
  }
  const uint64_t chunk = opened.trailing_bytes == 0 ? whole - 1 : whole;
  return Error{ErrorKind::kBadTrace,
               fmt::format("{}: encrypted chunk {} at byte {}, the last: altered or cut off: its authentication tag does not match",
                           file.name(), chunk, opened.begin + chunk * kAgeSealedChunkBytes)};
}

}  // namespace

bool is_age_file(const ByteSource& source) {
  return begins_with(source, kBinaryBeginning) || begins_with(source, kAsciiBeginning);
}

Result<std::unique_ptr<ByteSource>> decrypt(std::unique_ptr<ByteSource> inner, const std::vector<AgeIdentity>& identities) {
  ASSIGN_OR_RETURN(const Opened opened, open_header(*inner, identities));
  ASSIGN_OR_RETURN(const Layout layout, find_layout(*inner, opened));
  if (!layout.finished) {
    return unfinished(*inner, opened);
  }
  return std::unique_ptr<ByteSource>(std::make_unique<AgeSource>(std::move(inner), opened.cipher, layout, Altered::kRefused));
}

Result<std::unique_ptr<ByteSource>> decrypt_unfinished(std::unique_ptr<ByteSource> inner, const std::vector<AgeIdentity>& identities) {
  ASSIGN_OR_RETURN(const Opened opened, open_header(*inner, identities));
  ASSIGN_OR_RETURN(const Layout layout, find_layout(*inner, opened));
  return std::unique_ptr<ByteSource>(std::make_unique<AgeSource>(std::move(inner), opened.cipher, layout, Altered::kRefused));
}

Result<std::unique_ptr<ByteSource>> decrypt_damaged(std::unique_ptr<ByteSource> inner, const std::vector<AgeIdentity>& identities) {
  ASSIGN_OR_RETURN(const Opened opened, open_header(*inner, identities));
  ASSIGN_OR_RETURN(const Layout layout, find_layout(*inner, opened));
  return std::unique_ptr<ByteSource>(std::make_unique<AgeSource>(std::move(inner), opened.cipher, layout, Altered::kZeros));
}

}  // namespace reprise
