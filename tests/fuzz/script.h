// Fuzz inputs as little programs: what a target does next is read from the front of the input, so that seeds can be written by hand.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "trace_format/event.h"

namespace reprise::fuzz {

/// Reads an input from front to back. Past its end everything is 0.
class Script {
 public:
  Script(const uint8_t* data, size_t size) : rest_{data, size} {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  /// An integer, little end first.
  template <typename T>
  T take() {
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
      value |= uint64_t{byte()} << (8 * i);
    }
    return static_cast<T>(value);
  }

  /// At most `most` bytes, fewer at the end.
  ByteView take_bytes(size_t most) {
    const ByteView bytes = rest_.first(std::min(most, rest_.size()));
    rest_ = rest_.subspan(bytes.size());
    return bytes;
  }

 private:
  uint8_t byte() {
    const ByteView one = take_bytes(1);
    return one.empty() ? uint8_t{0} : one[0];
  }

  ByteView rest_;
};

}  // namespace reprise::fuzz
