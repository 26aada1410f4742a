// A part of a run as a trace of its own: some time, some guests.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"

namespace reprise {

/// Of a trace that is a part itself, the defaults of the two times mean its own bounds.
struct TrimOptions {
  VirtualTime from;                       ///< the first instant that is kept
  VirtualTime to = VirtualTime::never();  ///< the first instant that is not; later than `from`
  std::vector<std::string> guests;        ///< names; empty: all
  std::vector<AgeRecipient> recipients;   ///< for whom the part is encrypted; empty: it is not
};

/// Writes the part to `output`, by a temporary file beside it and a rename. The part says that it is one; its events keep their numbers and
/// its frames their bytes: a received frame whose sending is not in the part is stored with the guest that received it. What the network
/// did in that time is kept for all guests. The output passes verify before this returns success. kUsage for a name that the trace does not
/// have and for a time span that is empty or outside the trace's own part.
[[nodiscard]] Status trim_trace(TraceReader& trace, const std::filesystem::path& output, const TrimOptions& options);

}  // namespace reprise
