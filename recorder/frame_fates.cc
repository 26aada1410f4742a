#include "recorder/frame_fates.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>

#include "recorder/philox.h"
#include "trace_format/limits.h"
#include "trace_format/status.h"

namespace reprise {
namespace {

uint32_t low(uint64_t value) {
  return static_cast<uint32_t>(value);
}

uint32_t high(uint64_t value) {
  return static_cast<uint32_t>(value >> 32);
}

uint64_t join(uint32_t high_half, uint32_t low_half) {
  return uint64_t{high_half} << 32 | low_half;
}

/// True for a share of `probability` of all 2^64 numbers.
bool happens(double probability, uint64_t number) {
  // Scaling by a power of two is exact, and below 1 the product fits.
  return probability >= 1 || number < static_cast<uint64_t>(std::ldexp(probability, 64));
}

/// 0 to `most`, all equally likely.
Duration spread_over(Duration most, uint64_t number) {
  const double fraction = std::ldexp(static_cast<double>(number >> 11), -53);  // exact: 53 bits are what a double holds
  return {std::min(static_cast<int64_t>(fraction * static_cast<double>(most.ns + 1)), most.ns)};
}

}  // namespace

/// Four independent numbers.
struct FrameFates::Draws {
  uint64_t loss;
  uint64_t duplicate;
  uint64_t reorder;
  uint64_t jitter;
};

void FrameFates::add_link(std::string_view name, const LinkImpairments& impairments) {
  if (!impairments.any()) {
    return;
  }
  const uint64_t hash = XXH3_64bits(name.data(), name.size());
  const auto mixed = philox4x32({low(hash), high(hash), 0, 0}, {low(seed_), high(seed_)});
  links_.push_back({{mixed[0], mixed[1]}, impairments});
}

FrameFates::Draws FrameFates::draw(const Link& link, const FrameIdentity& frame, uint32_t copy) {
  static_assert(kMaxGuests <= 1 << 16);
  const uint32_t guests = frame.sender.value << 16 | frame.receiver.value;
  const auto block = [&](uint32_t which) {
    return philox4x32({low(frame.number.value), high(frame.number.value), guests, copy << 1 | which}, link.key);
  };
  const auto first = block(0);
  const auto second = block(1);
  return {join(first[1], first[0]), join(first[3], first[2]), join(second[1], second[0]), join(second[3], second[2])};
}

void FrameFates::cross(const Link& link, const Draws& draws, FrameFate& fate) {
  fate.jitter = fate.jitter + spread_over(link.impairments.jitter, draws.jitter);
  if (happens(link.impairments.reorder, draws.reorder)) {
    fate.hold = fate.hold + link.impairments.reorder_delay;
  }
}

std::vector<FrameFate> FrameFates::of(const FrameIdentity& frame) const {
  std::vector<FrameFate> fates(1);
  std::vector<uint32_t> numbers(1);  // of the copies: 0, and 1 + the place of the link that made it
  for (uint32_t place = 0; place < links_.size(); ++place) {
    const Link& link = links_[place];
    const FrameFate before = fates.front();
    for (size_t i = 0; i < fates.size(); ++i) {
      if (!fates[i].lost) {
        const Draws draws = draw(link, frame, numbers[i]);
        fates[i].lost = happens(link.impairments.loss, draws.loss);
        cross(link, draws, fates[i]);
      }
    }
    if (!fates.front().lost && happens(link.impairments.duplicate, draw(link, frame, 0).duplicate)) {
      fates.push_back(before);
      numbers.push_back(place + 1);
      cross(link, draw(link, frame, numbers.back()), fates.back());
    }
  }
  return fates;
}

}  // namespace reprise
