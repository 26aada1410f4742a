// What a trace costs to open, to search and to read from end to end.
#pragma once

#include <filesystem>

#include "tests/bench/figures.h"
#include "trace_format/status.h"

namespace reprise::bench {

/// Opens `trace` and seeks in it, in this process.
[[nodiscard]] Status measure_seeks(const std::filesystem::path& trace, Figures& figures);

/// Runs the commands of `reprise` on `trace`; `other` is a trace of another run.
[[nodiscard]] Status measure_commands(const std::filesystem::path& reprise, const std::filesystem::path& trace,
                                      const std::filesystem::path& other, Figures& figures);

}  // namespace reprise::bench
