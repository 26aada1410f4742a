// How fast events go into a stream and come out of a trace.
#pragma once

#include <cstdint>
#include <filesystem>

#include "tests/bench/figures.h"
#include "trace_format/status.h"

namespace reprise::bench {

/// Appends `events` events of each kind to streams in `folder` (which it empties again).
[[nodiscard]] Status measure_appends(const std::filesystem::path& folder, uint64_t events, Figures& figures);

/// Writes traces of `events` clock reads, and of as many bytes of payload as 100 times that, in `folder`, and walks them.
[[nodiscard]] Status measure_decoding(const std::filesystem::path& folder, uint64_t events, Figures& figures);

}  // namespace reprise::bench
