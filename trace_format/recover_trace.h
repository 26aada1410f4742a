// What is left of a damaged or cut trace, as a trace.
#pragma once

#include <cstdint>
#include <filesystem>

#include "trace_format/age_keys.h"
#include "trace_format/chunk_scan.h"
#include "trace_format/status.h"

namespace reprise {

/// Makes a trace of the sound chunks of the file `trace`: each guest up to its first event that is lost, and no reception of a frame that
/// is lost. It is marked as not complete unless nothing was missing. Its deliveries and drops are those of the frames that are kept. The
/// output passes a full read before this returns success; works in the folder `output`.recovering, which must not exist. kBadTrace when
/// there is no sound run information (it is at both ends of a trace), or the trace is of another major version.
/// Of an encrypted trace that is cut, what its whole chunks of 64 KiB hold is left; one with an altered chunk is refused. kUsage when it is
/// encrypted for none of the identities.
[[nodiscard]] Result<ScanResult> recover_trace(const std::filesystem::path& trace, const std::filesystem::path& output,
                                               const FileKeys& keys = {});

}  // namespace reprise
