// A sound trace in memory, cut into the parts that stand for themselves.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/framing.h"

namespace reprise::testing {

/// The suites try everything with REPRISE_DAMAGE=full, else a sample that takes seconds.
[[nodiscard]] bool full_form();

/// File header, trailer, or a chunk of any kind.
struct Part {
  enum class Kind { kHeader, kChunk, kTrailer };
  Kind kind = Kind::kChunk;
  uint64_t offset = 0;
  uint64_t size = 0;
  ChunkHeader chunk;  ///< of a chunk
};

/// Its bytes may be damaged, and must be mended before the next damage.
class DamagedTrace {
 public:
  /// `events` events make chunks of about 1 KiB. Fails the test when they cannot be written.
  explicit DamagedTrace(int events);

  [[nodiscard]] std::vector<uint8_t>& bytes() { return bytes_; }
  /// They follow one another without a gap from the first byte to the last.
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
  void flip(uint64_t bit) { bytes_[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8); }

  /// Reads one part alone, as far as its checksum.
  [[nodiscard]] Status read(const Part& part) const;
  /// verify_trace() of the first `size` bytes.
  [[nodiscard]] Status verify(uint64_t size) const;

 private:
  std::vector<uint8_t> bytes_;
  std::vector<Part> parts_;
};

/// kBadTrace, and a line that names the file.
[[nodiscard]] ::testing::AssertionResult is_bad_trace(const Status& status);

}  // namespace reprise::testing
