// The streams of a run while it goes on: a folder beside the output.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "recorder/recording.h"
#include "trace_format/age_keys.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"
#include "trace_format/trace_writer.h"

namespace reprise {

struct RunStreams {
  std::filesystem::path folder;
  /// Of an encrypted run: its own key, with which we join what the guests wrote. In memory only, and gone with this.
  std::vector<AgeIdentity> identities;
  std::vector<AgeRecipient> recipients;  ///< the user's, and the run's own
  std::unique_ptr<StreamWriter> network;
  bool worth_keeping = false;  ///< whether the run began, so that there may be something to recover
};

/// Makes OUT.partial and, in it, what a run begins with. kUsage when it is there already; after an error there is nothing that was not
/// there before.
[[nodiscard]] Result<RunStreams> begin_streams(const RecordOptions& options, const RunInfo& run, const std::vector<ImageInfo>& seeds);

/// Of a run that never began: left there, they would only stand in the way of the next one.
void remove_streams(RunStreams& streams);

}  // namespace reprise
