// The fixed bytes around everything in a trace: file header, chunk header, trailer. Little-endian; FORMAT.md is normative.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "trace_format/event.h"
#include "trace_format/io.h"
#include "trace_format/status.h"
#include "trace_format/trace_writer.h"

namespace reprise {

inline constexpr uint16_t kFormatMajor = 2;
inline constexpr uint16_t kFormatMinor = 2;

enum class FileKind : uint32_t { kTrace = 0, kStream = 1, kRunInfo = 2, kKeptChunks = 3 };

inline constexpr size_t kFileHeaderBytes = 32;
using FileHeaderBytes = std::array<uint8_t, kFileHeaderBytes>;
/// `stream` is kNetwork unless `kind` is kStream.
[[nodiscard]] FileHeaderBytes encode_file_header(FileKind kind, StreamId stream);
/// kBadTrace when `source` does not start with this header, or has another major version.
[[nodiscard]] Status check_file_header(const ByteSource& source, FileKind kind, StreamId stream);

/// The header's magic and checksum are right, whatever it says.
[[nodiscard]] bool has_sound_file_header(const ByteSource& source);

/// What a chunk holds. A reader steps over kinds that it does not know, and a rewrite keeps them.
enum class ChunkKind : uint16_t { kGuest = 0, kNetwork = 1, kRun = 2, kPage = 3, kRoot = 4 };
inline constexpr uint16_t kKnownChunkKinds = 5;

/// What a chunk says about itself before its body.
struct ChunkHeader {
  StreamId stream;
  ChunkKind kind = ChunkKind::kGuest;
  uint64_t sequence = 0;  ///< of the chunk in its stream, from 0
  VirtualTime first;      ///< of its first event; of the end in a chunk without events
  VirtualTime last;
  uint64_t clock_reads = 0;      ///< network: frames delivered
  uint64_t frames_sent = 0;      ///< network: frames dropped
  uint64_t frames_received = 0;  ///< network: 0
  uint64_t console_bytes = 0;    ///< network: 0
  EventNumbers before;          ///< of the same counts, in the stream's chunks before this one: what is left after damage is numbered right
  uint64_t bytes_received = 0;  ///< payload bytes of the frames received; network: 0
  bool ends = false;            ///< the stream's last chunk
  uint32_t raw_size = 0;        ///< uncompressed: the columns together, or the message
  uint32_t stored_size = 0;     ///< body
  bool operator==(const ChunkHeader&) const = default;
};

inline constexpr size_t kChunkHeaderBytes = 128;
inline constexpr size_t kChunkChecksumAt = 120;
using ChunkHeaderBytes = std::array<uint8_t, kChunkHeaderBytes>;
/// With the checksum over header and `body`.
[[nodiscard]] ChunkHeaderBytes encode_chunk_header(const ChunkHeader& header, ByteView body);
/// The checksum of a stored chunk.
[[nodiscard]] uint64_t chunk_checksum(ByteView header_bytes, ByteView body);
/// Checks magic, ranges and limits (not the checksum). Of a kind that this program does not know, magic and stored size only. The message
/// says what is wrong, without place.
[[nodiscard]] Result<ChunkHeader> decode_chunk_header(const ChunkHeaderBytes& bytes);
[[nodiscard]] inline bool is_known(ChunkKind kind) {
  return static_cast<uint16_t>(kind) < kKnownChunkKinds;
}
/// The first eight bytes of every chunk: the mark to look for after damage.
[[nodiscard]] ByteView chunk_magic();
/// "" if `next` may follow `previous` (nullptr: be the first) in its stream, else what is wrong.
[[nodiscard]] std::string continuity_error(const ChunkHeader* previous, const ChunkHeader& next);
/// The numbers of the events after the chunk.
[[nodiscard]] EventNumbers numbers_after(const ChunkHeader& header);

/// The end of a trace. The second copy of the run's chunk and the root's chunk lie before it, without a gap.
struct Trailer {
  uint64_t run_offset = 0;
  uint64_t root_offset = 0;
};
inline constexpr size_t kTrailerBytes = 40;
using TrailerBytes = std::array<uint8_t, kTrailerBytes>;
/// `file_bytes`: with the trailer.
[[nodiscard]] TrailerBytes encode_trailer(const Trailer& trailer, uint64_t file_bytes);
/// Reads and checks the end of `source`, limits included.
[[nodiscard]] Result<Trailer> read_trailer(const ByteSource& source);

/// "network" or "guest 3".
[[nodiscard]] std::string stream_name(StreamId stream);

}  // namespace reprise
