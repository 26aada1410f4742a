// What is checked in platform.xml and in SimGrid's options before SimGrid sees them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "recorder/link_impairments.h"
#include "recorder/profile_file.h"
#include "trace_format/status.h"

namespace reprise {

/// SimGrid's options as the user set them, in the platform's <config> or on the command line.
using SimgridSettings = std::map<std::string, std::string>;

/// A profile that changes a link or a host.
struct ProfileUse {
  ProfileKind kind = ProfileKind::kState;
  std::string name;    ///< of its file, as the platform has it; empty: `text` is the profile
  int line = 0;        ///< of the platform: where the name stands, or the text begins
  std::string text;    ///< of a <trace> without a file
  std::string period;  ///< the attribute of such a <trace>, as it stands there
};

struct PlatformFile {
  SimgridSettings settings;
  std::map<std::string, LinkImpairments> links;  ///< each <link>, by its id
  std::string path;                              ///< as the user wrote it
  int bandwidth_profile_line = 0;                ///< of the first one; 0: none
  std::vector<ProfileUse> profiles;
  std::map<std::string, ProfileUse> traces;  ///< each <trace>, by its id; `kind` is not known yet
};

/// kUsage for a file that is not XML, for latency profiles, for properties of links that are wrong or stand elsewhere, and for a <config>
/// that breaks the coupling.
[[nodiscard]] Result<PlatformFile> check_platform_file(const std::filesystem::path& path);

/// kUsage for a bandwidth profile under settings with which SimGrid loses frames, and for profiles that are not there or that
/// check_profile() refuses.
[[nodiscard]] Status check_profiles(const PlatformFile& platform, const SimgridSettings& settings);

/// The one setting that says what the coupling does anyway, if its value is 1, and that SimGrid does not take together with the coupling.
inline constexpr const char* kLatencyFactorSetting = "network/latency-factor";

/// `xml` with blanks in the place of each <prop> that sets kLatencyFactorSetting: line for line as before.
[[nodiscard]] std::string without_latency_factor(std::string xml);

/// kUsage for anything but --cfg=NAME:VALUE and --log=..., and for settings that break the coupling.
[[nodiscard]] Result<SimgridSettings> check_simgrid_options(const std::vector<std::string>& options);

}  // namespace reprise
