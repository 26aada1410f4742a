// The one place that composes the command line of a native process's host: what a trace records of how a process was started.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trace_format/ids.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// A native program that takes part in a run by process_hooks/reprise_client.h.
struct NativeProcess {
  std::filesystem::path program;
  std::vector<std::string> arguments;  ///< after argv[1], which names the connection
  Duration call_cost{1000};            ///< virtual time that each call takes; 1 ns to 1 s
};

/// Somebody on the network, by whose address a process may send.
struct Neighbour {
  std::string address;  ///< IPv4, "10.0.0.2"
  std::string mac;      ///< "52:54:00:00:00:02"
};

/// All that the process's host has to know.
struct ProcessPlan {
  std::string address;  ///< CIDR ("10.0.0.1/24"), a plain IPv4 address, or empty: it can only wait
  std::string mac;
  Duration call_cost{1000};
  std::vector<Neighbour> neighbours;
  std::vector<std::string> environment;  ///< "NAME=value": all of the program's, but for where our shared library lies
  std::vector<std::string> arguments;    ///< argv[2] and on
  std::string program;                   ///< argv[0] and the file; in what is recorded: ${program}
};

/// What every program gets; nothing of the user's.
[[nodiscard]] std::vector<std::string> process_environment();

/// The host's arguments after the program, the program as ${program}. This is what a trace records.
[[nodiscard]] std::vector<std::string> process_arguments(const ProcessPlan& plan);

/// The reverse. kUsage with the argument that is not understood.
[[nodiscard]] Result<ProcessPlan> parse_process_arguments(const std::vector<std::string>& arguments);

/// As compare_command_line (recorded_command.h), of a process: one line for each way in which we would not have composed it so.
[[nodiscard]] std::vector<std::string> compare_process_command(const GuestInfo& guest);

/// True when the file has our client library in it, or asks the loader for it. False too when it cannot be read.
[[nodiscard]] bool carries_client_library(const std::filesystem::path& program);

}  // namespace reprise
