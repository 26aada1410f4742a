#include "launcher/process_command.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>

#include "launcher/mac_address.h"
#include "process_hooks/client_protocol.h"

namespace reprise {
namespace {

constexpr int64_t kLongestCall = 1'000'000'000;
constexpr const char* kProgram = "${program}";
constexpr std::string_view kSharedLibrary = "libreprise_client.so";

bool is_ipv4_address(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

Status set_option(ProcessPlan& plan, std::string_view name, const std::string& value) {
  if (name == "-protocol") {
    if (value != std::to_string(REPRISE_PROTOCOL_VERSION)) {
      return Error{ErrorKind::kUsage, fmt::format("client protocol {} is not {}", value, static_cast<int>(REPRISE_PROTOCOL_VERSION))};
    }
  } else if (name == "-address") {
    plan.address = value;
  } else if (name == "-mac") {
    plan.mac = value;
  } else if (name == "-call-cost") {
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), plan.call_cost.ns);
    if (problem != std::errc{} || end != value.data() + value.size() || plan.call_cost.ns < 1 || plan.call_cost.ns > kLongestCall) {
      return Error{ErrorKind::kUsage, fmt::format("'-call-cost {}' is not 1 to {} ns", value, kLongestCall)};
    }
  } else if (name == "-neighbour") {
    const size_t comma = value.find(',');
    if (comma == std::string::npos) {
      return Error{ErrorKind::kUsage, fmt::format("'-neighbour {}' is not ADDRESS,MAC", value)};
    }
    plan.neighbours.push_back({value.substr(0, comma), value.substr(comma + 1)});
  } else if (name == "-environment") {
    plan.environment.push_back(value);
  } else {
    return Error{ErrorKind::kUsage, fmt::format("unknown option '{}' of a process", name)};
  }
  return {};
}

}  // namespace

std::vector<std::string> process_environment() {
  return {"PATH=/usr/bin:/bin", "HOME=/", "LANG=C.UTF-8", "TZ=UTC",
          std::string(REPRISE_CONNECTION_VARIABLE) + "=" + REPRISE_CONNECTION_NAME};
}

std::vector<std::string> process_arguments(const ProcessPlan& plan) {
  std::vector<std::string> arguments = {"-protocol",  std::to_string(REPRISE_PROTOCOL_VERSION), "-address", plan.address, "-mac", plan.mac,
                                        "-call-cost", std::to_string(plan.call_cost.ns)};
  for (const Neighbour& neighbour : plan.neighbours) {
    arguments.insert(arguments.end(), {"-neighbour", neighbour.address + "," + neighbour.mac});
  }
  for (const std::string& variable : plan.environment) {
    arguments.insert(arguments.end(), {"-environment", variable});
  }
  arguments.insert(arguments.end(), {"--", kProgram});
  arguments.insert(arguments.end(), plan.arguments.begin(), plan.arguments.end());
  return arguments;
}

Result<ProcessPlan> parse_process_arguments(const std::vector<std::string>& arguments) {
  ProcessPlan plan;
  size_t at = 0;
  for (; at < arguments.size() && arguments[at] != "--"; at += 2) {
    if (at + 1 == arguments.size()) {
      return Error{ErrorKind::kUsage, fmt::format("option '{}' of a process has no value", arguments[at])};
    }
    RETURN_IF_ERROR(set_option(plan, arguments[at], arguments[at + 1]));
  }
  if (at + 1 >= arguments.size()) {
    return Error{ErrorKind::kUsage, "a process without a program"};
  }
  plan.program = arguments[at + 1];
  plan.arguments.assign(arguments.begin() + static_cast<ptrdiff_t>(at) + 2, arguments.end());
  return plan;
}

std::vector<std::string> compare_process_command(const GuestInfo& guest) {
  Result<ProcessPlan> plan = parse_process_arguments(guest.command_line);
  if (!plan.ok()) {
    return {"command line: " + plan.error().message};
  }
  plan->environment = process_environment();
  plan->address = guest.address;
  plan->mac = guest.mac;
  const std::vector<std::string> composed = process_arguments(*plan);
  std::vector<std::string> differences;
  if (!is_mac_address(guest.mac)) {
    differences.push_back(fmt::format("command line: recorded '{}' is not a MAC address", guest.mac));
  }
  if (!is_ipv4_address(guest.address.substr(0, guest.address.find('/')))) {
    differences.push_back(fmt::format("command line: recorded '{}' is not an IPv4 address", guest.address));
  }
  for (const Neighbour& neighbour : plan->neighbours) {
    if (!is_ipv4_address(neighbour.address) || !is_mac_address(neighbour.mac)) {
      differences.push_back(
          fmt::format("command line: recorded neighbour '{},{}' is not an IPv4 and a MAC address", neighbour.address, neighbour.mac));
    }
  }
  for (size_t i = 0; i < std::max(guest.command_line.size(), composed.size()); ++i) {
    const std::string left = i < guest.command_line.size() ? guest.command_line[i] : "(nothing)";
    const std::string right = i < composed.size() ? composed[i] : "(nothing)";
    if (left != right) {
      differences.push_back(fmt::format("command line, argument {}: recorded '{}', this Reprise uses '{}'", i, left, right));
    }
  }
  return differences;
}

bool carries_client_library(const std::filesystem::path& program) {
  std::ifstream file(program, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return bytes.find(REPRISE_CLIENT_MARK) != std::string::npos || bytes.find(kSharedLibrary) != std::string::npos;
}

}  // namespace reprise
