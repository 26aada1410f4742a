#include "analysis/dump.h"
#include "analysis/follow.h"

#include <memory>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/keys_arguments.h"
#include "cli/standard_output.h"
#include "trace_format/trace_reader.h"
#include "trace_format/trace_summary.h"

namespace reprise {

Result<int> dump_command(const Arguments& arguments) {
  namespace options = boost::program_options;
  CommandLine line("reprise dump FILE [--guest NAME]... [--kind KIND]... [--from T] [--to T] [--payload] [--follow] [--identity FILE]...",
                   "Prints the events of a trace, one a line, in the order of virtual time: nanoseconds, guest, stream, number, details.",
                   "reprise dump ping.trace --guest alice --kind frame --from 2.5s --to 2600ms");
  line.add_operand("FILE");
  line.options().add_options()("guest", options::value<std::vector<std::string>>()->value_name("NAME"), "this guest only; repeatable")(
      "kind", options::value<std::vector<std::string>>()->value_name("KIND"),
      "frame, clock, console, end or network (what the network did with a frame for a guest) only; repeatable")(
      "from", options::value<std::string>()->value_name("T"), "first virtual time to show (2.5s, 250ms, 17ns)")(
      "to", options::value<std::string>()->value_name("T"), "last virtual time to show")(
      "payload", "frames' bytes in hex, not their digest")("follow",
                                                           "of a run that is being recorded (FILE.partial, or FILE): go on until it ends");
  add_identity_option(line);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  DumpOptions dump;
  dump.guests = line.texts("guest");
  dump.kinds = line.texts("kind");
  dump.payload = line.has("payload") ? PayloadText::kHex : PayloadText::kDigest;
  ASSIGN_OR_RETURN(dump.from, line.time_or("from", VirtualTime{}));
  ASSIGN_OR_RETURN(dump.to, line.time_or("to", VirtualTime::never()));
  Status output;
  const LineSink sink = [&output](std::string_view lines) {
    const Result<bool> wanted = write_output(lines);
    output = wanted.ok() ? Status() : Status(wanted.error());
    return wanted.ok() && wanted.value();
  };
  const auto folder = run_folder_of(line.text("FILE"), line.has("follow") ? RunChoice::kRun : RunChoice::kTrace);
  if (folder.has_value() && line.has("follow")) {
    ASSIGN_OR_RETURN(std::vector<AgeIdentity> identities, identities_of(line));
    RETURN_IF_ERROR(follow_run(*folder, FollowOptions{.dump = dump, .identities = std::move(identities)}, sink));
  } else if (folder.has_value()) {
    return line.usage_error(folder->string() + ": the run is not finished; --follow shows it as it is recorded");
  } else {
    ASSIGN_OR_RETURN(const std::unique_ptr<TraceReader> trace, open_trace(line, "FILE"));
    RETURN_IF_ERROR(dump_trace(*trace, dump, sink));
  }
  RETURN_IF_ERROR(output);
  return kExitDone;
}

}  // namespace reprise
