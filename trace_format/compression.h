// zstd, and how one column is stored.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/status.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace reprise {

/// What a column holds, as far as compressing it is concerned.
enum class ColumnContent { kVarints, kPayload, kBytes };

/// Working memory that is kept from call to call.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  /// Writes the compressed `raw` to the end of `out`.
  void compress(ByteView raw, std::vector<uint8_t>& out);
  /// Writes the column to `out` (replaced) in the smallest of the ways that its content allows (ColumnCodec). Depends on `raw` and the
  /// release of zstd alone.
  void pack_column(ByteView raw, ColumnContent content, std::vector<uint8_t>& out);

 private:
  void compress_at(int level, ByteView raw, std::vector<uint8_t>& out);
  void compress_planes(ByteView raw, std::vector<uint8_t>& out);

  ZSTD_CCtx_s* context_;
  std::vector<uint8_t> planes_;
  std::vector<size_t> plane_sizes_;
  std::vector<uint8_t> other_;
};

class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  /// The size of the content that `stored`, which must be exactly one zstd frame, states. kBadTrace when it is not, or above `limit`.
  [[nodiscard]] static Result<uint64_t> content_size(ByteView stored, uint64_t limit);
  /// `stored` is a frame whose content_size() is that of `raw`.
  [[nodiscard]] Status decompress(ByteView stored, std::span<uint8_t> raw);
  /// Puts what pack_column() stored, not empty, at the front of `room`, which it makes shorter. kBadTrace, without place.
  [[nodiscard]] Result<ByteView> unpack_column(ByteView packed, std::span<uint8_t>& room);

 private:
  ZSTD_DCtx_s* context_;
  std::vector<uint8_t> planes_;
};

}  // namespace reprise
