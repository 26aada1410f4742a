#include "analysis/stats.h"

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/keys_arguments.h"
#include "cli/standard_output.h"
#include "trace_format/trace_summary.h"

namespace reprise {

Result<int> stats_command(const Arguments& arguments) {
  CommandLine line("reprise stats FILE [--identity FILE]... [--json]",
                   "Prints what a trace holds: frames, bytes, clock reads and console bytes of each guest, and what the network did.",
                   "reprise stats ping.trace --json");
  line.add_operand("FILE");
  line.options().add_options()("json", "print JSON");
  add_identity_option(line);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  ASSIGN_OR_RETURN(const TraceSummary trace, open_summary(line, "FILE", DropDetail::kByReason));
  RETURN_IF_ERROR(print(line.has("json") ? stats_json(trace) : stats_text(trace)));
  return kExitDone;
}

}  // namespace reprise
