// The events of a run while it is recorded, one a line as `dump` prints them.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <vector>

#include "analysis/dump.h"
#include "trace_format/age_keys.h"
#include "trace_format/status.h"

namespace reprise {

struct FollowOptions {
  DumpOptions dump;
  std::vector<AgeIdentity> identities;       ///< of an encrypted run
  std::chrono::milliseconds look_every{50};  ///< of host time; a line is at most two looks behind
};

/// Writes what is in `folder` and what comes into it, until the run has ended or its writers are gone. Each guest's events are in its
/// order, those of one look in the order of `dump`; a later look may bring an earlier time of another guest. When the run has become the
/// trace `folder` without ".partial", the last events come from there. A received frame whose sending was not seen is shown without its
/// bytes' digest. The errors of dump_trace(); kUsage without a run.info, kBadTrace when it is damaged.
[[nodiscard]] Status follow_run(const std::filesystem::path& folder, const FollowOptions& options, const LineSink& sink);

}  // namespace reprise
