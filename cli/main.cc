// The program `reprise`: finds the subcommand, turns its result into an exit code and a message.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <string_view>

#include "cli/command.h"
#include "cli/standard_output.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

struct Command {
  std::string_view name;
  std::string_view summary;
  Result<int> (*run)(const Arguments&);
};

constexpr std::array<Command, 15> kCommands = {{
    {"record", "run guests on a simulated network and record them", record_command},
    {"console", "show a guest's console in a run that goes on, and type there", console_command},
    {"examples", "what comes with Reprise to be recorded", examples_command},
    {"replay", "run recorded guests again and compare all that they do", replay_command},
    {"diff", "where two traces differ first", diff_command},
    {"stats", "frames, bytes, clock reads of each guest", stats_command},
    {"info", "where a trace comes from", info_command},
    {"dump", "the events of a trace as text", dump_command},
    {"trim", "a part of a trace as a trace of its own", trim_command},
    {"validate", "hold the guests' pings against the platform", validate_command},
    {"ssh", "log in to a guest of a run that is being recorded", ssh_command},
    {"exec", "run a command in such a guest", exec_command},
    {"verify", "read a whole trace and check it", verify_command},
    {"recover", "make a trace from what a killed run left", recover_command},
    {"gateway-connect", "", gateway_connect_command},  // no summary: not for people
}};

std::string help() {
  std::string text = "usage: reprise COMMAND ...\n\nRecords virtual machines on a simulated network, and replays them bit for bit.\n\n";
  for (const Command& command : kCommands) {
    if (!command.summary.empty()) {
      text += fmt::format("  {:<8}  {}\n", command.name, command.summary);
    }
  }
  text +=
      "\n'reprise COMMAND --help' explains a command and shows an example. 'reprise --version' prints the version.\n\n"
      "exit codes: 0 done, no difference; 1 a difference or divergence; 2 wrong usage; 3 the trace is damaged;\n"
      "4 the machine lacks something or does not match the trace; 5 the run failed\n";
  return text;
}

Result<int> run(const Arguments& words) {
  if (words.empty()) {
    return Error{ErrorKind::kUsage, "no command given; 'reprise --help' lists them"};
  }
  const std::string& name = words.front();
  if (name == "--help" || name == "-h") {
    RETURN_IF_ERROR(print(help()));
    return kExitDone;
  }
  if (name == "--version") {
    RETURN_IF_ERROR(print("reprise " REPRISE_VERSION "\n"));
    return kExitDone;
  }
  const auto* const command = std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& c) { return c.name == name; });
  if (command == kCommands.end()) {
    return Error{ErrorKind::kUsage, fmt::format("no command '{}'; 'reprise --help' lists them", printable(name))};
  }
  return command->run(Arguments(words.begin() + 1, words.end()));
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  // `reprise dump FILE | head`: the write fails instead, and is handled where it happens.
  std::signal(SIGPIPE, SIG_IGN);
  // The same at a limit of the size of files (ulimit -f).
  std::signal(SIGXFSZ, SIG_IGN);
  reprise::occupy_standard_streams();
  try {
    const reprise::Result<int> result = reprise::run(reprise::Arguments(argv + std::min(argc, 1), argv + argc));
    if (result.ok()) {
      return result.value();
    }
    reprise::say(fmt::format("reprise: {}\n", result.error().message));
    return static_cast<int>(result.error().kind);
  } catch (const std::exception& error) {
    // Ours return errors as values: this is memory that ran out, or a bug.
    reprise::say(fmt::format("reprise: {}\n", error.what()));
    return static_cast<int>(reprise::ErrorKind::kRunFailed);
  }
}
