// Whether this machine is the one that a trace asks for: QEMU, kernel, initrd and command line, field by field.
#pragma once

#include <filesystem>
#include <vector>

#include "launcher/image_digest.h"
#include "launcher/qemu_program.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// The images of `guest` on this machine: where they were recorded, or of the same name in `seeds` (beside the trace) or in the folder of
/// the demo guests.
/// `digests` may be shared between guests. kMachine with one line for each field that does not match.
[[nodiscard]] Result<std::vector<ImageInfo>> check_provenance(const GuestInfo& guest, const QemuProgram& qemu, ImageDigests& digests,
                                                              const std::filesystem::path& seeds = {});

}  // namespace reprise
