// Reads a trace from end to end.
#pragma once

#include <cstdint>
#include <filesystem>

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

/// Checks every byte, checksum, digest and event of the trace, its index and statistics against its chunks, and that each received frame is
/// there. The errors of TraceReader::open(); kBadTrace with the first thing that is wrong, and how many chunks before it are sound. Not
/// checked: the bytes of received frames, summed (a chunk's header says them; a cursor gives the frames themselves).
[[nodiscard]] Result<VerifiedTrace> verify_trace(const std::filesystem::path& path);

}  // namespace reprise
