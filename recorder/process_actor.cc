#include "recorder/process_actor.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "recorder/near_name.h"
#include "recorder/shown.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kProgramsVariable = "${REPRISE_PROGRAMS}";
constexpr size_t kMostArguments = 1024;

Error wrong(std::string what) {
  return Error{ErrorKind::kUsage, std::move(what)};
}

Status substitute_variables(std::string& value, const PropertyFolders& folders) {
  size_t at = 0;
  while ((at = value.find(kProgramsVariable, at)) != std::string::npos) {
    if (folders.programs.empty()) {
      return wrong(
          fmt::format("{} is used, but the folder of the examples' programs is not known; build all of Reprise, or write the path "
                      "itself",
                      kProgramsVariable));
    }
    const std::string folder = folders.programs.string();
    value.replace(at, kProgramsVariable.size(), folder);
    at += folder.size();
  }
  return value.find("${") == std::string::npos
             ? Status{}
             : wrong(fmt::format("unknown variable in '{}'; {} is the only one", shown(value), kProgramsVariable));
}

bool is_ipv4(const std::string& text, bool with_prefix) {
  const size_t slash = text.find('/');
  in_addr parsed{};
  if (inet_pton(AF_INET, text.substr(0, slash).c_str(), &parsed) != 1 || parsed.s_addr == 0) {
    return false;
  }
  if (slash == std::string::npos) {
    return true;
  }
  unsigned prefix = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data() + slash + 1, end, prefix);
  return with_prefix && problem == std::errc{} && stop == end && prefix >= 1 && prefix <= 32;
}

Result<fs::path> find_program(const std::string& value, const PropertyFolders& folders) {
  std::error_code problem;
  fs::path file = folders.deployment / value;  // an absolute value replaces the folder
  if (!fs::exists(file, problem)) {
    file = value;
  }
  const fs::path canonical = fs::canonical(file, problem);
  if (problem) {
    return wrong(fmt::format("program '{}': {}; file names are relative to the deployment file, or else to the current folder",
                             shown(value), problem.message()));
  }
  if (!fs::is_regular_file(canonical, problem) || access(canonical.c_str(), X_OK) != 0 || access(canonical.c_str(), R_OK) != 0) {
    return wrong(
        fmt::format("program '{}': {} is not a file that this user may read and execute", shown(value), shown(canonical.string())));
  }
  return canonical;
}

Status set_call_cost(NativeProcess& process, const std::string& value) {
  constexpr int64_t kNanosecondsInMicrosecond = 1000;
  constexpr int64_t kMostNs = 1'000'000'000;
  int64_t number = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
  const std::string_view unit(end, static_cast<size_t>(value.data() + value.size() - end));
  const int64_t factor = unit == "ns" ? 1 : unit == "us" ? kNanosecondsInMicrosecond : 0;
  if (problem != std::errc{} || factor == 0 || number < 1 || number > kMostNs / factor) {
    return wrong(fmt::format("call-cost '{}': want a whole number of ns or us, up to a second, as in 1us", shown(value)));
  }
  process.call_cost = {number * factor};
  return {};
}

}  // namespace

Status set_process_arguments(NativeProcess& process, GuestMachine& machine, std::vector<std::string> arguments,
                             const PropertyFolders& folders) {
  if (arguments.size() < 2) {
    return wrong(
        fmt::format("a process ({}) needs two <argument value=\"...\"/> at least: its IPv4 address and its program", kProcessFunction));
  }
  if (arguments.size() > kMostArguments) {
    return wrong(fmt::format("more than {} arguments", kMostArguments));
  }
  for (std::string& argument : arguments) {
    if (std::ranges::any_of(argument, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
      return wrong("an argument holds a control character (a line break or a tab, say); write it on one line");
    }
    RETURN_IF_ERROR(substitute_variables(argument, folders));
  }
  if (!is_ipv4(arguments[0], true)) {
    return wrong(fmt::format("the first argument '{}' is not an IPv4 address, as in 10.0.0.1 or 10.0.0.1/24", shown(arguments[0])));
  }
  machine.address = arguments[0];
  ASSIGN_OR_RETURN(process.program, find_program(arguments[1], folders));
  process.arguments.assign(arguments.begin() + 2, arguments.end());
  return {};
}

Status set_process_property(NativeProcess& process, GuestMachine& machine, std::string_view id, const std::string& value,
                            const PropertyFolders& folders) {
  if (id == "call-cost") {
    return set_call_cost(process, value);
  }
  if (id == "name" || id == "mac") {
    return set_guest_property(machine, id, value, folders);
  }
  return wrong(fmt::format("property '{}'{} is none of a process; known are name, mac, call-cost", shown(id),
                           near_name_hint(id, {"name", "mac", "call-cost"})));
}

}  // namespace reprise
