// How far behind a run one is who watches it while it is recorded.
#pragma once

#include <filesystem>

#include "tests/bench/figures.h"
#include "trace_format/status.h"

namespace reprise::bench {

/// Records frames of its own in `folder` and waits for each of them in what `reprise dump --follow` prints.
[[nodiscard]] Status measure_watching(const std::filesystem::path& reprise, const std::filesystem::path& folder, Figures& figures);

}  // namespace reprise::bench
