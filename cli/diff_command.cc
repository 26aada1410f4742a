#include "analysis/diff.h"

#include <memory>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/keys_arguments.h"
#include "cli/standard_output.h"
#include "trace_format/trace_reader.h"

namespace reprise {

Result<int> diff_command(const Arguments& arguments) {
  namespace options = boost::program_options;
  CommandLine line("reprise diff A B [--guest NAME]... [--identity FILE]... [--json]",
                   "Compares two traces. Prints 'identical', or for each guest the first difference. Exit code: 0 identical, 1 different.",
                   "reprise diff ping.trace other.trace --guest alice");
  line.add_operand("A");
  line.add_operand("B");
  line.options().add_options()("guest", options::value<std::vector<std::string>>()->value_name("NAME"),
                               "compare this guest only; repeatable")("json", "print JSON");
  add_identity_option(line);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<TraceReader> left, open_trace(line, "A"));
  ASSIGN_OR_RETURN(const std::unique_ptr<TraceReader> right, open_trace(line, "B"));
  ASSIGN_OR_RETURN(const std::vector<Difference> differences, diff_traces(*left, *right, line.texts("guest")));
  RETURN_IF_ERROR(print(line.has("json") ? diff_json(differences) : diff_text(differences, line.text("A"), line.text("B"))));
  return differences.empty() ? kExitDone : kExitDifference;
}

}  // namespace reprise
