#include <fmt/format.h>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/keys_arguments.h"
#include "cli/standard_output.h"
#include "trace_format/event_text.h"
#include "trace_format/verify.h"

namespace reprise {

Result<int> verify_command(const Arguments& arguments) {
  CommandLine line("reprise verify FILE [--checksums] [--identity FILE]...",
                   "Reads every event of a trace. Exit code: 0 all of it is sound, 3 it is damaged.", "reprise verify ping.trace");
  line.add_operand("FILE");
  line.options().add_options()("checksums",
                               "only that each byte is the one that was written: for a copy of a large trace, several times faster");
  add_identity_option(line);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  ASSIGN_OR_RETURN(const std::vector<AgeIdentity> identities, identities_of(line));
  const VerifyDepth depth = line.has("checksums") ? VerifyDepth::kChecksums : VerifyDepth::kEvents;
  ASSIGN_OR_RETURN(const VerifiedTrace sound, verify_trace(line.text("FILE"), identities, depth));
  RETURN_IF_ERROR(
      print(fmt::format("{}: {}: {} chunks, {} clock reads, {} frames sent, {} received, {} console bytes, {} network events\n",
                        printable(line.text("FILE")), depth == VerifyDepth::kEvents ? "sound" : "checksums match", sound.chunks,
                        sound.clock_reads, sound.frames_sent, sound.frames_received, sound.console_bytes, sound.network_events)));
  return kExitDone;
}

}  // namespace reprise
