// The identity of a kernel or an initial file system.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

/// Reads all of `path` and gives its size and SHA-256. kUsage when it is no regular file or cannot be read.
[[nodiscard]] Result<ImageInfo> digest_image(const std::string& role, const std::filesystem::path& path);

/// Digests each file once, however many guests boot from it.
class ImageDigests {
 public:
  [[nodiscard]] Result<ImageInfo> of(const std::string& role, const std::filesystem::path& path);

 private:
  std::map<std::filesystem::path, ImageInfo> known_;
};

}  // namespace reprise
