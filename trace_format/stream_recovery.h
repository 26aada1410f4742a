// What `recover` does with a folder of streams, however they came there: a killed run left them, or they were found in a damaged trace.
#pragma once

#include <filesystem>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// Makes a trace of what is left of the streams in `from`, which the identities open if they are encrypted, by way of copies in the empty
/// folder `work`. If the trace is encrypted, so are the copies: for a key of our own, to read them again, and for nobody else. It is
/// complete if `run` is and every stream ended by itself. `left_out` as in join_to().
[[nodiscard]] Status recover_streams(const std::filesystem::path& from, RunInfo run, const std::filesystem::path& work,
                                     const std::filesystem::path& output, const FileKeys& keys = {},
                                     const std::vector<bool>& left_out = {});

}  // namespace reprise
