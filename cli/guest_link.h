// The way from the host to a guest of a run that goes on: through the run's gateway.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "cli/command_line.h"
#include "launcher/gateway_command.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

struct GuestLink {
  std::string guest;
  std::filesystem::path run;  ///< its folder
  std::string gateway;        ///< the endpoint's name
  GuestPort to;
};

/// Which gateway of `run` leads to port `port` of guest `name`, at `address` (IPv4) or, when that is empty, at the address that the
/// deployment gave it. kUsage when there is no such guest, no address, or no gateway in that address's network.
[[nodiscard]] Result<GuestLink> find_guest_link(const RunInfo& run, const std::string& name, const std::string& address, uint16_t port);

/// A stream socket to the guest. What it fails for later is found out when the other end closes it. kUsage, kRunFailed.
[[nodiscard]] Result<int> open_guest_link(const GuestLink& link);

/// Waits until the guest's server says its first word, as an ssh server does. kRunFailed when it has not within `limit`.
[[nodiscard]] Status wait_for_server(const GuestLink& link, std::chrono::seconds limit,
                                     std::chrono::milliseconds between_tries = std::chrono::milliseconds(200));

}  // namespace reprise
