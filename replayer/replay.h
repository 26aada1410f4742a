// `reprise replay` as a function: each guest alone, from the trace, verified event by event.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "replayer/divergence.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

struct ReplayOptions {
  std::filesystem::path trace;
  std::vector<std::filesystem::path> identities;  ///< files with keys that open an encrypted trace
  std::vector<std::string> guests;                ///< names; empty: all
  unsigned jobs = 0;                              ///< guests at a time; 0: one for each core
  std::filesystem::path console_folder;           ///< empty, or where NAME.log goes
  bool any_program = false;                       ///< run native programs that do not carry our client library, too
};

struct GuestReplay {
  std::string name;
  VirtualTime end;  ///< how far the replay got
  uint64_t frames = 0;
  uint64_t clock_reads = 0;
  uint64_t console_bytes = 0;
  bool is_gateway = false;               ///< there is nothing to run: what it sent came from outside
  std::optional<Divergence> divergence;  ///< empty: identical
};

/// Replays the guests; `on_guest` is called for each as it finishes, in the order of the run, from the calling thread.
/// kUsage: unknown guest name; the trace is encrypted for none of the identities. kBadTrace. kMachine: QEMU, kernel, initrd or command line
/// do not match the trace (field by field). kRunFailed: QEMU could not run. A divergence is not an error.
[[nodiscard]] Status replay(const ReplayOptions& options, const std::function<void(const GuestReplay&)>& on_guest);

}  // namespace reprise
