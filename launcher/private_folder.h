// A folder for files that guests are given and nobody else sees.
#pragma once

#include <filesystem>

#include "trace_format/status.h"

namespace reprise {

/// Made with mode 0700, removed with all that is in it. A process that is killed before that leaves it behind.
class PrivateFolder {
 public:
  /// `in_memory`: where nothing gets to the disk, if this machine has such a place. kRunFailed when it cannot be made.
  [[nodiscard]] static Result<PrivateFolder> create(bool in_memory);
  ~PrivateFolder();
  PrivateFolder(PrivateFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit PrivateFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace reprise
