// Finding a run that goes on, for the commands that speak to one.
#pragma once

#include <filesystem>

#include "cli/command_line.h"
#include "trace_format/status.h"

namespace reprise {

/// Adds `--run FOLDER`.
void add_run_option(CommandLine& line);

/// The folder (OUT.partial) of the run that `--run` names; without it, of the only run that is being recorded into the current folder.
/// kUsage when there is none, when there are several, and when nobody records into it any more.
[[nodiscard]] Result<std::filesystem::path> find_live_run(const CommandLine& line);

/// The same, for `--run` and the current folder as given; `run` is empty without `--run`.
[[nodiscard]] Result<std::filesystem::path> find_live_run(const std::filesystem::path& run, const std::filesystem::path& here);

}  // namespace reprise
