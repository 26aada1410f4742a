#include "replayer/replay.h"

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/keys_arguments.h"
#include "cli/replay_text.h"
#include "cli/standard_output.h"

namespace reprise {
namespace {

constexpr uint64_t kMaxJobs = 4096;

}  // namespace

Result<int> replay_command(const Arguments& arguments) {
  namespace options = boost::program_options;
  CommandLine line("reprise replay FILE [--guest NAME]... [--jobs N] [--console DIR] [--any-program] [--identity FILE]...",
                   "Runs each recorded guest again, alone, fed from the trace, and compares all that it does with the trace.\n"
                   "Exit code: 0 all identical, 1 a guest diverged (its first divergence is printed).",
                   "reprise replay ping.trace --guest alice --console consoles");
  line.add_operand("FILE");
  line.options().add_options()("guest", options::value<std::vector<std::string>>()->value_name("NAME"),
                               "replay this guest only; repeatable")("jobs,j", options::value<std::string>()->value_name("N"),
                                                                     "guests at a time (default: one for each core)")(
      "console", options::value<std::string>()->value_name("DIR"), "write each guest's console to DIR/NAME.log")(
      "any-program", "run native programs that do not carry Reprise's client library, too: only for a trace that you trust");
  add_identity_option(line);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  ReplayOptions replay_options;
  replay_options.trace = line.text("FILE");
  const std::vector<std::string> identities = line.texts("identity");
  replay_options.identities.assign(identities.begin(), identities.end());
  replay_options.guests = line.texts("guest");
  replay_options.any_program = line.has("any-program");
  replay_options.console_folder = line.text_or("console", "");
  ASSIGN_OR_RETURN(const uint64_t jobs, line.number_or("jobs", 0, 1, kMaxJobs));
  replay_options.jobs = static_cast<unsigned>(jobs);
  bool diverged = false;
  Status output;
  RETURN_IF_ERROR(replay(replay_options, [&](const GuestReplay& guest) {
    diverged = diverged || guest.divergence.has_value();
    if (output.ok()) {
      output = print(replay_text(guest));
    }
  }));
  RETURN_IF_ERROR(output);
  return diverged ? kExitDifference : kExitDone;
}

}  // namespace reprise
