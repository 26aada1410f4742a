// Chunks that hold one Cap'n Proto message under zstd: run information, root, pages of the index. For .cc files of this folder only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/framing.h"
#include "trace_format/limits.h"
#include "trace_format/schema.h"
#include "trace_format/status.h"

namespace reprise {

/// The words of a message, segment table first, and `builder`'s bytes in them.
[[nodiscard]] std::vector<uint64_t> message_words(capnp::MessageBuilder& builder);

/// The chunk as it is stored, header first. kUsage when the message is above the limit.
[[nodiscard]] Result<std::vector<uint8_t>> pack_message(ChunkKind kind, StreamId stream, uint64_t sequence,
                                                        const std::vector<uint64_t>& words);

/// The message's words. `stored` is one chunk, as check_stored_chunk() accepts it. Errors are kBadTrace, without place.
[[nodiscard]] Result<std::vector<uint64_t>> unpack_message(ByteView stored, ChunkKind kind, StreamId stream, uint64_t sequence = 0);

/// The same of a chunk whose header has nothing but kind and size (FORMAT.md, kind 5).
[[nodiscard]] Result<std::vector<uint64_t>> unpack_unnumbered_message(ByteView stored);

/// Calls `read(root)`, which returns "" or what is wrong. Cap'n Proto reports bad pointers by exceptions; they end here.
template <typename Root, typename Read>
[[nodiscard]] std::string read_message_root(const std::vector<uint64_t>& words, Read read) {
  // A message that points many times at the same bytes runs into the limit; each is looked at once or twice.
  constexpr uint64_t kSlackWords = 1024;
  try {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 2 * words.size() + kSlackWords;
    options.nestingLimit = 8;
    const auto array = kj::arrayPtr(reinterpret_cast<const capnp::word*>(words.data()), words.size());
    capnp::FlatArrayMessageReader reader(array, options);
    if (reader.getEnd() != array.end()) {
      return "bytes after its Cap'n Proto message";
    }
    return read(reader.getRoot<Root>());
  } catch (const kj::Exception& e) {
    return std::string("not a valid Cap'n Proto message: ") + e.getDescription().cStr();
  }
}

}  // namespace reprise
