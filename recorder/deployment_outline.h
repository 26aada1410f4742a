// What a deployment is about, without asking whether this machine could run it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>

#include "trace_format/status.h"

namespace reprise {

struct DeploymentOutline {
  size_t guests = 0;            ///< actors of all functions but "outage" and "gateway"
  std::set<std::string> files;  ///< values of properties that begin with a variable, such as ${REPRISE_GUESTS}/vmlinux
};

/// kUsage when `path` is not XML.
[[nodiscard]] Result<DeploymentOutline> outline_deployment(const std::filesystem::path& path);

}  // namespace reprise
