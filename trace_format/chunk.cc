#include "trace_format/chunk.h"

#include <fmt/format.h>
#include <algorithm>

#include "trace_format/byte_codec.h"
#include "trace_format/limits.h"
#include "trace_format/schema.h"

namespace reprise {
namespace {

// Segment table, struct pointers and the padding of each column.
constexpr size_t kMessageOverheadWords = 64;

Error bad_trace(std::string message) {
  return Error{ErrorKind::kBadTrace, std::move(message)};
}

using PackedColumns = std::array<std::vector<uint8_t>, kMaxColumnCount>;

ColumnContent content_of(bool network, size_t column) {
  if (network) {
    return column == kVerdict ? ColumnContent::kBytes : ColumnContent::kVarints;
  }
  switch (column) {
    case kSentPayload:
    case kEmbeddedPayload:
      return ColumnContent::kPayload;
    case kConsoleBytes:
    case kInputBytes:
    case kEndColumn:
      return ColumnContent::kBytes;
    default:
      return ColumnContent::kVarints;
  }
}

capnp::Data::Reader data_of(const std::vector<uint8_t>& column) {
  return {column.data(), column.size()};
}

ByteView view_of(capnp::Data::Reader data) {
  return {data.begin(), data.size()};
}

void build_guest(schema::GuestColumns::Builder builder, const PackedColumns& data) {
  builder.setOrder(data_of(data[kOrder]));
  builder.setClockGroup(data_of(data[kClockGroup]));
  builder.setClockTime(data_of(data[kClockTime]));
  builder.setClockValue(data_of(data[kClockValue]));
  builder.setSentTime(data_of(data[kSentTime]));
  builder.setSentSize(data_of(data[kSentSize]));
  builder.setSentPayload(data_of(data[kSentPayload]));
  builder.setReceivedTime(data_of(data[kReceivedTime]));
  builder.setReceivedSender(data_of(data[kReceivedSender]));
  builder.setReceivedFrame(data_of(data[kReceivedFrame]));
  builder.setEmbeddedSize(data_of(data[kEmbeddedSize]));
  builder.setEmbeddedPayload(data_of(data[kEmbeddedPayload]));
  builder.setConsoleTime(data_of(data[kConsoleTime]));
  builder.setConsoleBytes(data_of(data[kConsoleBytes]));
  builder.setEnd(data_of(data[kEndColumn]));
}

void build_guest_with_input(schema::GuestColumnsWithInput::Builder builder, const PackedColumns& data) {
  build_guest(builder.initColumns(), data);
  builder.setInputTime(data_of(data[kInputTime]));
  builder.setInputBytes(data_of(data[kInputBytes]));
}

void build_network(schema::NetworkColumns::Builder builder, const PackedColumns& data) {
  builder.setVerdict(data_of(data[kVerdict]));
  builder.setTime(data_of(data[kNetworkTime]));
  builder.setTransit(data_of(data[kTransit]));
  builder.setSender(data_of(data[kNetworkSender]));
  builder.setFrame(data_of(data[kNetworkFrame]));
  builder.setReceiver(data_of(data[kReceiver]));
}

void read_guest(schema::GuestColumns::Reader reader, ColumnViews& views) {
  views[kOrder] = view_of(reader.getOrder());
  views[kClockGroup] = view_of(reader.getClockGroup());
  views[kClockTime] = view_of(reader.getClockTime());
  views[kClockValue] = view_of(reader.getClockValue());
  views[kSentTime] = view_of(reader.getSentTime());
  views[kSentSize] = view_of(reader.getSentSize());
  views[kSentPayload] = view_of(reader.getSentPayload());
  views[kReceivedTime] = view_of(reader.getReceivedTime());
  views[kReceivedSender] = view_of(reader.getReceivedSender());
  views[kReceivedFrame] = view_of(reader.getReceivedFrame());
  views[kEmbeddedSize] = view_of(reader.getEmbeddedSize());
  views[kEmbeddedPayload] = view_of(reader.getEmbeddedPayload());
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

void read_guest_with_input(schema::GuestColumnsWithInput::Reader reader, ColumnViews& views) {
  read_guest(reader.getColumns(), views);
  views[kInputTime] = view_of(reader.getInputTime());
  views[kInputBytes] = view_of(reader.getInputBytes());
}

// The packed columns of a body, as views into it. "" or what is wrong. Cap'n Proto reports bad pointers by exceptions; they end here.
std::string read_message(ByteView body, bool network, ColumnViews& packed, bool& with_input) {
  if (body.size() % sizeof(capnp::word) != 0) {
    return "its body is not a whole number of words";
  }
  try {
    capnp::ReaderOptions options;
    // Each column is looked at once, so a message that points many times at the same bytes runs into this.
    options.traversalLimitInWords = body.size() / sizeof(capnp::word) + kMessageOverheadWords;
    options.nestingLimit = 5;
    const auto words = kj::arrayPtr(reinterpret_cast<const capnp::word*>(body.data()), body.size() / sizeof(capnp::word));
    capnp::FlatArrayMessageReader reader(words, options);
    if (reader.getEnd() != words.end()) {
      return "bytes after its Cap'n Proto message";
    }
    const auto root = reader.getRoot<schema::Chunk>();
    if (network && root.isNetwork()) {
      read_network(root.getNetwork(), packed);
      return "";
    }
    if (!network && root.isGuest()) {
      read_guest(root.getGuest(), packed);
      return "";
    }
    if (!network && root.isGuestWithInput()) {
      read_guest_with_input(root.getGuestWithInput(), packed);
      with_input = true;
      return "";
    }
    return "its columns are not those of its stream";
  } catch (const kj::Exception& e) {
    return fmt::format("not a valid Cap'n Proto message: {}", e.getDescription().cStr());
  }
}

}  // namespace

void pack_chunk(ChunkHeader& header, const ColumnBuffers& columns, Compressor& compressor, std::vector<uint8_t>& out) {
  PackedColumns packed;
  size_t words = kMessageOverheadWords;
  size_t raw_size = 0;
  for (size_t i = 0; i < kMaxColumnCount; ++i) {
    compressor.pack_column(columns.data[i], content_of(header.stream.is_network(), i), packed[i]);
    words += packed[i].size() / 8 + 1;
    raw_size += columns.data[i].size();
  }
  CHECK(raw_size <= kMaxChunkRawBytes);
  // One segment that holds it all: the bytes then do not depend on how Cap'n Proto grows a message.
  capnp::MallocMessageBuilder message(static_cast<unsigned>(words), capnp::AllocationStrategy::FIXED_SIZE);
  auto root = message.initRoot<schema::Chunk>();
  header.kind = header.stream.is_network() ? ChunkKind::kNetwork : ChunkKind::kGuest;
  if (header.stream.is_network()) {
    build_network(root.initNetwork(), packed);
  } else if (column_count(false, views_of(columns)) == kGuestColumnCount) {
    build_guest_with_input(root.initGuestWithInput(), packed);
  } else {
    build_guest(root.initGuest(), packed);
  }
  const kj::Array<capnp::word> flat = capnp::messageToFlatArray(message);
  const auto bytes = flat.asBytes();
  header.raw_size = static_cast<uint32_t>(raw_size);
  header.stored_size = static_cast<uint32_t>(bytes.size());
  const ChunkHeaderBytes head = encode_chunk_header(header, {bytes.begin(), bytes.size()});
  out.assign(head.begin(), head.end());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Result<ChunkHeader> read_stored_chunk(const ByteSource& source, uint64_t offset, uint64_t end, std::vector<uint8_t>& stored) {
  if (offset > end || end - offset < kChunkHeaderBytes) {
    return bad_trace(fmt::format("{} bytes are too short for a chunk: truncated", offset > end ? 0 : end - offset));
  }
  ChunkHeaderBytes head;
  RETURN_IF_ERROR(source.read_at(offset, head));
  ASSIGN_OR_RETURN(const ChunkHeader header, decode_chunk_header(head));
  if (header.stored_size > end - offset - kChunkHeaderBytes) {
    return bad_trace(fmt::format("its {} bytes reach beyond byte {}: truncated", header.stored_size, end));
  }
  stored.resize(kChunkHeaderBytes + header.stored_size);
  std::copy(head.begin(), head.end(), stored.begin());
  RETURN_IF_ERROR(source.read_at(offset + kChunkHeaderBytes, std::span(stored).subspan(kChunkHeaderBytes)));
  return check_stored_chunk(stored);
}

Result<ChunkHeader> check_stored_chunk(ByteView stored) {
  if (stored.size() < kChunkHeaderBytes) {
    return bad_trace(fmt::format("{} bytes are too short for a chunk: truncated", stored.size()));
  }
  ChunkHeaderBytes head;
  std::copy_n(stored.begin(), head.size(), head.begin());
  ASSIGN_OR_RETURN(const ChunkHeader header, decode_chunk_header(head));
  if (header.stored_size != stored.size() - kChunkHeaderBytes) {
    return bad_trace("it has not the size that it announces");
  }
  const auto want = load_le<uint64_t>(&head[kChunkChecksumAt]);
  const uint64_t got = chunk_checksum(head, stored.subspan(kChunkHeaderBytes));
  if (want != got) {
    return bad_trace(fmt::format("checksum mismatch (want {:016x}, got {:016x})", want, got));
  }
  return header;
}

Status ChunkLoader::load(const ByteSource& source, uint64_t offset, uint64_t end, LoadedChunk& chunk) {
  Result<ChunkHeader> header = read_stored_chunk(source, offset, end, stored_);
  Status status = header.ok() ? Status() : Status(header.error());
  if (status.ok()) {
    chunk.header = *header;
    status = unpack_columns(stored().subspan(kChunkHeaderBytes), chunk);
  }
  return status.ok() ? status : bad_trace(fmt::format("{}: chunk at byte {}: {}", source.name(), offset, status.error().message));
}

Status ChunkLoader::unpack(ByteView stored, LoadedChunk& chunk) {
  ASSIGN_OR_RETURN(const ChunkHeader header, check_stored_chunk(stored));
  return unpack_checked(header, stored, chunk);
}

Status ChunkLoader::unpack_checked(const ChunkHeader& header, ByteView stored, LoadedChunk& chunk) {
  chunk.header = header;
  return unpack_columns(stored.subspan(kChunkHeaderBytes), chunk);
}

Status ChunkLoader::unpack_columns(ByteView body, LoadedChunk& chunk) {
  const ChunkKind kind = chunk.header.kind;
  if (kind != ChunkKind::kGuest && kind != ChunkKind::kNetwork) {
    return bad_trace("it holds no events");
  }
  const bool network = kind == ChunkKind::kNetwork;
  ColumnViews packed;
  bool with_input = false;
  if (const std::string wrong = read_message(body, network, packed, with_input); !wrong.empty()) {
    return bad_trace(wrong);
  }
  chunk.raw.resize(chunk.header.raw_size);
  std::span<uint8_t> room(chunk.raw);
  for (size_t i = 0; i < kMaxColumnCount; ++i) {
    chunk.columns[i] = {};
    chunk.stored_sizes[i] = static_cast<uint32_t>(packed[i].size());
    if (!packed[i].empty()) {
      ASSIGN_OR_RETURN(chunk.columns[i], decompressor_.unpack_column(packed[i], room));
    }
  }
  if (!room.empty()) {
    return bad_trace(fmt::format("its columns are {} bytes shorter than announced", room.size()));
  }
  if (with_input && (chunk.columns[kInputTime].empty() || chunk.columns[kInputBytes].empty())) {
    return bad_trace("columns for console input, but none in them");
  }
  if (const std::string wrong = check_columns(chunk); !wrong.empty()) {
    return bad_trace(wrong);
  }
  chunk.digest = digest_columns(chunk.columns, column_count(network, chunk.columns), chunk.header.first, chunk.header.last);
  return {};
}

}  // namespace reprise
