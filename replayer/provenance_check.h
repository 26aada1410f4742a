// Whether this machine is the one that a trace asks for: QEMU, kernel, initrd and command line, field by field.
#pragma once

#include <filesystem>
#include <vector>

#include "launcher/guest_program.h"
#include "launcher/image_digest.h"
#include "replayer/carried_images.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// What a replay on this machine may use.
struct ReplayHere {
  const CarriedImages* carried = nullptr;  ///< what the trace brings itself; null: nothing
  bool any_program = false;                ///< run a recorded program even if it does not carry the client library
};

/// The images of `guest` on this machine: those that the trace carries, others where they were recorded, or of the same name in the folder
/// of the demo guests. A program must carry the client library besides, unless any_program: a trace from a stranger must not make us run,
/// say, a shell. `digests` may be shared between guests. kMachine with one line for each field that does not match.
[[nodiscard]] Result<std::vector<ImageInfo>> check_provenance(const GuestInfo& guest, const GuestPrograms& programs, ImageDigests& digests,
                                                              const ReplayHere& here = {});

}  // namespace reprise
