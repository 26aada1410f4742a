// Where bytes go to and come from. Interfaces, so that a test can fail any write, sync or close.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "trace_format/event.h"
#include "trace_format/status.h"

namespace reprise {

/// Takes bytes in order. Errors are kRunFailed and name the file and the system's reason.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  /// All of `bytes`, or an error: a short write goes on where it stopped.
  [[nodiscard]] virtual Status write(ByteView bytes) = 0;
  /// Returns when the bytes are on the device.
  [[nodiscard]] virtual Status sync() = 0;
  /// No call may follow.
  [[nodiscard]] virtual Status close() = 0;
};

/// Bytes at any place. Safe to use from several threads at once.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual uint64_t size() const = 0;
  /// Fills all of `bytes` from `offset`; kBadTrace when the source ends before that.
  [[nodiscard]] virtual Status read_at(uint64_t offset, std::span<uint8_t> bytes) const = 0;
};

/// Creates `path`; fails when it is there already.
[[nodiscard]] Result<std::unique_ptr<ByteSink>> create_file(const std::filesystem::path& path);
using SinkFactory = std::function<Result<std::unique_ptr<ByteSink>>(const std::filesystem::path&)>;

/// kUsage when `path` cannot be opened or is not a regular file.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_file(const std::filesystem::path& path);

/// Makes renames in `directory` durable.
[[nodiscard]] Status sync_directory(const std::filesystem::path& directory);

}  // namespace reprise
