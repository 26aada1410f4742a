// Where a trace comes from, and what its columns take: what its two ends say, whatever its length.
#pragma once

#include <string>

#include "trace_format/trace_summary.h"

namespace reprise {

/// For people; XML files by their size only. Ends with a newline.
[[nodiscard]] std::string info_text(const TraceSummary& trace);

/// All of RunInfo, the XML files verbatim: {"reprise_version", "complete", "file_bytes", "seed", "until_ns" (null: no deadline),
/// "network": {"simgrid_version", "simgrid_options", "lookahead_ns", "platform_xml", "deployment_xml"}, "guests": [{"name", "kind", "host",
/// "address", "mac", "nic", "icount_shift", "qemu_version", "qemu_build_id", "command_line", "images": [{"role", "path", "sha256",
/// "size_bytes"}], "omitted", "columns": [{"name", "raw_bytes", "stored_bytes"}]}]}; "network" has "columns" too. A part of a run (`trim`)
/// has "part": {"from_ns", "to_ns" (null: to the end)}. Ends with a newline.
[[nodiscard]] std::string info_json(const TraceSummary& trace);

}  // namespace reprise
