#include "trace_format/varint_planes.h"

#include <array>

#include "trace_format/byte_codec.h"
#include "trace_format/status.h"

namespace reprise {
namespace {

constexpr uint8_t kMore = 0x80;

// How many bytes of a plane announce one in the next.
size_t count_announced(ByteView plane) {
  size_t count = 0;
  size_t i = 0;
  for (; plane.size() - i >= 8; i += 8) {
    count += count_high_bits(load_le<uint64_t>(&plane[i]));
  }
  for (; i < plane.size(); ++i) {
    count += plane[i] >> 7;
  }
  return count;
}

// The bytes of a varint from its third on; `next` is the place in each plane. Returns the place behind them.
uint8_t* join_rest(ByteView planes, std::array<size_t, kVarintPlanes>& next, uint8_t* out) {
  for (size_t depth = 2; (out[-1] & kMore) != 0; ++depth) {
    *out++ = planes[next[depth]++];
  }
  return out;
}

}  // namespace

bool split_varints(ByteView varints, std::vector<uint8_t>& planes, std::vector<size_t>& sizes) {
  std::array<size_t, kVarintPlanes> count{};
  size_t depth = 0;
  for (const uint8_t byte : varints) {
    if (depth == kVarintPlanes) {
      return false;
    }
    ++count[depth];
    depth = (byte & kMore) != 0 ? depth + 1 : 0;
  }
  if (depth != 0) {
    return false;
  }
  std::array<size_t, kVarintPlanes> next{};
  size_t end = planes.size();
  for (size_t plane = 0; plane < kVarintPlanes && count[plane] != 0; ++plane) {
    next[plane] = end;
    end += count[plane];
    sizes.push_back(count[plane]);
  }
  planes.resize(end);
  for (const uint8_t byte : varints) {
    planes[next[depth]++] = byte;
    depth = (byte & kMore) != 0 ? depth + 1 : 0;
  }
  return true;
}

bool join_varints(ByteView planes, uint64_t count, std::span<uint8_t> varints) {
  CHECK(varints.size() == planes.size());
  std::array<size_t, kVarintPlanes> next{};
  size_t begin = 0;
  size_t in_plane = count;
  size_t plane = 0;
  // Each plane has as many bytes as the one before it has bytes that announce another.
  for (; in_plane != 0; ++plane) {
    if (plane == kVarintPlanes || in_plane > planes.size() - begin) {
      return false;
    }
    next[plane] = begin;
    const size_t announced = count_announced(planes.subspan(begin, in_plane));
    begin += in_plane;
    in_plane = announced;
  }
  if (begin != planes.size()) {
    return false;
  }
  // The planes have what they announce, so that no plane is read beyond its end. Most varints have one byte or two, and which of them is
  // noise to a branch predictor: here a second byte is always written and overwritten when there is none. Asking first took half of what
  // verifying a trace cost.
  const uint8_t* first = planes.data();
  const uint8_t* second = planes.data() + next[1];
  const uint8_t* const planes_end = planes.data() + planes.size();
  uint8_t* out = varints.data();
  uint8_t* const end = out + varints.size();
  while (end - out >= 2 && second != planes_end) {
    const uint8_t byte = *first++;
    const uint8_t next_byte = *second;
    const unsigned more = byte >> 7;
    out[0] = byte;
    out[1] = next_byte;
    second += more;
    out += 1 + more;
    if ((byte & next_byte & kMore) != 0) [[unlikely]] {
      out = join_rest(planes, next, out);
    }
  }
  for (; out != end; ++out) {
    *out = *first++;
    if ((*out & kMore) != 0) {
      *++out = *second++;
    }
  }
  return true;
}

}  // namespace reprise
