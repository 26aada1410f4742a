#include "tests/damage/damaged_trace.h"

#include <cstdlib>
#include <string_view>

#include "tests/memory_file.h"
#include "tests/trace_format/sample_run.h"
#include "trace_format/verify.h"

namespace reprise::testing {

bool full_form() {
  const char* form = std::getenv("REPRISE_DAMAGE");
  return form != nullptr && std::string_view(form) == "full";
}

DamagedTrace::DamagedTrace(int events) {
  const TemporaryFolder folder;
  write_trace(random_script(4, events), folder / "run.trace");
  bytes_ = file_bytes(folder / "run.trace");
  const uint64_t end = bytes_.size() - kTrailerBytes;
  const MemorySource source(bytes_);
  parts_.push_back({Part::Kind::kHeader, 0, kFileHeaderBytes, {}});
  std::vector<uint8_t> stored;
  for (uint64_t at = kFileHeaderBytes; at < end; at += stored.size()) {
    const Result<ChunkHeader> chunk = read_stored_chunk(source, at, end, stored);
    CHECK(chunk.ok());
    parts_.push_back({Part::Kind::kChunk, at, stored.size(), *chunk});
  }
  parts_.push_back({Part::Kind::kTrailer, end, kTrailerBytes, {}});
  CHECK(verify(bytes_.size()).ok());
}

Status DamagedTrace::read(const Part& part) const {
  const MemorySource source(bytes_);
  switch (part.kind) {
    case Part::Kind::kHeader:
      return check_file_header(source, FileKind::kTrace, StreamId::network());
    case Part::Kind::kTrailer: {
      const Result<Trailer> trailer = read_trailer(source);
      return trailer.ok() ? Status{} : Status(trailer.error());
    }
    case Part::Kind::kChunk:
      break;
  }
  const Result<ChunkHeader> chunk = check_stored_chunk(ByteView(bytes_).subspan(part.offset, part.size));
  return chunk.ok() ? Status{} : Status(chunk.error());
}

Status DamagedTrace::verify(uint64_t size) const {
  const Result<VerifiedTrace> sound = verify_trace(MemorySource(ByteView(bytes_).first(size)));
  return sound.ok() ? Status{} : Status(sound.error());
}

::testing::AssertionResult is_bad_trace(const Status& status) {
  if (status.ok()) {
    return ::testing::AssertionFailure() << "not noticed";
  }
  const bool names_it = status.error().message.find(": ") != std::string::npos && status.error().message.find('\n') == std::string::npos;
  if (status.error().kind != ErrorKind::kBadTrace || !names_it) {
    return ::testing::AssertionFailure() << "exit code " << static_cast<int>(status.error().kind) << ": " << status.error().message;
  }
  return ::testing::AssertionSuccess();
}

}  // namespace reprise::testing
