// The network of a run, simulated by SimGrid. SimGrid's headers stay in simgrid_platform.h, simgrid_run.h and simgrid_compat.h.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "recorder/network_model.h"
#include "recorder/outage.h"

namespace reprise {

/// Where a guest is attached; `description` ("deployment.xml:12: actor 'alice'") opens error messages.
struct Attachment {
  std::string host;
  std::string description;
};

/// What happens to links and frames beside what the platform says.
struct NetworkConditions {
  uint64_t seed = 1;  ///< of what links do to frames
  std::vector<Outage> outages = {};
};

/// Loads `platform` and attaches the guests (GuestIndex order). `options` are SimGrid's own ("--cfg=...", "--log=...").
/// kUsage: platform not readable or not valid, unknown host, two guests on one host without loopback latency, a path without
/// latency, an outage of a link or host that there is not.
/// SimGrid allows one engine a process: a second call in one process fails a CHECK.
[[nodiscard]] Result<std::unique_ptr<NetworkModel>> make_simgrid_network(const std::filesystem::path& platform,
                                                                         const std::vector<Attachment>& guests,
                                                                         const std::vector<std::string>& options,
                                                                         const NetworkConditions& conditions = {});

/// "3.32", "4.0".
[[nodiscard]] std::string simgrid_version();

}  // namespace reprise
