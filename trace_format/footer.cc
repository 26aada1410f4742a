#include "trace_format/footer.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "trace_format/limits.h"
#include "trace_format/run_info_codec.h"
#include "trace_format/schema.h"

namespace reprise {
namespace {

constexpr uint64_t kFooterSlackWords = 1024;

Error bad_trace(std::string message) {
  return Error{ErrorKind::kBadTrace, std::move(message)};
}

uint64_t load_be(const uint8_t* bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) {
    value = value << 8 | bytes[i];
  }
  return value;
}

void store_be(uint8_t* bytes, uint64_t value) {
  for (int i = 7; i >= 0; --i) {
    bytes[i] = static_cast<uint8_t>(value);
    value >>= 8;
  }
}

void build_chunk(schema::ChunkEntry::Builder builder, const ChunkRecord& record) {
  const ChunkHeader& header = record.header;
  builder.setOffset(record.offset);
  builder.setFirstNs(header.first.ns);
  builder.setLastNs(header.last.ns);
  builder.setClockReads(header.clock_reads);
  builder.setFramesSent(header.frames_sent);
  builder.setFramesReceived(header.frames_received);
  builder.setConsoleBytes(header.console_bytes);
  builder.setFirstSentFrame(header.first_sent_frame);
  builder.setDigestHigh(load_be(record.digest.data()));
  builder.setDigestLow(load_be(record.digest.data() + 8));
  builder.setRawSize(header.raw_size);
  builder.setStoredSize(header.stored_size);
  builder.setEnds(header.ends ? 1 : 0);
}

ChunkRecord read_chunk(schema::ChunkEntry::Reader reader, StreamId stream, uint64_t sequence) {
  ChunkRecord record;
  ChunkHeader& header = record.header;
  header.stream = stream;
  header.sequence = sequence;
  record.offset = reader.getOffset();
  header.first.ns = reader.getFirstNs();
  header.last.ns = reader.getLastNs();
  header.clock_reads = reader.getClockReads();
  header.frames_sent = reader.getFramesSent();
  header.frames_received = reader.getFramesReceived();
  header.console_bytes = reader.getConsoleBytes();
  header.first_sent_frame = reader.getFirstSentFrame();
  store_be(record.digest.data(), reader.getDigestHigh());
  store_be(record.digest.data() + 8, reader.getDigestLow());
  header.raw_size = reader.getRawSize();
  header.stored_size = reader.getStoredSize();
  header.ends = reader.getEnds() != 0;
  return record;
}

void build_stream(schema::StreamIndex::Builder builder, const StreamIndex& stream) {
  builder.setStream(stream.stream.value);
  auto chunks = builder.initChunks(static_cast<unsigned>(stream.chunks.size()));
  for (unsigned i = 0; i < chunks.size(); ++i) {
    build_chunk(chunks[i], stream.chunks[i]);
  }
  const Digest digest = digest_of_digests(chunk_digests_of(stream));
  builder.setDigest(capnp::Data::Reader(digest.data(), digest.size()));
  if (!stream.stream.is_network()) {
    auto statistics = builder.initGuest();
    statistics.setBytesSent(stream.guest.bytes_sent);
    statistics.setBytesReceived(stream.guest.bytes_received);
    auto reads = statistics.initClockReads(kClockSourceCount);
    for (unsigned i = 0; i < reads.size(); ++i) {
      reads.set(i, stream.guest.clock_reads[i]);
    }
    statistics.setEndReason(static_cast<uint8_t>(stream.guest.end_reason));
  }
}

// What the chunks' headers say about the stream; the rest of its statistics is in the footer alone.
void sum_headers(StreamIndex& stream) {
  for (const ChunkRecord& record : stream.chunks) {
    const ChunkHeader& header = record.header;
    if (stream.stream.is_network()) {
      stream.network.frames_delivered += header.clock_reads;
      stream.network.frames_dropped += header.frames_sent;
      continue;
    }
    stream.guest.frames_sent += header.frames_sent;
    stream.guest.frames_received += header.frames_received;
    stream.guest.console_bytes += header.console_bytes;
    stream.guest.last = header.last;
    stream.guest.ended = header.ends;
  }
  if (!stream.chunks.empty()) {
    stream.guest.first = stream.chunks.front().header.first;
  }
}

std::string read_statistics(schema::GuestStatistics::Reader reader, StreamIndex& stream) {
  GuestStatistics& statistics = stream.guest;
  statistics.bytes_sent = reader.getBytesSent();
  statistics.bytes_received = reader.getBytesReceived();
  const auto reads = reader.getClockReads();
  if (reads.size() > kClockSourceCount) {
    return "clock sources that this program does not know";
  }
  uint64_t sum = 0;
  for (unsigned i = 0; i < reads.size(); ++i) {
    statistics.clock_reads[i] = reads[i];
    sum += reads[i];
  }
  for (const ChunkRecord& record : stream.chunks) {
    sum -= record.header.clock_reads;
  }
  if (sum != 0) {
    return "clock reads by source do not add up to those of the chunks";
  }
  if (reader.getEndReason() > static_cast<uint8_t>(EndReason::kAborted)) {
    return "an end reason that this program does not know";
  }
  if (statistics.ended) {
    statistics.end_reason = static_cast<EndReason>(reader.getEndReason());
  }
  return "";
}

std::string read_stream(schema::StreamIndex::Reader reader, StreamId want, uint64_t& offset, StreamIndex& stream) {
  stream.stream = StreamId{reader.getStream()};
  if (stream.stream != want) {
    return fmt::format("the index of {} where that of {} belongs", stream_name(stream.stream), stream_name(want));
  }
  for (const auto entry : reader.getChunks()) {
    const ChunkRecord record = read_chunk(entry, want, stream.chunks.size());
    const ChunkHeader* const previous = stream.chunks.empty() ? nullptr : &stream.chunks.back().header;
    if (std::string wrong = continuity_error(previous, record.header); !wrong.empty()) {
      return fmt::format("{}: {}", stream_name(want), wrong);
    }
    // The chunks fill the file without gaps: no byte of it escapes the checksums.
    if (record.offset != offset) {
      return fmt::format("{}: chunk {} at byte {} instead of {}", stream_name(want), record.header.sequence, record.offset, offset);
    }
    if (record.header.first.ns < 0 || record.header.last < record.header.first || record.header.raw_size > kMaxChunkRawBytes) {
      return fmt::format("{}: chunk {}: times or sizes out of range", stream_name(want), record.header.sequence);
    }
    offset += kChunkHeaderBytes + record.header.stored_size;
    stream.chunks.push_back(record);
  }
  if (stream.chunks.empty() || !stream.chunks.back().header.ends) {
    return fmt::format("{}: the stream has no end", stream_name(want));
  }
  sum_headers(stream);
  const auto digest = reader.getDigest();
  const Digest expected = digest_of_digests(chunk_digests_of(stream));
  if (!std::equal(digest.begin(), digest.end(), expected.begin(), expected.end())) {
    return fmt::format("{}: the digest is not that of its chunks", stream_name(want));
  }
  return want.is_network() ? "" : read_statistics(reader.getGuest(), stream);
}

// "" or what is wrong; Cap'n Proto's exceptions end here.
std::string read_message(const std::vector<uint64_t>& raw, FileKind kind, uint64_t chunks_end, Footer& footer) {
  try {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = raw.size() + kFooterSlackWords;
    options.nestingLimit = 8;
    const auto words = kj::arrayPtr(reinterpret_cast<const capnp::word*>(raw.data()), raw.size());
    capnp::FlatArrayMessageReader reader(words, options);
    if (reader.getEnd() != words.end()) {
      return "bytes after its Cap'n Proto message";
    }
    const auto root = reader.getRoot<schema::Footer>();
    footer.run = read_run_info(root.getRun());
    if (std::string wrong = run_info_error(footer.run); !wrong.empty()) {
      return wrong;
    }
    const auto streams = root.getStreams();
    if (streams.size() != (kind == FileKind::kTrace ? footer.run.guests.size() + 1 : 0)) {
      return fmt::format("{} streams for {} guests", streams.size(), footer.run.guests.size());
    }
    uint64_t offset = kFileHeaderBytes;
    footer.streams.resize(streams.size());
    for (unsigned i = 0; i < streams.size(); ++i) {
      const StreamId want = i == 0 ? StreamId::network() : StreamId{i - 1};
      if (std::string wrong = read_stream(streams[i], want, offset, footer.streams[i]); !wrong.empty()) {
        return wrong;
      }
    }
    return offset == chunks_end ? "" : fmt::format("the chunks end at byte {}, the footer begins at byte {}", offset, chunks_end);
  } catch (const kj::Exception& e) {
    return fmt::format("not a valid Cap'n Proto message: {}", e.getDescription().cStr());
  }
}

uint64_t text_bytes(const RunInfo& run) {
  uint64_t bytes = run.platform_xml.size() + run.deployment_xml.size();
  for (const auto& option : run.simgrid_options) {
    bytes += option.size();
  }
  for (const GuestInfo& guest : run.guests) {
    for (const auto& argument : guest.command_line) {
      bytes += argument.size();
    }
  }
  return bytes;
}

}  // namespace

