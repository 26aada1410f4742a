#include "trace_format/chunk.h"

#include <fmt/format.h>
#include <zstd.h>

#include <new>

#include "trace_format/byte_codec.h"
#include "trace_format/limits.h"
#include "trace_format/schema.h"

namespace reprise {
namespace {

// Level 3 is zstd's default: on recorded boots level 1 is larger and no faster where it matters, levels above 6 cost a core.
constexpr int kCompressionLevel = 3;

// Segment table, struct pointers and the padding of each column.
constexpr size_t kMessageOverheadWords = 64;

Error bad_trace(std::string message) {
  return Error{ErrorKind::kBadTrace, std::move(message)};
}

capnp::Data::Reader data_of(const std::vector<uint8_t>& column) {
  return {column.data(), column.size()};
}

ByteView view_of(capnp::Data::Reader data) {
  return {data.begin(), data.size()};
}

void build_guest(schema::GuestColumns::Builder builder, const ColumnBuffers& columns) {
  const auto& data = columns.data;
  builder.setOrder(data_of(data[kOrder]));
  builder.setClockRule(data_of(data[kClockRule]));
  builder.setClockTime(data_of(data[kClockTime]));
  builder.setClockCount(data_of(data[kClockCount]));
  builder.setClockValue(data_of(data[kClockValue]));
  builder.setSentTime(data_of(data[kSentTime]));
  builder.setSentSize(data_of(data[kSentSize]));
  builder.setSentPayload(data_of(data[kSentPayload]));
  builder.setReceivedTime(data_of(data[kReceivedTime]));
  builder.setReceivedSender(data_of(data[kReceivedSender]));
  builder.setReceivedFrame(data_of(data[kReceivedFrame]));
  builder.setReceivedSize(data_of(data[kReceivedSize]));
  builder.setConsoleTime(data_of(data[kConsoleTime]));
  builder.setConsoleBytes(data_of(data[kConsoleBytes]));
  builder.setEnd(data_of(data[kEndColumn]));
}

void build_network(schema::NetworkColumns::Builder builder, const ColumnBuffers& columns) {
  const auto& data = columns.data;
  builder.setVerdict(data_of(data[kVerdict]));
  builder.setTime(data_of(data[kNetworkTime]));
  builder.setTransit(data_of(data[kTransit]));
  builder.setSender(data_of(data[kNetworkSender]));
  builder.setFrame(data_of(data[kNetworkFrame]));
  builder.setReceiver(data_of(data[kReceiver]));
}

void read_guest(schema::GuestColumns::Reader reader, ColumnViews& views) {
  views[kOrder] = view_of(reader.getOrder());
  views[kClockRule] = view_of(reader.getClockRule());
  views[kClockTime] = view_of(reader.getClockTime());
  views[kClockCount] = view_of(reader.getClockCount());
  views[kClockValue] = view_of(reader.getClockValue());
  views[kSentTime] = view_of(reader.getSentTime());
  views[kSentSize] = view_of(reader.getSentSize());
  views[kSentPayload] = view_of(reader.getSentPayload());
  views[kReceivedTime] = view_of(reader.getReceivedTime());
  views[kReceivedSender] = view_of(reader.getReceivedSender());
  views[kReceivedFrame] = view_of(reader.getReceivedFrame());
  views[kReceivedSize] = view_of(reader.getReceivedSize());
  views[kConsoleTime] = view_of(reader.getConsoleTime());
  views[kConsoleBytes] = view_of(reader.getConsoleBytes());
  views[kEndColumn] = view_of(reader.getEnd());
}

void read_network(schema::NetworkColumns::Reader reader, ColumnViews& views) {
  views[kVerdict] = view_of(reader.getVerdict());
  views[kNetworkTime] = view_of(reader.getTime());
  views[kTransit] = view_of(reader.getTransit());
  views[kNetworkSender] = view_of(reader.getSender());
  views[kNetworkFrame] = view_of(reader.getFrame());
  views[kReceiver] = view_of(reader.getReceiver());
}

// "" or what is wrong. Cap'n Proto reports bad pointers by exceptions; they end here.
std::string read_message(LoadedChunk& chunk) {
  try {
    capnp::ReaderOptions options;
    // Each column is looked at once, so a message that points many times at the same bytes runs into this.
    options.traversalLimitInWords = chunk.raw.size() + kMessageOverheadWords;
    options.nestingLimit = 4;
    const auto words = kj::arrayPtr(reinterpret_cast<const capnp::word*>(chunk.raw.data()), chunk.raw.size());
    capnp::FlatArrayMessageReader reader(words, options);
    if (reader.getEnd() != words.end()) {
      return "bytes after its Cap'n Proto message";
    }
    const auto root = reader.getRoot<schema::Chunk>();
    chunk.columns = {};
    if (chunk.header.stream.is_network() && root.isNetwork()) {
      read_network(root.getNetwork(), chunk.columns);
      return "";
    }
    if (!chunk.header.stream.is_network() && root.isGuest()) {
      read_guest(root.getGuest(), chunk.columns);
      return "";
    }
    return "its columns are not those of its stream";
  } catch (const kj::Exception& e) {
    return fmt::format("not a valid Cap'n Proto message: {}", e.getDescription().cStr());
  }
}

}  // namespace

Compressor::Compressor() : context_(ZSTD_createCCtx()) {
  CHECK(context_ != nullptr);
  ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kCompressionLevel);
}

