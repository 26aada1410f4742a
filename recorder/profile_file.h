// SimGrid's profiles: what a link's bandwidth, or whether a link or host is up, does over time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "trace_format/status.h"

namespace reprise {

/// What the numbers of a profile are.
enum class ProfileKind {
  kBandwidth,  ///< bytes a second
  kState,      ///< 0: down, above: up
  kSpeed,      ///< a share of the host's speed
};

/// Where a profile stands, for messages.
struct ProfilePlace {
  std::string file;
  int first_line = 1;
};

/// kUsage "FILE:LINE: ..." for what SimGrid cannot read, and for what it reads and dies of, or hangs in, in the middle of a run (seen with
/// 3.32): what is no bandwidth, negative numbers, NaN, loops without duration. Takes what SimGrid takes: comments (# or %), PERIODICITY,
/// LOOPAFTER, STOCHASTIC [LOOP], laws (DET, UNIF, EXP, NORM and their long names), and words behind the two numbers of a line. One thing is
/// stricter: a NORM law must stay 6 standard deviations above 0, or it may draw a negative number some day.
///
/// `period` is the attribute of that name of a <trace>, in seconds; up to 0: it has none.
[[nodiscard]] Status check_profile(std::string_view text, ProfileKind kind, const ProfilePlace& place, double period = -1);

/// The file that SimGrid takes for the profile `name`: an absolute one, or the first that there is in the current folder, in `also` (empty:
/// nowhere), which is its setting "path", and beside the platform file.
[[nodiscard]] std::optional<std::filesystem::path> find_profile(const std::string& name, const std::filesystem::path& also,
                                                                const std::filesystem::path& platform);

}  // namespace reprise
