#include "trace_format/framing.h"

#include <fmt/format.h>
#include <xxhash.h>
#include <zstd.h>

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
constexpr size_t kTrailerChecksumAt = 32;
constexpr size_t kTrailerMagicAt = 40;

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
    default:
      return "an unknown kind of file";
  }
}

}  // namespace

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
  const StreamId found_stream{load_le<uint32_t>(&bytes[16])};
  if (found_stream != stream || load_le<uint32_t>(&bytes[20]) != 0) {
    return bad_trace(fmt::format("{}: holds the stream of {}, not of {}", source.name(), stream_name(found_stream), stream_name(stream)));
  }
  return {};
}

ChunkHeaderBytes encode_chunk_header(const ChunkHeader& header, ByteView body) {
  ChunkHeaderBytes bytes = {};
  std::memcpy(bytes.data(), kChunkMagic.data(), kChunkMagic.size());
  store_le<uint32_t>(&bytes[8], header.stream.value);
  store_le<uint32_t>(&bytes[12], header.ends ? 1 : 0);
  store_le<uint64_t>(&bytes[16], header.sequence);
  store_le<int64_t>(&bytes[24], header.first.ns);
  store_le<int64_t>(&bytes[32], header.last.ns);
  store_le<uint64_t>(&bytes[40], header.clock_reads);
  store_le<uint64_t>(&bytes[48], header.frames_sent);
  store_le<uint64_t>(&bytes[56], header.frames_received);
  store_le<uint64_t>(&bytes[64], header.console_bytes);
  store_le<uint64_t>(&bytes[72], header.first_sent_frame);
  store_le<uint32_t>(&bytes[80], header.raw_size);
  store_le<uint32_t>(&bytes[84], header.stored_size);
  // 88..95 are zero: room for a minor version.
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
  const auto flags = load_le<uint32_t>(&bytes[12]);
  header.ends = flags == 1;
  header.sequence = load_le<uint64_t>(&bytes[16]);
  header.first.ns = load_le<int64_t>(&bytes[24]);
  header.last.ns = load_le<int64_t>(&bytes[32]);
  header.clock_reads = load_le<uint64_t>(&bytes[40]);
  header.frames_sent = load_le<uint64_t>(&bytes[48]);
  header.frames_received = load_le<uint64_t>(&bytes[56]);
  header.console_bytes = load_le<uint64_t>(&bytes[64]);
  header.first_sent_frame = load_le<uint64_t>(&bytes[72]);
  header.raw_size = load_le<uint32_t>(&bytes[80]);
  header.stored_size = load_le<uint32_t>(&bytes[84]);
  if (!header.stream.is_network() && header.stream.value >= kMaxGuests) {
    return bad_trace(fmt::format("stream number {} is above the limit of {}", header.stream.value, kMaxGuests - 1));
  }
  if (flags > 1 || load_le<uint64_t>(&bytes[88]) != 0) {
    return bad_trace("flags that this program does not know");
  }
  if (header.first.ns < 0 || header.last < header.first) {
    return bad_trace(fmt::format("times {} to {} ns are not in order", header.first.ns, header.last.ns));
  }
  if (header.raw_size == 0 || header.raw_size > kMaxChunkRawBytes || header.raw_size % 8 != 0) {
    return bad_trace(fmt::format("body of {} bytes; allowed are multiples of 8 up to {}", header.raw_size, kMaxChunkRawBytes));
  }
  if (header.stored_size == 0 || header.stored_size > ZSTD_COMPRESSBOUND(kMaxChunkRawBytes)) {
    return bad_trace(fmt::format("compressed body of {} bytes is above the limit", header.stored_size));
  }
  // A clock read may cost nothing (runs), all else costs at least a byte of the body.
  const uint64_t size = header.raw_size;
  const uint64_t others = header.stream.is_network() ? header.clock_reads : 0;
  if (others > size || header.frames_sent > size || header.frames_received > size || header.console_bytes > size) {
    return bad_trace("more events than its body can hold");
  }
  return header;
}

std::string continuity_error(const ChunkHeader* previous, const ChunkHeader& next) {
  const uint64_t sequence = previous != nullptr ? previous->sequence + 1 : 0;
  if (next.sequence != sequence) {
    return fmt::format("chunk {} where chunk {} belongs", next.sequence, sequence);
  }
  if (previous == nullptr) {
    return next.first_sent_frame == 0 ? "" : "the first chunk does not begin with frame 0";
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
  const uint64_t sent = next.stream.is_network() ? 0 : previous->frames_sent;
  if (next.first_sent_frame != previous->first_sent_frame + sent) {
    return fmt::format("its first sent frame is {}, the chunk before it ends before {}", next.first_sent_frame,
                       previous->first_sent_frame + sent);
  }
  return "";
}

TrailerBytes encode_trailer(const Trailer& trailer) {
  TrailerBytes bytes = {};
  store_le<uint64_t>(&bytes[0], trailer.footer_offset);
  store_le<uint64_t>(&bytes[8], trailer.footer_stored);
  store_le<uint64_t>(&bytes[16], trailer.footer_raw);
  store_le<uint64_t>(&bytes[24], trailer.footer_checksum);
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
    return bad_trace(fmt::format("{}: truncated: no trailer in the last {} bytes", source.name(), kTrailerBytes));
  }
  if (load_le<uint64_t>(&bytes[kTrailerChecksumAt]) != XXH3_64bits(bytes.data(), kTrailerChecksumAt)) {
    return bad_trace(fmt::format("{}: the trailer at byte {} is damaged: checksum mismatch", source.name(), at));
  }
  Trailer trailer;
  trailer.footer_offset = load_le<uint64_t>(&bytes[0]);
  trailer.footer_stored = load_le<uint64_t>(&bytes[8]);
  trailer.footer_raw = load_le<uint64_t>(&bytes[16]);
  trailer.footer_checksum = load_le<uint64_t>(&bytes[24]);
  if (trailer.footer_raw == 0 || trailer.footer_raw > kMaxFooterRawBytes || trailer.footer_raw % 8 != 0) {
    return bad_trace(
        fmt::format("{}: footer of {} bytes; allowed are multiples of 8 up to {}", source.name(), trailer.footer_raw, kMaxFooterRawBytes));
  }
  if (trailer.footer_stored > ZSTD_COMPRESSBOUND(kMaxFooterRawBytes) || trailer.footer_offset < kFileHeaderBytes ||
      trailer.footer_offset > at || trailer.footer_stored != at - trailer.footer_offset) {
    return bad_trace(fmt::format("{}: footer of {} bytes at byte {} does not end at the trailer (byte {})", source.name(),
                                 trailer.footer_stored, trailer.footer_offset, at));
  }
  return trailer;
}

std::string stream_name(StreamId stream) {
  return stream.is_network() ? "network" : fmt::format("guest {}", stream.value);
}

}  // namespace reprise
