#include "trace_format/framing.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cstring>
#include <memory>

#include "trace_format/byte_codec.h"
#include "trace_format/limits.h"

namespace reprise {
namespace {

// As PNG's: a byte outside ASCII and both line ends, so that a transfer that changes text is noticed at the first look.
constexpr std::array<uint8_t, 8> kFileMagic = {0x89, 'R', 'P', 'R', '\r', '\n', 0x1a, '\n'};
constexpr std::array<uint8_t, 8> kChunkMagic = {0x89, 'R', 'P', 'R', 'C', 'H', 'N', 'K'};
constexpr std::array<uint8_t, 8> kTrailerMagic = {0x89, 'R', 'P', 'R', 'T', 'A', 'I', 'L'};

constexpr size_t kFileChecksumAt = 24;
constexpr size_t kTrailerChecksumAt = 24;
constexpr size_t kTrailerMagicAt = 32;
constexpr uint16_t kEndsFlag = 1;

bool starts_with(const uint8_t* bytes, const std::array<uint8_t, 8>& magic) {
  return std::memcmp(bytes, magic.data(), magic.size()) == 0;
}

Error bad_trace(std::string message) {
  return Error{ErrorKind::kBadTrace, std::move(message)};
}

const char* file_kind_name(uint32_t kind) {
  switch (kind) {
    case static_cast<uint32_t>(FileKind::kTrace):
      return "a trace";
    case static_cast<uint32_t>(FileKind::kStream):
      return "a stream of an unfinished run";
    case static_cast<uint32_t>(FileKind::kRunInfo):
      return "the run.info of an unfinished run";
    case static_cast<uint32_t>(FileKind::kKeptChunks):
      return "the kept.chunks of an unfinished run";
    default:
      return "an unknown kind of file";
  }
}

bool adds_up(const EventNumbers& before, const EventNumbers& after) {
  return after.clock_reads >= before.clock_reads && after.frames_sent >= before.frames_sent &&
         after.frames_received >= before.frames_received && after.console_bytes >= before.console_bytes;
}

/// "" or what the header of a chunk without events says though it has nothing to say it of.
std::string message_header_error(const ChunkHeader& header) {
  ChunkHeader plain;
  plain.stream = header.kind == ChunkKind::kPage ? header.stream : StreamId::network();
  plain.kind = header.kind;
  plain.sequence = header.kind == ChunkKind::kPage ? header.sequence : 0;
  plain.raw_size = header.raw_size;
  plain.stored_size = header.stored_size;
  return header == plain ? "" : "a stream, number, mark, time or count in the header of a chunk that has none";
}

/// "" or which range or limit the header of a known kind breaks.
std::string range_error(const ChunkHeader& header) {
  const bool events = header.kind == ChunkKind::kGuest || header.kind == ChunkKind::kNetwork;
  if (header.stream.is_network() != (header.kind == ChunkKind::kNetwork) && events) {
    return "its kind is not that of its stream";
  }
  if (!events) {
    if (std::string wrong = message_header_error(header); !wrong.empty()) {
      return wrong;
    }
  }
  if (!header.stream.is_network() && header.stream.value >= kMaxGuests) {
    return fmt::format("stream number {} is above the limit of {}", header.stream.value, kMaxGuests - 1);
  }
  if (header.first.ns < 0 || header.last < header.first) {
    return fmt::format("times {} to {} ns are not in order", header.first.ns, header.last.ns);
  }
  const uint32_t largest = events ? kMaxChunkRawBytes : kMaxMessageRawBytes;
  if (header.raw_size > largest) {
    return fmt::format("{} bytes uncompressed; the limit is {}", header.raw_size, largest);
  }
  // A clock read may cost nothing (runs), all else costs at least a byte of the body.
  const uint64_t size = header.raw_size;
  const uint64_t others = header.kind == ChunkKind::kNetwork ? header.clock_reads : 0;
  if (others > size || header.frames_sent > size || header.frames_received > size || header.console_bytes > size ||
      header.bytes_received > size * kMaxFrameBytes) {
    return "more events than its body can hold";
  }
  if (!adds_up(header.before, numbers_after(header))) {
    return "more events than can be numbered";
  }
  const EventNumbers& before = header.before;
  if (header.kind == ChunkKind::kNetwork &&
      (header.frames_received | header.console_bytes | header.bytes_received | before.frames_received | before.console_bytes) != 0) {
    return "a guest's counts in a chunk of the network";
  }
  return "";
}

}  // namespace

ByteView chunk_magic() {
  return kChunkMagic;
}

FileHeaderBytes encode_file_header(FileKind kind, StreamId stream) {
  FileHeaderBytes bytes = {};
  std::memcpy(bytes.data(), kFileMagic.data(), kFileMagic.size());
  store_le<uint16_t>(&bytes[8], kFormatMajor);
  store_le<uint16_t>(&bytes[10], kFormatMinor);
  store_le<uint32_t>(&bytes[12], static_cast<uint32_t>(kind));
  store_le<uint32_t>(&bytes[16], stream.value);
  store_le<uint64_t>(&bytes[kFileChecksumAt], XXH3_64bits(bytes.data(), kFileChecksumAt));
  return bytes;
}

Status check_file_header(const ByteSource& source, FileKind kind, StreamId stream) {
  FileHeaderBytes bytes;
  if (source.size() < bytes.size()) {
    return bad_trace(fmt::format("{}: not a Reprise trace: only {} bytes long", source.name(), source.size()));
  }
  RETURN_IF_ERROR(source.read_at(0, bytes));
  if (!starts_with(bytes.data(), kFileMagic)) {
    return bad_trace(fmt::format("{}: not a Reprise trace: it does not begin with the magic bytes", source.name()));
  }
  if (load_le<uint64_t>(&bytes[kFileChecksumAt]) != XXH3_64bits(bytes.data(), kFileChecksumAt)) {
    return bad_trace(fmt::format("{}: the file header is damaged: checksum mismatch at byte {}", source.name(), kFileChecksumAt));
  }
  const auto major = load_le<uint16_t>(&bytes[8]);
  if (major != kFormatMajor) {
    return bad_trace(fmt::format("{}: trace format {}.{}; this program reads {}.x: use the release that wrote it", source.name(), major,
                                 load_le<uint16_t>(&bytes[10]), kFormatMajor));
  }
  const auto found = load_le<uint32_t>(&bytes[12]);
  if (found != static_cast<uint32_t>(kind)) {
    return bad_trace(
        fmt::format("{}: this is {}, not {}", source.name(), file_kind_name(found), file_kind_name(static_cast<uint32_t>(kind))));
  }
  if (load_le<uint32_t>(&bytes[20]) != 0) {
    return bad_trace(
        fmt::format("{}: the file header's bytes 20 to 23 are not 0, as they must be in format {}.x", source.name(), kFormatMajor));
  }
  const StreamId found_stream{load_le<uint32_t>(&bytes[16])};
  if (found_stream != stream) {
    return bad_trace(fmt::format("{}: holds the stream of {}, not of {}", source.name(), stream_name(found_stream), stream_name(stream)));
  }
  return {};
}

bool has_sound_file_header(const ByteSource& source) {
  FileHeaderBytes bytes;
  return source.size() >= bytes.size() && source.read_at(0, bytes).ok() && starts_with(bytes.data(), kFileMagic) &&
         load_le<uint64_t>(&bytes[kFileChecksumAt]) == XXH3_64bits(bytes.data(), kFileChecksumAt);
}

ChunkHeaderBytes encode_chunk_header(const ChunkHeader& header, ByteView body) {
  ChunkHeaderBytes bytes = {};
  std::memcpy(bytes.data(), kChunkMagic.data(), kChunkMagic.size());
  store_le<uint32_t>(&bytes[8], header.stream.value);
  store_le<uint16_t>(&bytes[12], static_cast<uint16_t>(header.kind));
  store_le<uint16_t>(&bytes[14], header.ends ? kEndsFlag : 0);
  store_le<uint64_t>(&bytes[16], header.sequence);
  store_le<int64_t>(&bytes[24], header.first.ns);
  store_le<int64_t>(&bytes[32], header.last.ns);
  store_le<uint64_t>(&bytes[40], header.clock_reads);
  store_le<uint64_t>(&bytes[48], header.frames_sent);
  store_le<uint64_t>(&bytes[56], header.frames_received);
  store_le<uint64_t>(&bytes[64], header.console_bytes);
  store_le<uint64_t>(&bytes[72], header.before.clock_reads);
  store_le<uint64_t>(&bytes[80], header.before.frames_sent);
  store_le<uint64_t>(&bytes[88], header.before.frames_received);
  store_le<uint64_t>(&bytes[96], header.before.console_bytes);
  store_le<uint64_t>(&bytes[104], header.bytes_received);
  store_le<uint32_t>(&bytes[112], header.raw_size);
  store_le<uint32_t>(&bytes[116], header.stored_size);
  store_le<uint64_t>(&bytes[kChunkChecksumAt], chunk_checksum(bytes, body));
  return bytes;
}

uint64_t chunk_checksum(ByteView header_bytes, ByteView body) {
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), &XXH3_freeState);
  CHECK(state != nullptr);
  XXH3_64bits_reset(state.get());
  XXH3_64bits_update(state.get(), header_bytes.data(), kChunkChecksumAt);
  XXH3_64bits_update(state.get(), body.data(), body.size());
  return XXH3_64bits_digest(state.get());
}

