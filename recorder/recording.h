// `reprise record` as a function: wires guests, network and trace, runs them, and leaves a complete trace or a recoverable folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "recorder/held_up.h"
#include "recorder/network_model.h"
#include "trace_format/age_keys.h"
#include "trace_format/event.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

struct Deployment;

struct RecordOptions {
  std::filesystem::path platform;
  std::filesystem::path deployment;
  std::filesystem::path output;              ///< the trace; ignored without `trace`
  VirtualTime until = VirtualTime::never();  ///< the run stops for all guests at exactly this time
  uint64_t max_size_bytes = 0;               ///< of the trace: the run stops early, for all guests at one time; 0: no limit
  uint64_t seed = 1;                         ///< of the guests' and the network's random numbers
  bool trace = true;                         ///< false: the same coupling without recording
  bool durable = false;                      ///< sync the streams twice a second of host time: a power failure loses one second at most
  /// For whom the trace and all streams are encrypted, at most kMaxRecipients; empty: they are not. Console logs never are.
  std::vector<AgeRecipient> recipients;
  std::filesystem::path console_folder;  ///< empty, or where NAME.log goes
  /// Virtual seconds a host second at most, from Pacing::kSlowest to kFastest; 0: as fast as it goes. Changes nothing that a guest sees.
  double realtime = 0;
  bool expose_gateway = false;               ///< a gateway may listen on addresses that others than this machine's users reach
  std::vector<std::string> simgrid_options;  ///< as after `--`
  /// May change what was deployed before anything starts; may be empty.
  std::function<Status(Deployment&)> adjust;
  std::function<void(VirtualTime now)> progress;  ///< called a few times a second of host time; may be empty
  /// Called when nothing was heard of a guest for ten seconds of host time, and again whenever that has doubled; may be empty.
  std::function<void(const HeldUp&)> held_up;
};

struct RecordedGuest {
  std::string name;
  VirtualTime end;
  EndReason reason = EndReason::kAborted;
  std::string words;  ///< of a process that crashed: how, one or more lines
  bool is_gateway = false;
};

struct RecordOutcome {
  std::vector<RecordedGuest> guests;           ///< in GuestIndex order
  std::vector<NetworkModel::PathFacts> paths;  ///< sender * guests + receiver; of a guest to itself: nothing
  uint64_t frames_delivered = 0;
  uint64_t frames_dropped = 0;
  std::optional<VirtualTime> full_at;  ///< when max_size_bytes ended the run: the trace is the one that `until` = full_at gives
};

/// Runs to the end. On failure (kRunFailed) no process is left behind, and the message names the folder that `reprise recover` takes.
/// SIGINT and SIGTERM end the run the same way. One call a process (SimGrid).
[[nodiscard]] Result<RecordOutcome> record(const RecordOptions& options);

}  // namespace reprise
