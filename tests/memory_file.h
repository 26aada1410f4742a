// Files that are bytes in memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "trace_format/io.h"

namespace reprise::testing {

/// `bytes` must outlive it.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(ByteView bytes) : bytes_(bytes) {}
  const std::string& name() const override { return name_; }
  uint64_t size() const override { return bytes_.size(); }
  Status read_at(uint64_t offset, std::span<uint8_t> to) const override {
    if (offset > bytes_.size() || to.size() > bytes_.size() - offset) {
      return Error{ErrorKind::kBadTrace, name_ + ": ends before the end of what it announces"};
    }
    std::ranges::copy(bytes_.subspan(offset, to.size()), to.begin());
    return {};
  }

 private:
  ByteView bytes_;
  std::string name_ = "input";
};

/// Writes to `bytes`, which must outlive it.
class MemorySink final : public ByteSink {
 public:
  explicit MemorySink(std::vector<uint8_t>* bytes) : bytes_(bytes) {}
  Status write(ByteView bytes) override {
    bytes_->insert(bytes_->end(), bytes.begin(), bytes.end());
    return {};
  }
  Status sync() override { return {}; }
  Status close() override { return {}; }

 private:
  std::vector<uint8_t>* bytes_;
};

}  // namespace reprise::testing
