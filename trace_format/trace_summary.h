// What a trace holds, without its events: of a finished trace from its ends, of a run that is being recorded from what is there so far.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"

namespace reprise {

/// Whether to read the network's own chunks, which say why frames were dropped: without, a trace of any size costs what its index costs.
enum class DropDetail { kNone, kByReason };

struct TraceSummary {
  RunInfo run;
  std::vector<GuestStatistics> guests;                ///< as many as the run has
  std::vector<std::vector<ColumnUse>> guest_columns;  ///< the same
  NetworkStatistics network;
  std::optional<DropCounts> drops;  ///< nothing when they were not to be read, or cannot be
  std::vector<ColumnUse> network_columns;
  uint64_t file_bytes = 0;  ///< of the trace, or of all streams
  bool unfinished = false;  ///< of a run folder: it is being recorded, or was killed
};

[[nodiscard]] TraceSummary summary_of(TraceReader& trace, DropDetail drops = DropDetail::kByReason);

/// Of the run in `folder`: of all that its writers have appended when it is looked at. Reads all chunks. kUsage without a run.info,
/// kBadTrace when it is damaged.
[[nodiscard]] Result<TraceSummary> summary_of_run(const std::filesystem::path& folder, const std::vector<AgeIdentity>& identities = {});

/// Of the trace `path`, or of the run that is recorded as it (run_folder_of()). The errors of TraceReader::open() and summary_of_run().
[[nodiscard]] Result<TraceSummary> read_summary(const std::filesystem::path& path, const std::vector<AgeIdentity>& identities = {},
                                                DropDetail drops = DropDetail::kByReason);

/// What counts when a run is recorded beside an older trace of the same name.
enum class RunChoice { kTrace, kRun };

/// The folder of the run that is recorded as `path`: `path` itself when it is a folder, `path`.partial when only that is there, or with
/// kRun when it is there; else nothing.
[[nodiscard]] std::optional<std::filesystem::path> run_folder_of(const std::filesystem::path& path, RunChoice choice = RunChoice::kTrace);

}  // namespace reprise
