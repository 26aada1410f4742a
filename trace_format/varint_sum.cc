#include "trace_format/byte_codec.h"

namespace reprise {
namespace {

constexpr uint64_t kEachByte = 0x0101010101010101;
constexpr uint64_t kMore = 0x80 * kEachByte;
constexpr uint64_t kValueBits = 0x7f * kEachByte;

// Of bytes below 0x80.
uint64_t sum_of_bytes(uint64_t word) {
  constexpr uint64_t kEvenBytes = 0x00ff00ff00ff00ff;
  const uint64_t pairs = (word & kEvenBytes) + (word >> 8 & kEvenBytes);
  return pairs * 0x0001000100010001 >> 48;
}

/// Some values from the front of a column; `bytes` is 0 when they are not all of one byte or two.
struct Short {
  uint64_t sum = 0;
  unsigned bytes = 0;
  unsigned values = 0;
};

// The whole values in the next eight bytes.
Short take_word(const uint8_t* next) {
  const auto word = load_le<uint64_t>(next);
  const uint64_t more = word & kMore;
  const uint64_t seconds = more << 8;  // bit 7 of each byte that ends a varint of two
  const uint64_t in_seconds = (seconds >> 7) * 0xff;
  const uint64_t not_zero = (word & in_seconds & kValueBits) + kValueBits;
  if ((more & seconds) != 0 || (not_zero & seconds) != seconds) [[unlikely]] {
    return {};
  }
  const auto cut = static_cast<unsigned>(more >> 63);  // the last byte begins a varint that goes on in the next word
  const uint64_t values = word & kValueBits & (~uint64_t{0} >> (8 * cut));
  return {sum_of_bytes(values & ~in_seconds) + (sum_of_bytes(values & in_seconds) << 7), 8 - cut,
          8 - cut - static_cast<unsigned>(count_high_bits(seconds))};
}

// One value, without asking whether it has one byte or two: in irregular steps that is noise to a branch predictor.
Short take_pair(const uint8_t* next) {
  const auto pair = load_le<uint16_t>(next);
  const unsigned more = pair >> 7 & 1;
  const unsigned second = (pair >> 8) * more;
  if (second - more >= 0x7f) [[unlikely]] {  // a third byte, or a second of 0
    return {};
  }
  return {(pair & 0x7f) | second << 7, 1 + more, 1};
}

}  // namespace

bool ColumnReader::add_varints(uint64_t n, uint64_t limit, uint64_t& sum) {
  uint64_t total = 0;
  const uint8_t* next = next_;
  while (n > 0) {
    const auto rest = static_cast<size_t>(end_ - next);
    Short step;
    if (n >= 8 && rest >= 8) {
      step = take_word(next);
    } else if (rest >= 2) {
      step = take_pair(next);
    }
    if (step.bytes == 0) {
      next_ = next;
      step = {varint(), static_cast<unsigned>(next_ - next), 1};
    }
    if (failed_ || step.sum > limit - total) {
      return false;
    }
    next += step.bytes;
    n -= step.values;
    total += step.sum;
  }
  next_ = next;
  sum = total;
  return true;
}

}  // namespace reprise
