// The two integer encodings of the trace: fixed little-endian (framing) and LEB128 varints (columns).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "trace_format/event.h"

namespace reprise {

// The host is little-endian, as x86-64 is; a copy is one instruction, where a loop over the bytes stays a loop under -O2.
static_assert(std::endian::native == std::endian::little);

template <typename T>
void store_le(uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

template <typename T>
[[nodiscard]] T load_le(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

[[nodiscard]] constexpr uint64_t zigzag(uint64_t difference) {
  return (difference << 1) ^ (0 - (difference >> 63));
}
[[nodiscard]] constexpr uint64_t unzigzag(uint64_t coded) {
  return (coded >> 1) ^ (0 - (coded & 1));
}

/// How many of eight bytes have their highest bit set. Without the CPU's own instruction, which not every x86-64 has.
[[nodiscard]] constexpr uint64_t count_high_bits(uint64_t bytes) {
  constexpr uint64_t kEachByte = 0x0101010101010101;
  return (bytes >> 7 & kEachByte) * kEachByte >> 56;
}

/// Appends `value` in its shortest form; returns the bytes it took.
inline size_t put_varint(std::vector<uint8_t>& column, uint64_t value) {
  uint8_t bytes[10];
  size_t n = 0;
  while (value >= 0x80) {
    bytes[n++] = static_cast<uint8_t>(value | 0x80);
    value >>= 7;
  }
  bytes[n++] = static_cast<uint8_t>(value);
  column.insert(column.end(), bytes, bytes + n);
  return n;
}

/// Takes values from the front of a column. Reading past the end or a malformed varint gives 0 and sets failed() for good, so that a
/// caller can check once after many reads.
class ColumnReader {
 public:
  ColumnReader() = default;
  explicit ColumnReader(ByteView bytes) : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool empty() const { return next_ == end_; }
  [[nodiscard]] bool failed() const { return failed_; }

  uint8_t byte() {
    if (next_ == end_) {
      failed_ = true;
      return 0;
    }
    return *next_++;
  }

  /// What was not taken yet.
  [[nodiscard]] ByteView rest() const { return {next_, end_}; }

  uint64_t varint() {
    if (next_ != end_ && *next_ < 0x80) {
      return *next_++;
    }
    // Most of the others: times between irregular reads.
    if (end_ - next_ >= 2 && next_[1] - 1U < 0x7f) {
      const uint64_t value = (next_[0] & 0x7fU) | static_cast<uint64_t>(next_[1]) << 7;
      next_ += 2;
      return value;
    }
    return long_varint();
  }

  /// Adds up the next `n` values. False when the sum is above `limit` or the column has not so many well-formed values; the reader is then
  /// of no further use. Eight bytes at a time: value by value, it was a fifth of what verifying a trace cost.
  [[nodiscard]] bool add_varints(uint64_t n, uint64_t limit, uint64_t& sum);

  /// `n` bytes as they are.
  ByteView blob(uint64_t n) {
    if (n > static_cast<uint64_t>(end_ - next_)) {
      failed_ = true;
      return {};
    }
    const ByteView bytes(next_, static_cast<size_t>(n));
    next_ += n;
    return bytes;
  }

 private:
  uint64_t long_varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && next_ != end_; shift += 7) {
      const uint8_t b = *next_++;
      value |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) {
        // One value has one form: a last byte of 0 is not the shortest, and the tenth byte has room for one bit only.
        const bool canonical = b != 0 && !(shift == 63 && b > 1);
        failed_ |= !canonical;
        return canonical ? value : 0;
      }
    }
    failed_ = true;
    return 0;
  }

  const uint8_t* next_ = nullptr;
  const uint8_t* end_ = nullptr;
  bool failed_ = false;
};

}  // namespace reprise
