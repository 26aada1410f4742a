// Reads a trace from end to end.
#pragma once

#include <filesystem>

#include "trace_format/status.h"

namespace reprise {

/// Every byte, checksum, digest and event of the trace, the statistics in its footer, and the payload of every received frame.
/// The errors of TraceReader::open(); kBadTrace with the first thing that is wrong.
[[nodiscard]] Status verify_trace(const std::filesystem::path& path);

}  // namespace reprise
