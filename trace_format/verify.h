// Reads a trace from end to end.
#pragma once

#include <cstdint>
#include <filesystem>

#include "trace_format/age_keys.h"
#include "trace_format/io.h"
#include "trace_format/status.h"

namespace reprise {

/// What was found sound.
struct VerifiedTrace {
  uint64_t chunks = 0;  ///< of all kinds
  uint64_t clock_reads = 0;
  uint64_t frames_sent = 0;
  uint64_t frames_received = 0;
  uint64_t console_bytes = 0;
  uint64_t network_events = 0;
  uint64_t stored_bytes = 0;  ///< of the chunks of events
  uint64_t raw_bytes = 0;     ///< the same uncompressed
};

enum class VerifyDepth {
  kEvents,     ///< every byte, checksum, digest and event
  kChecksums,  ///< every byte is what was written, and the index finds each chunk: at the speed of the disk, without decompressing events
};

/// Checks every byte, checksum, digest and event of the trace, its index and statistics against its chunks, and that each frame that an
/// event refers to is there. The errors of TraceReader::open(); kBadTrace with the first thing that is wrong, and how many chunks before it
/// are sound. Not checked, because it would take each sender's chunks again for each reception: the bytes of received frames, summed (a
/// chunk's header says them), and when the frames were sent (FORMAT.md, "What a reader checks"). With kChecksums the counts of events are
/// those that the root says: a damaged file is found all the same, a wrong writer is not.
[[nodiscard]] Result<VerifiedTrace> verify_trace(const std::filesystem::path& path, const std::vector<AgeIdentity>& identities = {},
                                                 VerifyDepth depth = VerifyDepth::kEvents);
/// The same of bytes that need not be a file.
[[nodiscard]] Result<VerifiedTrace> verify_trace(const ByteSource& source, VerifyDepth depth = VerifyDepth::kEvents);

}  // namespace reprise