Result<ChunkHeader> decode_chunk_header(const ChunkHeaderBytes& bytes) {
  if (!starts_with(bytes.data(), kChunkMagic)) {
    return bad_trace("no chunk begins here (magic bytes missing)");
  }
  ChunkHeader header;
  header.stream.value = load_le<uint32_t>(&bytes[8]);
  header.kind = static_cast<ChunkKind>(load_le<uint16_t>(&bytes[12]));
  header.stored_size = load_le<uint32_t>(&bytes[116]);
  if (header.stored_size == 0 || header.stored_size > kMaxStoredBytes) {
    return bad_trace(fmt::format("body of {} bytes; allowed are 1 to {}", header.stored_size, kMaxStoredBytes));
  }
  if (!is_known(header.kind)) {
    return header;
  }
  const auto flags = load_le<uint16_t>(&bytes[14]);
  header.ends = flags == kEndsFlag;
  header.sequence = load_le<uint64_t>(&bytes[16]);
  header.first.ns = load_le<int64_t>(&bytes[24]);
  header.last.ns = load_le<int64_t>(&bytes[32]);
  header.clock_reads = load_le<uint64_t>(&bytes[40]);
  header.frames_sent = load_le<uint64_t>(&bytes[48]);
  header.frames_received = load_le<uint64_t>(&bytes[56]);
  header.console_bytes = load_le<uint64_t>(&bytes[64]);
  header.before = {load_le<uint64_t>(&bytes[72]), load_le<uint64_t>(&bytes[80]), load_le<uint64_t>(&bytes[88]),
                   load_le<uint64_t>(&bytes[96])};
  header.bytes_received = load_le<uint64_t>(&bytes[104]);
  header.raw_size = load_le<uint32_t>(&bytes[112]);
  if (flags > kEndsFlag) {
    return bad_trace("flags that this program does not know");
  }
  if (std::string wrong = range_error(header); !wrong.empty()) {
    return bad_trace(std::move(wrong));
  }
  return header;
}

