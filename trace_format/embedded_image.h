// Files that a trace carries with it because they exist nowhere else: images made for the run, as a guest's cloud-init seed. Kernels and
// root file systems are large and can be made again; a trace has their digests only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/io.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"

namespace reprise {

/// The largest image that a trace carries.
inline constexpr uint64_t kMaxEmbeddedImageBytes = uint64_t{128} << 20U;

/// Writes the files at `images[i].path` into the run's folder `directory`, from which they become part of its trace; equal ones once.
/// Encrypted for `recipients`, if any. kRunFailed when one cannot be read or written, or is larger than a trace carries.
[[nodiscard]] Status embed_images(const std::filesystem::path& directory, std::span<const ImageInfo> images,
                                  const std::vector<AgeRecipient>& recipients = {});

/// Writes the image of that SHA-256 (64 hex digits) to the new file `path`; false, and no file, when the trace does not carry all of it.
/// kBadTrace when a chunk of the trace is damaged. The digest is not checked here: who uses the file compares it anyway.
[[nodiscard]] Result<bool> extract_image(const TraceReader& trace, const std::string& sha256, const std::filesystem::path& path,
                                         const SinkFactory& create = create_file);

}  // namespace reprise
