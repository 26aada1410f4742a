// The end of a trace: provenance, where each chunk is, statistics, digests. All but the provenance can be rebuilt from the chunks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/framing.h"
#include "trace_format/io.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

struct ChunkRecord {
  ChunkHeader header;
  uint64_t offset = 0;  ///< of the header in the file
  Digest digest{};
};

struct StreamIndex {
  StreamId stream;
  std::vector<ChunkRecord> chunks;
  GuestStatistics guest;      ///< guest streams
  NetworkStatistics network;  ///< the network stream; sums over the chunks
};

struct Footer {
  RunInfo run;
  std::vector<StreamIndex> streams;  ///< the network, then the guests in order; none in run.info

  [[nodiscard]] const StreamIndex& network() const { return streams[0]; }
  [[nodiscard]] const StreamIndex& guest(GuestIndex guest) const { return streams[1 + guest.value]; }
};

/// The digests of `stream`'s chunks, in order.
[[nodiscard]] std::vector<Digest> chunk_digests_of(const StreamIndex& stream);

/// Adds a checked chunk, stored at `offset`, to its stream.
void add_chunk(StreamIndex& stream, const LoadedChunk& chunk, uint64_t offset);

/// "" or which limit `run` breaks: number of guests, names.
[[nodiscard]] std::string run_info_error(const RunInfo& run);

/// Writes footer and trailer to `sink`, at byte `offset` of its file. kUsage when `footer` is above a limit.
[[nodiscard]] Status write_footer(ByteSink& sink, uint64_t offset, const Footer& footer);

/// Reads header, trailer and footer of a file of `kind` and checks all that can be checked without the chunks.
[[nodiscard]] Result<Footer> read_footer(const ByteSource& source, FileKind kind);

}  // namespace reprise
