// What is checked in platform.xml and in SimGrid's options before SimGrid sees them.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "trace_format/status.h"

namespace reprise {

/// Names of the SimGrid options that the user set, in the platform's <config> or on the command line.
using SettingNames = std::set<std::string>;

/// kUsage for a file that is not XML, for latency profiles, and for a <config> that breaks the coupling.
[[nodiscard]] Result<SettingNames> check_platform_file(const std::filesystem::path& path);

/// kUsage for anything but --cfg=NAME:VALUE and --log=..., and for settings that break the coupling.
[[nodiscard]] Result<SettingNames> check_simgrid_options(const std::vector<std::string>& options);

}  // namespace reprise
