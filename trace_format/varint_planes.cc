#include "trace_format/varint_planes.h"

#include <array>

#include "trace_format/status.h"

namespace reprise {
namespace {

constexpr uint8_t kMore = 0x80;

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
    size_t announced = 0;
    for (size_t i = begin; i < begin + in_plane; ++i) {
      announced += planes[i] >> 7;
    }
    begin += in_plane;
    in_plane = announced;
  }
  if (begin != planes.size()) {
    return false;
  }
  // The planes have what they announce, so that no plane is read beyond its end. Most varints have one byte or two, whose places are kept
  // in registers: one loop over all planes was nearly half of what verifying a trace cost.
  const uint8_t* first = planes.data();
  const uint8_t* second = planes.data() + next[1];
  for (uint8_t *out = varints.data(), *end = out + varints.size(); out != end;) {
    *out = *first++;
    if ((*out++ & kMore) == 0) {
      continue;
    }
    *out = *second++;
    for (size_t depth = 2; (*out++ & kMore) != 0; ++depth) {
      *out = planes[next[depth]++];
    }
  }
  return true;
}

}  // namespace reprise
