// Joining with everything that join_streams() decides for its callers laid open; for recover and tests.
#pragma once

#include <filesystem>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/output_file.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// Joins the finished streams of `directory`, which `identities` open if they are encrypted, into `output` by a temporary file beside it
/// and a rename. `directory` is left as it is. `left_out`: for each guest, whether the network's stream leaves out the deliveries that the
/// guest's receptions imply; empty: none, as in the streams of a run.
[[nodiscard]] Status join_to(const std::filesystem::path& directory, const RunInfo& run, const std::filesystem::path& output,
                             const OutputOptions& options, const std::vector<AgeIdentity>& identities = {},
                             const std::vector<bool>& left_out = {});

/// Removes the streams, run.info and kept.chunks of `guests` guests from `directory`, and `directory` itself if nothing else is in it.
[[nodiscard]] Status remove_streams(const std::filesystem::path& directory, size_t guests);

}  // namespace reprise
