// How small traces of real guests are.
#pragma once

#include <filesystem>

#include "tests/bench/figures.h"
#include "trace_format/status.h"

namespace reprise::bench {

/// Runs trace_size.py, which records real guests and says how, in `folder`: two minutes.
[[nodiscard]] Status measure_sizes(const std::filesystem::path& reprise, const std::filesystem::path& folder, Figures& figures);

}  // namespace reprise::bench