std::vector<Digest> chunk_digests_of(const StreamIndex& stream) {
  std::vector<Digest> digests;
  digests.reserve(stream.chunks.size());
  for (const ChunkRecord& record : stream.chunks) {
    digests.push_back(record.digest);
  }
  return digests;
}

void add_chunk(StreamIndex& stream, const LoadedChunk& chunk, uint64_t offset) {
  if (chunk.header.stream.is_network()) {
    stream.network.frames_delivered += chunk.header.clock_reads;
    stream.network.frames_dropped += chunk.header.frames_sent;
  } else {
    add_statistics(stream.guest, chunk.guest, stream.chunks.empty());
  }
  stream.chunks.push_back({chunk.header, offset, chunk.digest});
}

Status write_footer(ByteSink& sink, uint64_t offset, const Footer& footer) {
  const auto too_large = [](const std::string& what) { return Error{ErrorKind::kUsage, "the trace's footer cannot hold " + what}; };
  if (std::string wrong = run_info_error(footer.run); !wrong.empty()) {
    return too_large(wrong);
  }
  if (text_bytes(footer.run) > kMaxFooterRawBytes) {
    return too_large(fmt::format("platform, deployment and command lines of {} bytes", text_bytes(footer.run)));
  }
  capnp::MallocMessageBuilder message(1u << 14);
  auto root = message.initRoot<schema::Footer>();
  build_run_info(root.initRun(), footer.run);
  auto streams = root.initStreams(static_cast<unsigned>(footer.streams.size()));
  for (unsigned i = 0; i < streams.size(); ++i) {
    build_stream(streams[i], footer.streams[i]);
  }
  const kj::Array<capnp::word> flat = capnp::messageToFlatArray(message);
  const auto bytes = flat.asBytes();
  if (bytes.size() > kMaxFooterRawBytes) {
    return too_large(fmt::format("{} bytes; the limit is {} (about 500,000 chunks)", bytes.size(), kMaxFooterRawBytes));
  }
  std::vector<uint8_t> out;
  Compressor compressor;
  compressor.compress({bytes.begin(), bytes.size()}, out);
  const TrailerBytes trailer = encode_trailer({offset, out.size(), bytes.size(), XXH3_64bits(out.data(), out.size())});
  out.insert(out.end(), trailer.begin(), trailer.end());
  return sink.write(out);
}

Result<Footer> read_footer(const ByteSource& source, FileKind kind) {
  RETURN_IF_ERROR(check_file_header(source, kind, StreamId::network()));
  ASSIGN_OR_RETURN(const Trailer trailer, read_trailer(source));
  const auto place = [&](const std::string& what) {
    return bad_trace(fmt::format("{}: footer at byte {}: {}", source.name(), trailer.footer_offset, what));
  };
  // Within the file's size, which read_trailer() has checked: not an allocation that a lie can blow up.
  std::vector<uint8_t> stored(trailer.footer_stored);
  RETURN_IF_ERROR(source.read_at(trailer.footer_offset, stored));
  if (XXH3_64bits(stored.data(), stored.size()) != trailer.footer_checksum) {
    return place("checksum mismatch");
  }
  Decompressor decompressor;
  std::vector<uint64_t> raw;
  if (Status status = decompressor.decompress(stored, trailer.footer_raw, raw); !status.ok()) {
    return place(status.error().message);
  }
  Footer footer;
  if (std::string wrong = read_message(raw, kind, trailer.footer_offset, footer); !wrong.empty()) {
    return place(wrong);
  }
  return footer;
}

}  // namespace reprise