EventNumbers numbers_after(const ChunkHeader& header) {
  return {header.before.clock_reads + header.clock_reads, header.before.frames_sent + header.frames_sent,
          header.before.frames_received + header.frames_received, header.before.console_bytes + header.console_bytes};
}

std::string continuity_error(const ChunkHeader* previous, const ChunkHeader& next) {
  const uint64_t sequence = previous != nullptr ? previous->sequence + 1 : 0;
  if (next.sequence != sequence) {
    return fmt::format("chunk {} where chunk {} belongs", next.sequence, sequence);
  }
  if (previous == nullptr) {
    return "";
  }
  if (next.stream != previous->stream) {
    return fmt::format("a chunk of {} in the stream of {}", stream_name(next.stream), stream_name(previous->stream));
  }
  if (previous->ends) {
    return "a chunk after the stream's end";
  }
  if (next.first < previous->last) {
    return fmt::format("time goes back from {} to {} ns", previous->last.ns, next.first.ns);
  }
  if (next.before != numbers_after(*previous)) {
    return "its events are not numbered on from the chunk before it";
  }
  return "";
}

TrailerBytes encode_trailer(const Trailer& trailer, uint64_t file_bytes) {
  TrailerBytes bytes = {};
  store_le<uint64_t>(&bytes[0], trailer.run_offset);
  store_le<uint64_t>(&bytes[8], trailer.root_offset);
  store_le<uint64_t>(&bytes[16], file_bytes);
  store_le<uint64_t>(&bytes[kTrailerChecksumAt], XXH3_64bits(bytes.data(), kTrailerChecksumAt));
  std::memcpy(&bytes[kTrailerMagicAt], kTrailerMagic.data(), kTrailerMagic.size());
  return bytes;
}

Result<Trailer> read_trailer(const ByteSource& source) {
  TrailerBytes bytes;
  if (source.size() < kFileHeaderBytes + kTrailerBytes) {
    return bad_trace(fmt::format("{}: truncated: {} bytes are too short for a complete trace", source.name(), source.size()));
  }
  const uint64_t at = source.size() - kTrailerBytes;
  RETURN_IF_ERROR(source.read_at(at, bytes));
  if (!starts_with(&bytes[kTrailerMagicAt], kTrailerMagic)) {
    return bad_trace(
        fmt::format("{}: truncated: no trailer in the last {} bytes; 'reprise recover' keeps what is there", source.name(), kTrailerBytes));
  }
  if (load_le<uint64_t>(&bytes[kTrailerChecksumAt]) != XXH3_64bits(bytes.data(), kTrailerChecksumAt)) {
    return bad_trace(fmt::format("{}: the trailer at byte {} is damaged: checksum mismatch", source.name(), at));
  }
  const Trailer trailer{load_le<uint64_t>(&bytes[0]), load_le<uint64_t>(&bytes[8])};
  const auto file_bytes = load_le<uint64_t>(&bytes[16]);
  if (file_bytes != source.size()) {
    return bad_trace(fmt::format("{}: {} bytes long, its trailer says {}", source.name(), source.size(), file_bytes));
  }
  if (trailer.run_offset < kFileHeaderBytes || trailer.root_offset <= trailer.run_offset || trailer.root_offset >= at) {
    return bad_trace(fmt::format("{}: the trailer at byte {} points to bytes {} and {}, which are not in order", source.name(), at,
                                 trailer.run_offset, trailer.root_offset));
  }
  return trailer;
}

std::string stream_name(StreamId stream) {
  return stream.is_network() ? "network" : fmt::format("guest {}", stream.value);
}

}  // namespace reprise
