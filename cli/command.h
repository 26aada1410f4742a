// The subcommands, each a function from its arguments to an exit code.
#pragma once

#include <string>
#include <vector>

#include "trace_format/status.h"

namespace reprise {

/// The words after the subcommand's name.
using Arguments = std::vector<std::string>;

inline constexpr int kExitDone = 0;
inline constexpr int kExitDifference = 1;  ///< diff and replay found one, and reported it; errors exit with their ErrorKind

[[nodiscard]] Result<int> console_command(const Arguments& arguments);
[[nodiscard]] Result<int> diff_command(const Arguments& arguments);
[[nodiscard]] Result<int> dump_command(const Arguments& arguments);
[[nodiscard]] Result<int> exec_command(const Arguments& arguments);
[[nodiscard]] Result<int> examples_command(const Arguments& arguments);
/// Not for people: it is what `ssh` has the system's ssh run.
[[nodiscard]] Result<int> gateway_connect_command(const Arguments& arguments);
[[nodiscard]] Result<int> info_command(const Arguments& arguments);
[[nodiscard]] Result<int> record_command(const Arguments& arguments);
[[nodiscard]] Result<int> recover_command(const Arguments& arguments);
[[nodiscard]] Result<int> replay_command(const Arguments& arguments);
[[nodiscard]] Result<int> ssh_command(const Arguments& arguments);
[[nodiscard]] Result<int> stats_command(const Arguments& arguments);
[[nodiscard]] Result<int> trim_command(const Arguments& arguments);
[[nodiscard]] Result<int> validate_command(const Arguments& arguments);
[[nodiscard]] Result<int> verify_command(const Arguments& arguments);

}  // namespace reprise
