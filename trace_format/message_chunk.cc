#include "trace_format/message_chunk.h"

#include <fmt/format.h>

#include <cstring>

namespace reprise {
namespace {

Result<std::vector<uint64_t>> unpack_body(ByteView body, uint64_t announced) {
  ASSIGN_OR_RETURN(const uint64_t size, Decompressor::content_size(body, announced));
  if (size != announced || size % sizeof(uint64_t) != 0) {
    return Error{ErrorKind::kBadTrace,
                 fmt::format("its message has {} bytes, not the {} announced, or no whole number of words", size, announced)};
  }
  std::vector<uint64_t> words(size / sizeof(uint64_t));
  Decompressor decompressor;
  RETURN_IF_ERROR(decompressor.decompress(body, {reinterpret_cast<uint8_t*>(words.data()), static_cast<size_t>(size)}));
  return words;
}

}  // namespace

std::vector<uint64_t> message_words(capnp::MessageBuilder& builder) {
  const kj::Array<capnp::word> flat = capnp::messageToFlatArray(builder);
  std::vector<uint64_t> words(flat.size());
  std::memcpy(words.data(), flat.begin(), words.size() * sizeof(uint64_t));
  return words;
}

Result<std::vector<uint8_t>> pack_message(ChunkKind kind, StreamId stream, uint64_t sequence, const std::vector<uint64_t>& words) {
  const uint64_t size = words.size() * sizeof(uint64_t);
  if (size > kMaxMessageRawBytes) {
    return Error{ErrorKind::kUsage,
                 fmt::format("{} bytes of {}; a trace holds at most {}", size,
                             kind == ChunkKind::kRun ? "platform, deployment and command lines" : "index", kMaxMessageRawBytes)};
  }
  std::vector<uint8_t> body;
  Compressor compressor;
  compressor.compress({reinterpret_cast<const uint8_t*>(words.data()), size}, body);
  ChunkHeader header;
  header.kind = kind;
  header.stream = stream;
  header.sequence = sequence;
  header.raw_size = static_cast<uint32_t>(size);
  header.stored_size = static_cast<uint32_t>(body.size());
  const ChunkHeaderBytes head = encode_chunk_header(header, body);
  std::vector<uint8_t> out(head.begin(), head.end());
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

Result<std::vector<uint64_t>> unpack_message(ByteView stored, ChunkKind kind, StreamId stream, uint64_t sequence) {
  ASSIGN_OR_RETURN(const ChunkHeader header, check_stored_chunk(stored));
  if (header.kind != kind || header.stream != stream) {
    return Error{ErrorKind::kBadTrace, "another kind of chunk stands where it belongs"};
  }
  if (header.sequence != sequence) {
    return Error{ErrorKind::kBadTrace, fmt::format("number {} stands where number {} belongs", header.sequence, sequence)};
  }
  return unpack_body(stored.subspan(kChunkHeaderBytes), header.raw_size);
}

Result<std::vector<uint64_t>> unpack_unnumbered_message(ByteView stored) {
  ASSIGN_OR_RETURN([[maybe_unused]] const ChunkHeader header, check_stored_chunk(stored));
  const ByteView body = stored.subspan(kChunkHeaderBytes);
  ASSIGN_OR_RETURN(const uint64_t size, Decompressor::content_size(body, kMaxMessageRawBytes));
  return unpack_body(body, size);
}

}  // namespace reprise
