// Finds the sound chunks of a file that may be damaged anywhere, by their magic bytes and checksums.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "trace_format/framing.h"
#include "trace_format/io.h"
#include "trace_format/status.h"

namespace reprise {

struct ScanResult {
  uint64_t sound_chunks = 0;
  uint64_t lost_bytes = 0;  ///< that belong to no sound chunk; the file header and a trailer that is there do not count
};

/// Calls `found(header, stored)` for each sound chunk in the order of the file, of unknown kinds too; an error that it returns ends the
/// scan. Memory does not grow with the file. kBadTrace when the file cannot be read, or says that it is of another major version.
[[nodiscard]] Result<ScanResult> scan_chunks(const ByteSource& source,
                                             const std::function<Status(const ChunkHeader& header, ByteView stored)>& found);

}  // namespace reprise
