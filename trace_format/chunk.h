// A chunk of events between columns and bytes: zstd, Cap'n Proto message, checksum, and every check that makes its events safe to decode.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "trace_format/columns.h"
#include "trace_format/compression.h"
#include "trace_format/framing.h"
#include "trace_format/io.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// The chunk of events as it is stored, header first, into `out` (replaced). `kind` and sizes in `header` are set here.
void pack_chunk(ChunkHeader& header, const ColumnBuffers& columns, Compressor& compressor, std::vector<uint8_t>& out);

/// A chunk of events in memory. Reused, so that walking a stream allocates only while the buffer grows to the largest chunk.
struct LoadedChunk {
  ChunkHeader header;
  ColumnViews columns;  ///< into `raw`
  Digest digest{};
  GuestStatistics guest;                                 ///< of this chunk alone; first and last as in the header
  std::array<uint32_t, kMaxColumnCount> stored_sizes{};  ///< of each column as stored
  std::vector<uint8_t> raw;
};

/// Reads chunks of events. What it accepts, the decoders give to the end without failing.
class ChunkLoader {
 public:
  /// Reads the chunk at `offset`, which must end at or before `end`. Errors are kBadTrace and name file, chunk and byte.
  [[nodiscard]] Status load(const ByteSource& source, uint64_t offset, uint64_t end, LoadedChunk& chunk);
  /// The same of a chunk in memory; messages are without place.
  [[nodiscard]] Status unpack(ByteView stored, LoadedChunk& chunk);
  /// The same of a chunk whose bytes read_stored_chunk() has checked, which gave `header`.
  [[nodiscard]] Status unpack_checked(const ChunkHeader& header, ByteView stored, LoadedChunk& chunk);
  /// The bytes of the chunk that load() gave last, header and body.
  [[nodiscard]] ByteView stored() const { return stored_; }

 private:
  [[nodiscard]] Status unpack_columns(ByteView body, LoadedChunk& chunk);

  Decompressor decompressor_;
  std::vector<uint8_t> stored_;
};

/// Reads header and body of the chunk at `offset` into `stored` (replaced) and checks the checksum; the kind is any. It must end at or
/// before `end`. Errors are kBadTrace, without place.
[[nodiscard]] Result<ChunkHeader> read_stored_chunk(const ByteSource& source, uint64_t offset, uint64_t end, std::vector<uint8_t>& stored);
/// The same of bytes in memory, which must be exactly one chunk.
[[nodiscard]] Result<ChunkHeader> check_stored_chunk(ByteView stored);

/// Goes over all events of the chunk in time proportional to its bytes: values in range, times in order and as the header says, counts as
/// the header says, nothing left over. Fills `guest` of a guest's chunk. Returns what is wrong, or "".
[[nodiscard]] std::string check_columns(LoadedChunk& chunk);

}  // namespace reprise
