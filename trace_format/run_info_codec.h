// RunInfo as a chunk of its own, and the limits that it must keep.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// "" or which limit `run` breaks: number of guests, names, texts.
[[nodiscard]] std::string run_info_error(const RunInfo& run);

/// The chunk as it is stored, header first. kUsage when `run` is above a limit.
[[nodiscard]] Result<std::vector<uint8_t>> pack_run_info(const RunInfo& run);

/// Of a chunk's bytes; kBadTrace, without place.
[[nodiscard]] Result<RunInfo> unpack_run_info(ByteView stored);

}  // namespace reprise
