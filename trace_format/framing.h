// The fixed bytes around chunks and footer: file header, chunk header, trailer. Little-endian; FORMAT.md is normative.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "trace_format/event.h"
#include "trace_format/io.h"
#include "trace_format/status.h"
#include "trace_format/trace_writer.h"

namespace reprise {

inline constexpr uint16_t kFormatMajor = 1;
inline constexpr uint16_t kFormatMinor = 0;

enum class FileKind : uint32_t { kTrace = 0, kStream = 1, kRunInfo = 2 };

inline constexpr size_t kFileHeaderBytes = 32;
using FileHeaderBytes = std::array<uint8_t, kFileHeaderBytes>;
/// `stream` is kNetwork unless `kind` is kStream.
[[nodiscard]] FileHeaderBytes encode_file_header(FileKind kind, StreamId stream);
/// kBadTrace when `source` does not start with this header, or has another major version.
[[nodiscard]] Status check_file_header(const ByteSource& source, FileKind kind, StreamId stream);

/// What a chunk says about itself before its body.
struct ChunkHeader {
  StreamId stream;
  uint64_t sequence = 0;  ///< of the chunk in its stream, from 0
  VirtualTime first;      ///< of its first event; of the end in a chunk without events
  VirtualTime last;
  uint64_t clock_reads = 0;       ///< network: frames delivered
  uint64_t frames_sent = 0;       ///< network: frames dropped
  uint64_t frames_received = 0;   ///< network: 0
  uint64_t console_bytes = 0;     ///< network: 0
  uint64_t first_sent_frame = 0;  ///< frames sent in the stream before this chunk; network: 0
  bool ends = false;              ///< the stream's last chunk
  uint32_t raw_size = 0;
  uint32_t stored_size = 0;
  bool operator==(const ChunkHeader&) const = default;
};

inline constexpr size_t kChunkHeaderBytes = 104;
inline constexpr size_t kChunkChecksumAt = 96;
using ChunkHeaderBytes = std::array<uint8_t, kChunkHeaderBytes>;
/// With the checksum over header and `body`.
[[nodiscard]] ChunkHeaderBytes encode_chunk_header(const ChunkHeader& header, ByteView body);
/// The checksum of a stored chunk.
[[nodiscard]] uint64_t chunk_checksum(ByteView header_bytes, ByteView body);
/// Checks magic, ranges and limits (not the checksum). The message says what is wrong, without place.
[[nodiscard]] Result<ChunkHeader> decode_chunk_header(const ChunkHeaderBytes& bytes);
/// "" if `next` may follow `previous` (nullptr: be the first) in its stream, else what is wrong.
[[nodiscard]] std::string continuity_error(const ChunkHeader* previous, const ChunkHeader& next);

struct Trailer {
  uint64_t footer_offset = 0;
  uint64_t footer_stored = 0;
  uint64_t footer_raw = 0;
  uint64_t footer_checksum = 0;
};
inline constexpr size_t kTrailerBytes = 48;
using TrailerBytes = std::array<uint8_t, kTrailerBytes>;
[[nodiscard]] TrailerBytes encode_trailer(const Trailer& trailer);
/// Reads and checks the end of `source`, limits included.
[[nodiscard]] Result<Trailer> read_trailer(const ByteSource& source);

/// "network" or "guest 3".
[[nodiscard]] std::string stream_name(StreamId stream);

}  // namespace reprise
