// The events of a trace as text, one a line.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "trace_format/event_text.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"

namespace reprise {

struct DumpOptions {
  std::vector<std::string> guests;        ///< names; empty: all. Of the network, the events that these guests receive.
  std::vector<std::string> kinds;         ///< "frame", "clock", "console", "end", "network"; empty: all
  VirtualTime from;                       ///< the first instant shown
  VirtualTime to = VirtualTime::never();  ///< the last instant shown
  PayloadText payload = PayloadText::kDigest;
};

/// kUsage for a guest or kind that there is not.
[[nodiscard]] Status check_dump_options(const RunInfo& run, const DumpOptions& options);

/// Takes whole lines, some KiB at a time; returns false when nobody reads on, which ends the dump without an error.
using LineSink = std::function<bool(std::string_view lines)>;

/// Writes the events in the order (virtual time, guest index, order in the guest); what the network did comes last among equal times. The
/// format of a line is in trace_format/event_text.h. Holds one event of each stream, whatever the length of the trace.
/// kUsage for an unknown guest or kind. kBadTrace when a chunk is damaged: the lines before it have been written.
[[nodiscard]] Status dump_trace(TraceReader& trace, const DumpOptions& options, const LineSink& sink);

}  // namespace reprise