Compressor::~Compressor() {
  ZSTD_freeCCtx(context_);
}

void Compressor::compress(ByteView raw, std::vector<uint8_t>& out) {
  const size_t before = out.size();
  out.resize(before + ZSTD_compressBound(raw.size()));
  const size_t size = ZSTD_compress2(context_, out.data() + before, out.size() - before, raw.data(), raw.size());
  CHECK(ZSTD_isError(size) == 0);  // the bound was enough, and there is nothing else to fail
  out.resize(before + size);
}

Decompressor::Decompressor() : context_(ZSTD_createDCtx()) {
  CHECK(context_ != nullptr);
}

Decompressor::~Decompressor() {
  ZSTD_freeDCtx(context_);
}

Status Decompressor::decompress(ByteView stored, uint64_t raw_size, std::vector<uint64_t>& raw) {
  // Both before anything is allocated. A second frame after the first would be decompressed too, hence the second check.
  if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != raw_size) {
    return bad_trace("the zstd frame's size is not the one announced");
  }
  if (ZSTD_findFrameCompressedSize(stored.data(), stored.size()) != stored.size()) {
    return bad_trace("not exactly one zstd frame");
  }
  raw.resize(raw_size / sizeof(uint64_t));
  const size_t size = ZSTD_decompressDCtx(context_, raw.data(), raw_size, stored.data(), stored.size());
  if (ZSTD_isError(size) != 0) {
    return bad_trace(fmt::format("zstd cannot decompress it: {}", ZSTD_getErrorName(size)));
  }
  if (size != raw_size) {
    return bad_trace("shorter than announced when decompressed");
  }
  return {};
}

void pack_chunk(ChunkHeader& header, const ColumnBuffers& columns, Compressor& compressor, std::vector<uint8_t>& out) {
  size_t words = kMessageOverheadWords;
  for (const auto& column : columns.data) {
    words += column.size() / 8 + 1;
  }
  // One segment that holds it all: the bytes then do not depend on how Cap'n Proto grows a message.
  capnp::MallocMessageBuilder message(static_cast<unsigned>(words), capnp::AllocationStrategy::FIXED_SIZE);
  auto root = message.initRoot<schema::Chunk>();
  if (header.stream.is_network()) {
    build_network(root.initNetwork(), columns);
  } else {
    build_guest(root.initGuest(), columns);
  }
  const kj::Array<capnp::word> flat = capnp::messageToFlatArray(message);
  const auto bytes = flat.asBytes();
  CHECK(bytes.size() <= kMaxChunkRawBytes);

  out.assign(kChunkHeaderBytes, 0);
  compressor.compress({bytes.begin(), bytes.size()}, out);
  header.raw_size = static_cast<uint32_t>(bytes.size());
  header.stored_size = static_cast<uint32_t>(out.size() - kChunkHeaderBytes);
  const ChunkHeaderBytes head = encode_chunk_header(header, ByteView(out).subspan(kChunkHeaderBytes));
  std::copy(head.begin(), head.end(), out.begin());
}

Status ChunkLoader::read(const ByteSource& source, uint64_t offset, uint64_t end, ChunkHeader& header) {
  if (offset > end || end - offset < kChunkHeaderBytes) {
    return bad_trace(fmt::format("{} bytes are too short for a chunk: truncated", end - offset));
  }
  ChunkHeaderBytes head;
  RETURN_IF_ERROR(source.read_at(offset, head));
  ASSIGN_OR_RETURN(header, decode_chunk_header(head));
  if (header.stored_size > end - offset - kChunkHeaderBytes) {
    return bad_trace(fmt::format("its {} bytes reach beyond byte {}: truncated", header.stored_size, end));
  }
  stored_.resize(kChunkHeaderBytes + header.stored_size);
  std::copy(head.begin(), head.end(), stored_.begin());
  const auto body = std::span(stored_).subspan(kChunkHeaderBytes);
  RETURN_IF_ERROR(source.read_at(offset + kChunkHeaderBytes, body));
  const auto want = load_le<uint64_t>(&head[kChunkChecksumAt]);
  const uint64_t got = chunk_checksum(head, body);
  if (want != got) {
    return bad_trace(fmt::format("checksum mismatch (want {:016x}, got {:016x})", want, got));
  }
  return {};
}

Status ChunkLoader::load(const ByteSource& source, uint64_t offset, uint64_t end, LoadedChunk& chunk) {
  const auto place = [&](const std::string& what) {
    return bad_trace(fmt::format("{}: chunk at byte {}: {}", source.name(), offset, what));
  };
  if (Status status = read(source, offset, end, chunk.header); !status.ok()) {
    return place(status.error().message);
  }
  const ByteView body = stored().subspan(kChunkHeaderBytes);
  if (Status status = decompressor_.decompress(body, chunk.header.raw_size, chunk.raw); !status.ok()) {
    return place(status.error().message);
  }
  if (const std::string wrong = read_message(chunk); !wrong.empty()) {
    return place(wrong);
  }
  if (const std::string wrong = check_columns(chunk); !wrong.empty()) {
    return place(wrong);
  }
  const size_t columns = chunk.header.stream.is_network() ? size_t{kNetworkColumnCount} : size_t{kGuestColumnCount};
  chunk.digest = digest_columns(chunk.columns, columns, chunk.header.first, chunk.header.last);
  return {};
}

}  // namespace reprise
