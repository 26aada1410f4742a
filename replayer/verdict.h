// What the replaying guest's process tells the replayer at its end: one JSON text over the inherited socket.
#pragma once

#include <optional>
#include <string>

#include "replayer/verifier.h"
#include "trace_format/status.h"

namespace reprise {

struct Verdict {
  VirtualTime reached;  ///< how far the replay got
  VerifiedCounts counts;
  std::optional<Mismatch> mismatch;  ///< empty and no error: identical
  std::optional<Error> error;        ///< the trace could not be read, or QEMU failed
};

[[nodiscard]] std::string verdict_to_json(const Verdict& verdict);
/// kRunFailed when `text` is not a verdict.
[[nodiscard]] Result<Verdict> verdict_from_json(const std::string& text);

}  // namespace reprise
