// The system's ssh, told to reach a guest through the run's gateway.
#pragma once

#include <string>
#include <vector>

#include "cli/guest_link.h"

namespace reprise {

/// What a user may choose.
struct SshOptions {
  std::string user = "root";
  std::string key;                     ///< a file with a private key; empty: as ssh chooses
  std::vector<std::string> arguments;  ///< ssh's own, before all others
};

/// The command line: user's arguments, ours, and the guest's name as the destination. What follows it is the remote command.
[[nodiscard]] std::vector<std::string> ssh_command_line(const GuestLink& link, const SshOptions& options);

/// `word` so that a shell takes it for one word.
[[nodiscard]] std::string shell_quoted(const std::string& word);

/// Becomes `command`; returns kMachine when it is not there.
[[nodiscard]] Status become(const std::vector<std::string>& command);
/// Runs `command` with our standard streams and gives its exit code (128 + N when signal N ended it). kMachine when it is not there.
[[nodiscard]] Result<int> run_and_wait(const std::vector<std::string>& command);

/// What ssh's ProxyCommand runs: asks the gateway for the connection and hands its descriptor to ssh, which is at our standard output.
[[nodiscard]] Status hand_connection_to_ssh(const GuestLink& link);

}  // namespace reprise
