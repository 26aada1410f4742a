// Reads deployment.xml (SimGrid's own format) with file and line in every error.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "launcher/gateway_command.h"
#include "launcher/guest_machine.h"
#include "launcher/process_command.h"
#include "recorder/outage.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

struct DeployedGuest {
  GuestMachine machine;                  ///< of a process or a gateway: name, address and MAC only
  std::optional<NativeProcess> process;  ///< a native process, no machine
  std::optional<GatewayPlan> gateway;    ///< a gateway, no machine
  std::string host;                      ///< SimGrid host name
  int line = 0;                          ///< of its <actor> in the deployment file

  [[nodiscard]] GuestKind kind() const {
    return process.has_value() ? GuestKind::kProcess : gateway.has_value() ? GuestKind::kGateway : GuestKind::kQemu;
  }
};

struct Deployment {
  std::filesystem::path path;
  std::string text;                   ///< verbatim
  std::vector<DeployedGuest> guests;  ///< in file order, which is GuestIndex order
  std::vector<Outage> outages;        ///< in file order
};

/// Parses `path`. File names in it are relative to its folder; `${REPRISE_GUESTS}` in any property is replaced by `guests_folder`,
/// `${REPRISE_PROGRAMS}` in a process's arguments by `programs_folder`.
/// kUsage with "FILE:LINE: what, and the remedy" for anything that is not understood: element, function, property, value, a name or MAC
/// used twice. A missing MAC becomes 52:54:00:00:00:NN (NN = index + 1).
[[nodiscard]] Result<Deployment> parse_deployment(const std::filesystem::path& path, const std::filesystem::path& guests_folder,
                                                  const std::filesystem::path& programs_folder = {});

}  // namespace reprise
