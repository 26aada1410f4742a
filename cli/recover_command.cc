#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/standard_output.h"
#include "trace_format/event_text.h"
#include "trace_format/trace_reader.h"
#include "trace_format/trace_writer.h"

namespace reprise {

Result<int> recover_command(const Arguments& arguments) {
  namespace options = boost::program_options;
  CommandLine line(
      "reprise recover DIR -o FILE",
      "Makes a trace from the folder that a killed or failed run left behind (FILE.partial). It ends where the guest ends whose\n"
      "events reached the disk least far. The folder stays as it is.",
      "reprise recover ping.trace.partial -o ping.trace");
  line.add_operand("DIR");
  line.options().add_options()("output,o", options::value<std::string>()->value_name("FILE"), "the trace to write");
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  if (!line.has("output")) {
    return line.usage_error("-o FILE is missing");
  }
  RETURN_IF_ERROR(recover_run(line.text("DIR"), line.text("output")));
  ASSIGN_OR_RETURN(const std::unique_ptr<TraceReader> trace, TraceReader::open(line.text("output")));
  std::string text;
  for (uint32_t i = 0; i < trace->run().guests.size(); ++i) {
    text += fmt::format("{}: recovered up to {} s\n", printable(trace->run().guests[i].name),
                        seconds_text(trace->guest_statistics(GuestIndex{i}).last));
  }
  RETURN_IF_ERROR(print(fmt::format("{}{}: {} bytes\n", text, printable(line.text("output")), trace->file_bytes())));
  return kExitDone;
}

}  // namespace reprise
