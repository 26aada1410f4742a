#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/keys_arguments.h"
#include "cli/standard_output.h"
#include "trace_format/event_text.h"
#include "trace_format/recover_trace.h"
#include "trace_format/run_info_file.h"
#include "trace_format/trace_reader.h"
#include "trace_format/trace_writer.h"

namespace reprise {

Result<int> recover_command(const Arguments& arguments) {
  namespace options = boost::program_options;
  CommandLine line("reprise recover DIR|TRACE -o FILE [--identity FILE]... [--encrypt-to RECIPIENT]... [--plain]",
                   "Makes a trace of what is left: of the folder of a killed or failed run (FILE.partial), or of a damaged or cut trace. "
                   "Each guest ends\n"
                   "where its own events end, and replays up to there. What it is made from stays as it is.",
                   "reprise recover ping.trace.partial -o ping.trace");
  line.add_operand("DIR|TRACE");
  line.options().add_options()("output,o", options::value<std::string>()->value_name("FILE"), "the trace to write");
  add_copy_options(line);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  ASSIGN_OR_RETURN(const std::string output, line.output_beside("DIR|TRACE"));
  const std::filesystem::path from = line.text("DIR|TRACE");
  std::error_code no_folder;
  const bool is_folder = std::filesystem::is_directory(from, no_folder);
  ASSIGN_OR_RETURN(const FileKeys keys, copy_keys_of(line, is_folder ? from / run_info_file_name() : from));
  std::string text;
  if (is_folder) {
    RETURN_IF_ERROR(recover_run(from, output, keys));
  } else {
    ASSIGN_OR_RETURN(const ScanResult scan, recover_trace(from, output, keys));
    text = fmt::format("{}: {} sound chunks, {} bytes lost\n", printable(from.string()), scan.sound_chunks, scan.lost_bytes);
  }
  const Result<std::unique_ptr<TraceReader>> recovered = TraceReader::open(output, keys.identities);
  if (!recovered.ok() && !keys.recipients.empty()) {
    // Encrypted for others than us. It was checked before it got its name; nothing more can be said of it.
    RETURN_IF_ERROR(print(fmt::format("{}{}: recovered and encrypted\n", text, printable(output))));
    return kExitDone;
  }
  if (!recovered.ok()) {
    return recovered.error();
  }
  const std::unique_ptr<TraceReader>& trace = *recovered;
  for (uint32_t i = 0; i < trace->run().guests.size(); ++i) {
    text += fmt::format("{}: recovered up to {} s\n", printable(trace->run().guests[i].name),
                        seconds_text(trace->guest_statistics(GuestIndex{i}).last));
  }
  RETURN_IF_ERROR(print(fmt::format("{}{}: {} bytes\n", text, printable(output), trace->file_bytes())));
  return kExitDone;
}

}  // namespace reprise
