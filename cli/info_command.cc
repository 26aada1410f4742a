#include "analysis/info.h"

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/keys_arguments.h"
#include "cli/standard_output.h"
#include "trace_format/trace_summary.h"

namespace reprise {

Result<int> info_command(const Arguments& arguments) {
  CommandLine line("reprise info FILE [--identity FILE]... [--json]",
                   "Prints where a trace comes from: versions, guests, images, command lines, network, seed.",
                   "reprise info ping.trace --json");
  line.add_operand("FILE");
  line.options().add_options()("json", "print JSON");
  add_identity_option(line);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  ASSIGN_OR_RETURN(const TraceSummary trace, open_summary(line, "FILE", DropDetail::kNone));
  RETURN_IF_ERROR(print(line.has("json") ? info_json(trace) : info_text(trace)));
  return kExitDone;
}

}  // namespace reprise
