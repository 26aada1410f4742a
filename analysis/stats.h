// Counts of a trace, from its footer: the time this takes does not depend on the trace's length.
#pragma once

#include <string>

#include "trace_format/trace_summary.h"

namespace reprise {

/// Tables for people: guests, clock reads by source, network. Ends with a newline.
[[nodiscard]] std::string stats_text(const TraceSummary& trace);

/// {"guests": [{"name", "host", "frames_sent", "frames_received", "bytes_sent", "bytes_received", "clock_reads": {"tsc", "hpet", "pit",
/// "rtc", "acpi_pm", "lapic", "process"}, "console_bytes", "console_input_bytes", "first_ns", "last_ns", "end"}], "network":
/// {"frames_delivered", "frames_dropped", "drops": {reason: frames}}, "file_bytes"}. "end" is the reason, or null when the stream has no
/// end; "drops" is null when they were not read. Ends with a newline.
[[nodiscard]] std::string stats_json(const TraceSummary& trace);

}  // namespace reprise
