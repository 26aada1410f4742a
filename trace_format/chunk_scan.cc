#include "trace_format/chunk_scan.h"

#include <algorithm>

#include "trace_format/chunk.h"

namespace reprise {
namespace {

constexpr size_t kWindowBytes = 256u << 10;

// What may be read in vain at marks that begin no sound chunk, in sizes of the file and beyond: a file full of marks would cost a read of 8
// MB at each.
constexpr uint64_t kVainReads = 16;
constexpr uint64_t kVainBytes = 64u << 20;

/// The first place at or after `from` where a chunk may begin; the end of the file when there is none.
Result<uint64_t> next_magic(const ByteSource& source, uint64_t from) {
  const ByteView magic = chunk_magic();
  std::vector<uint8_t> window;
  while (from + magic.size() <= source.size()) {
    window.resize(static_cast<size_t>(std::min<uint64_t>(kWindowBytes, source.size() - from)));
    RETURN_IF_ERROR(source.read_at(from, window));
    const auto found = std::search(window.begin(), window.end(), magic.begin(), magic.end());
    if (found != window.end()) {
      return from + static_cast<uint64_t>(found - window.begin());
    }
    // A magic that begins in this window may end in the next.
    from += window.size() - (magic.size() - 1);
  }
  return source.size();
}

}  // namespace

Result<ScanResult> scan_chunks(const ByteSource& source, const std::function<Status(const ChunkHeader& header, ByteView stored)>& found) {
  ScanResult result;
  uint64_t sound_bytes = 0;
  uint64_t vain_bytes = 0;
  std::vector<uint8_t> stored;
  uint64_t offset = 0;
  for (;;) {
    ASSIGN_OR_RETURN(offset, next_magic(source, offset));
    if (offset >= source.size()) {
      break;
    }
    const Result<ChunkHeader> header = read_stored_chunk(source, offset, source.size(), stored);
    if (!header.ok()) {
      vain_bytes += stored.size();
      if (vain_bytes > kVainReads * source.size() + kVainBytes) {
        return Error{ErrorKind::kBadTrace, source.name() + ": too many marks of chunks that are none: not a trace, or made to be slow"};
      }
      ++offset;
      continue;
    }
    RETURN_IF_ERROR(found(*header, stored));
    ++result.sound_chunks;
    sound_bytes += stored.size();
    offset += stored.size();
  }
  const uint64_t framing = kFileHeaderBytes + (read_trailer(source).ok() ? kTrailerBytes : 0);
  result.lost_bytes = source.size() - std::min(source.size(), sound_bytes + framing);
  return result;
}

}  // namespace reprise
