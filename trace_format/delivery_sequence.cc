#include "trace_format/delivery_sequence.h"

#include <xxhash.h>

#include <array>
#include <cstring>

#include "trace_format/byte_codec.h"

namespace reprise {

void DeliverySequence::add(VirtualTime at, GuestIndex sender, SeqNo frame) {
  std::array<uint8_t, 36> bytes;
  std::memcpy(bytes.data(), digest_.data(), digest_.size());
  store_le<int64_t>(&bytes[16], at.ns);
  store_le<uint32_t>(&bytes[24], sender.value);
  store_le<uint64_t>(&bytes[28], frame.value);
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  std::memcpy(digest_.data(), canonical.digest, digest_.size());
  ++count_;
}

}  // namespace reprise
