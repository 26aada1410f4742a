// A run that no guest made, of any size: what the benchmarks of the trace format read.
#pragma once

#include <cstdint>
#include <filesystem>

#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise::bench {

struct SyntheticRun {
  uint64_t bytes = 0;   ///< about what the trace is to take; it becomes a few per cent more or less
  uint32_t guests = 4;  ///< 2 to 250
  uint64_t seed = 1;
};

/// Where a run of `guests` guests comes from, as a trace wants to know it.
[[nodiscard]] RunInfo synthetic_run_info(uint32_t guests, uint64_t seed);

/// Writes the trace of `run` to `output`: guests that read clocks in even and in uneven steps, print lines, and send each other frames of
/// 64 to 1,500 bytes that do not compress; the network delivers each after a millisecond, to one or to all, and loses a few. Equal runs
/// give equal traces. Four fifths of the file are payload.
///
/// Uses a folder beside `output`, and twice the trace's size of disk while it joins; memory does not grow with `bytes`.
[[nodiscard]] Status write_synthetic_trace(const SyntheticRun& run, const std::filesystem::path& output);

}  // namespace reprise::bench
