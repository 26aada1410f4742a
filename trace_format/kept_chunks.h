// kept.chunks: what of a run belongs to no stream, beside the streams while the run goes on. Its chunks become part of the trace as they
// are; so do those that `recover` finds in a damaged trace and does not know.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/event.h"
#include "trace_format/io.h"
#include "trace_format/status.h"

namespace reprise {

/// "kept.chunks".
[[nodiscard]] std::filesystem::path kept_chunks_file_name();

/// Creates the file in `directory`, to which chunks are then written one after another; kRunFailed when it is there already.
[[nodiscard]] Result<std::unique_ptr<ByteSink>> create_kept_chunks(const std::filesystem::path& directory,
                                                                   const std::vector<AgeRecipient>& recipients);

/// Calls `take` with each chunk of the file in `directory`, whole and with its checksum checked; a run need not have such a file. kBadTrace
/// where a chunk is damaged.
[[nodiscard]] Status for_each_kept_chunk(const std::filesystem::path& directory, const std::vector<AgeIdentity>& identities,
                                         const std::function<Status(ByteView stored)>& take);

/// Copies the file from one folder to the other, up to the first chunk that is damaged or cut off.
[[nodiscard]] Status copy_kept_chunks(const std::filesystem::path& from, const std::vector<AgeIdentity>& identities,
                                      const std::filesystem::path& to, const std::vector<AgeRecipient>& recipients);

}  // namespace reprise
