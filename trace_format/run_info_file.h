// run.info: the provenance of a run that is going on, so that a killed run can be recovered.
#pragma once

#include <filesystem>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// "run.info".
[[nodiscard]] std::filesystem::path run_info_file_name();
/// Reads what save_run_info() wrote. kUsage when it is not there, and when it is encrypted for none of `identities`.
[[nodiscard]] Result<RunInfo> load_run_info(const std::filesystem::path& directory, const std::vector<AgeIdentity>& identities = {});

}  // namespace reprise
