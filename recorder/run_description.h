// The provenance of a run, gathered before it starts.
#pragma once

#include "launcher/guest_program.h"
#include "recorder/deployment.h"
#include "recorder/network_model.h"
#include "recorder/recording.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// Composes each guest's command line and digests what it boots or runs. kUsage when a file cannot be read.
[[nodiscard]] Result<RunInfo> describe_run(const RecordOptions& options, const Deployment& deployment, const NetworkModel& network,
                                           const GuestPrograms& programs);

}  // namespace reprise
