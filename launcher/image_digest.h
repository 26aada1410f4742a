// The identity of a kernel or an initial file system.
#pragma once

#include <filesystem>
#include <string>

#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// Reads all of `path` and gives its size and SHA-256. kUsage when it is no regular file or cannot be read.
[[nodiscard]] Result<ImageInfo> digest_image(const std::string& role, const std::filesystem::path& path);

}  // namespace reprise
