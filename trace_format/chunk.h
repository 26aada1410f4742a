// A chunk between columns and bytes: Cap'n Proto message, zstd, checksum, and every check that makes its events safe to decode.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "trace_format/columns.h"
#include "trace_format/framing.h"
#include "trace_format/io.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace reprise {

/// zstd with its working memory kept from call to call.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  /// Writes the compressed `raw` to the end of `out`.
  void compress(ByteView raw, std::vector<uint8_t>& out);

 private:
  ZSTD_CCtx_s* context_;
};

class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  /// `stored` must be one zstd frame of exactly `raw_size` bytes (a multiple of 8, already checked against a limit). The words are `raw`.
  [[nodiscard]] Status decompress(ByteView stored, uint64_t raw_size, std::vector<uint64_t>& raw);

 private:
  ZSTD_DCtx_s* context_;
};

/// The chunk as it is stored, header first, into `out` (replaced). Sizes in `header` are set here.
void pack_chunk(ChunkHeader& header, const ColumnBuffers& columns, Compressor& compressor, std::vector<uint8_t>& out);

/// A chunk in memory. Reused, so that walking a stream allocates only while the buffers grow to the largest chunk.
struct LoadedChunk {
  ChunkHeader header;
  ColumnViews columns;  ///< into `raw`
  Digest digest{};
  GuestStatistics guest;  ///< of this chunk alone; first and last as in the header
  std::vector<uint64_t> raw;
};

/// Reads chunks of a file. What load() accepts, the decoders give to the end without failing.
class ChunkLoader {
 public:
  /// Reads the chunk at `offset`, which must end at or before `end`. Errors are kBadTrace and name file, chunk and byte.
  [[nodiscard]] Status load(const ByteSource& source, uint64_t offset, uint64_t end, LoadedChunk& chunk);
  /// The bytes of the chunk that load() gave last, header and body.
  [[nodiscard]] ByteView stored() const { return stored_; }

 private:
  [[nodiscard]] Status read(const ByteSource& source, uint64_t offset, uint64_t end, ChunkHeader& header);

  Decompressor decompressor_;
  std::vector<uint8_t> stored_;
};

/// Goes over all events of the chunk in time proportional to its bytes: values in range, times in order and as the header says, counts as
/// the header says, nothing left over. Fills `guest` of a guest's chunk. Returns what is wrong, or "".
[[nodiscard]] std::string check_columns(LoadedChunk& chunk);

/// Adds the statistics of the next chunk of a stream.
void add_statistics(GuestStatistics& sum, const GuestStatistics& chunk, bool first_chunk);

}  // namespace reprise
