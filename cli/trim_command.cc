#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/keys_arguments.h"
#include "cli/standard_output.h"
#include "trace_format/event_text.h"
#include "trace_format/io.h"
#include "trace_format/trace_reader.h"
#include "trace_format/trim.h"

namespace reprise {

Result<int> trim_command(const Arguments& arguments) {
  namespace options = boost::program_options;
  CommandLine line(
      "reprise trim FILE -o FILE [--from T] [--to T] [--guest NAME]... [--identity FILE]... [--encrypt-to RECIPIENT]... [--plain]",
      "Writes a part of a trace as a trace of its own: what happened from T on and before T, to the guests named. It says that it is a\n"
      "part; 'diff' compares it with what the other trace has of its time, and 'replay' runs it if it begins at 0.",
      "reprise trim ping.trace -o start.trace --to 500ms --guest alice");
  line.add_operand("FILE");
  line.options().add_options()("output,o", options::value<std::string>()->value_name("FILE"), "the trace to write")(
      "from", options::value<std::string>()->value_name("T"),
      "first virtual time to keep (2.5s, 250ms, 17ns; default: the trace's beginning)")(
      "to", options::value<std::string>()->value_name("T"), "first virtual time not to keep (default: keep to the end)")(
      "guest", options::value<std::vector<std::string>>()->value_name("NAME"), "keep this guest only; repeatable");
  add_copy_options(line);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  ASSIGN_OR_RETURN(const std::string output, line.output_beside("FILE"));
  TrimOptions trim;
  trim.guests = line.texts("guest");
  ASSIGN_OR_RETURN(trim.from, line.time_or("from", VirtualTime{}));
  ASSIGN_OR_RETURN(trim.to, line.time_or("to", VirtualTime::never()));
  ASSIGN_OR_RETURN(const FileKeys keys, copy_keys_of(line, line.text("FILE")));
  trim.recipients = keys.recipients;
  ASSIGN_OR_RETURN(const std::unique_ptr<TraceReader> trace, TraceReader::open(line.text("FILE"), keys.identities));
  RETURN_IF_ERROR(trim_trace(*trace, output, trim));
  ASSIGN_OR_RETURN(const auto part, open_file(output));
  RETURN_IF_ERROR(print(fmt::format("{}: {} of {} bytes\n", printable(output), part->size(), trace->file_bytes())));
  return kExitDone;
}

}  // namespace reprise
