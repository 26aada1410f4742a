// What `replay` says about a guest.
#pragma once

#include <string>

#include "replayer/replay.h"

namespace reprise {

/// "alice: identical, 10.726155164 s, 36 frames, 25696212 clock reads, 412 console bytes", or the divergence with the events before it.
/// Ends with a newline.
[[nodiscard]] std::string replay_text(const GuestReplay& guest);

}  // namespace reprise
