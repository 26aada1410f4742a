#include "trace_format/compression.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>

#include "trace_format/byte_codec.h"
#include "trace_format/columns.h"
#include "trace_format/varint_planes.h"

namespace reprise {
namespace {

// Level 3 is zstd's default. Above it a level gains less than a tenth for five times the time; on payload and on planes of noise level 1 is
// within 0.3 % of it, or better, in a third of the time. Long-distance matching gains nothing within a chunk; no dictionary was tried.
constexpr int kLevel = 3;
constexpr int kFastLevel = 1;

// What a smaller column cannot win: a zstd frame's own header, block and table.
constexpr size_t kSmallestCompressed = 24;
// Below this the tables of the planes cost more than the planes gain.
constexpr size_t kSmallestPlanes = 256;

Error bad_trace(std::string message) {
  return Error{ErrorKind::kBadTrace, std::move(message)};
}

}  // namespace

Compressor::Compressor() : context_(ZSTD_createCCtx()) {
  CHECK(context_ != nullptr);
}

Compressor::~Compressor() {
  ZSTD_freeCCtx(context_);
}

void Compressor::compress(ByteView raw, std::vector<uint8_t>& out) {
  compress_at(kLevel, raw, out);
}

void Compressor::compress_at(int level, ByteView raw, std::vector<uint8_t>& out) {
  ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
  const size_t before = out.size();
  out.resize(before + ZSTD_compressBound(raw.size()));
  const size_t size = ZSTD_compress2(context_, out.data() + before, out.size() - before, raw.data(), raw.size());
  CHECK(ZSTD_isError(size) == 0);  // the bound was enough, and there is nothing else to fail
  out.resize(before + size);
}

// One frame, in which each plane begins a block: so each has an entropy table of its own.
void Compressor::compress_planes(ByteView raw, std::vector<uint8_t>& out) {
  ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kFastLevel);
  CHECK(ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(context_, raw.size())) == 0);
  const size_t before = out.size();
  // A flush costs at most a block's header and its table.
  constexpr size_t kBlockBytes = 256;
  out.resize(before + ZSTD_compressBound(raw.size()) + plane_sizes_.size() * kBlockBytes);
  ZSTD_outBuffer output = {out.data() + before, out.size() - before, 0};
  size_t at = 0;
  for (size_t i = 0; i < plane_sizes_.size(); ++i) {
    ZSTD_inBuffer input = {planes_.data() + at, plane_sizes_[i], 0};
    const ZSTD_EndDirective directive = i + 1 == plane_sizes_.size() ? ZSTD_e_end : ZSTD_e_flush;
    while (ZSTD_compressStream2(context_, &output, &input, directive) != 0) {
      CHECK(output.pos < output.size);
    }
    at += plane_sizes_[i];
  }
  out.resize(before + output.pos);
}

void Compressor::pack_column(ByteView raw, ColumnContent content, std::vector<uint8_t>& out) {
  out.clear();
  if (raw.empty()) {
    return;
  }
  if (raw.size() >= kSmallestCompressed) {
    out.push_back(static_cast<uint8_t>(ColumnCodec::kZstd));
    compress_at(content == ColumnContent::kPayload ? kFastLevel : kLevel, raw, out);
  }
  planes_.clear();
  plane_sizes_.clear();
  if (content == ColumnContent::kVarints && raw.size() >= kSmallestPlanes && split_varints(raw, planes_, plane_sizes_)) {
    other_.assign(1, static_cast<uint8_t>(ColumnCodec::kVarintPlanes));
    put_varint(other_, plane_sizes_.front());
    compress_planes(raw, other_);
    if (other_.size() < out.size()) {
      out.swap(other_);
    }
  }
  if (out.empty() || out.size() > raw.size()) {
    out.assign(1, static_cast<uint8_t>(ColumnCodec::kRaw));
    out.insert(out.end(), raw.begin(), raw.end());
  }
}

Decompressor::Decompressor() : context_(ZSTD_createDCtx()) {
  CHECK(context_ != nullptr);
}

Decompressor::~Decompressor() {
  ZSTD_freeDCtx(context_);
}

Result<uint64_t> Decompressor::content_size(ByteView stored, uint64_t limit) {
  // Both before anything is allocated. A second frame after the first would be decompressed too, hence the first check.
  if (ZSTD_findFrameCompressedSize(stored.data(), stored.size()) != stored.size()) {
    return bad_trace("not exactly one zstd frame");
  }
  const uint64_t size = ZSTD_getFrameContentSize(stored.data(), stored.size());
  if (size > limit) {  // ZSTD_CONTENTSIZE_UNKNOWN and _ERROR are the largest numbers
    return bad_trace(fmt::format("a zstd frame of an unknown size, or of more than the {} bytes that were announced", limit));
  }
  return size;
}

Status Decompressor::decompress(ByteView stored, std::span<uint8_t> raw) {
  const size_t size = ZSTD_decompressDCtx(context_, raw.data(), raw.size(), stored.data(), stored.size());
  if (ZSTD_isError(size) != 0) {
    return bad_trace(fmt::format("zstd cannot decompress it: {}", ZSTD_getErrorName(size)));
  }
  if (size != raw.size()) {
    return bad_trace("shorter than announced when decompressed");
  }
  return {};
}

Result<ByteView> Decompressor::unpack_column(ByteView packed, std::span<uint8_t>& room) {
  const uint8_t codec = packed[0];
  ByteView stored = packed.subspan(1);
  if (codec > static_cast<uint8_t>(ColumnCodec::kVarintPlanes)) {
    return bad_trace(fmt::format("a column stored in a way (number {}) that this program does not know", codec));
  }
  if (codec == static_cast<uint8_t>(ColumnCodec::kRaw)) {
    if (stored.size() > room.size()) {
      return bad_trace("its columns are longer than announced");
    }
    const std::span<uint8_t> column = room.first(stored.size());
    room = room.subspan(stored.size());
    std::copy(stored.begin(), stored.end(), column.begin());
    return ByteView(column);
  }
  uint64_t count = 0;
  if (codec == static_cast<uint8_t>(ColumnCodec::kVarintPlanes)) {
    ColumnReader reader(stored);
    count = reader.varint();
    stored = reader.rest();
  }
  ASSIGN_OR_RETURN(const uint64_t size, content_size(stored, room.size()));
  const std::span<uint8_t> column = room.first(size);
  room = room.subspan(size);
  if (codec == static_cast<uint8_t>(ColumnCodec::kZstd)) {
    RETURN_IF_ERROR(decompress(stored, column));
    return ByteView(column);
  }
  planes_.resize(size);
  RETURN_IF_ERROR(decompress(stored, planes_));
  if (!join_varints(planes_, count, column)) {
    return bad_trace("a column whose planes are not those of its varints");
  }
  return ByteView(column);
}

}  // namespace reprise
