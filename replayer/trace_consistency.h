// A trace says twice when a frame reached a guest: in the guest's stream and in the network's. They have to agree.
#pragma once

#include <optional>

#include "replayer/verifier.h"
#include "trace_format/trace_reader.h"

namespace reprise {

/// The first frame that `guest` received otherwise than the network delivered it, or nothing. A replay feeds the guest from its own stream,
/// so a changed delivery would show only in what the guest does after it; this names the delivery itself.
[[nodiscard]] Result<std::optional<Mismatch>> find_contradiction(TraceReader& reader, GuestIndex guest);

}  // namespace reprise
