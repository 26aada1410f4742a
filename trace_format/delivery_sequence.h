// Do the frames that a guest received tell all that the network says of their delivery? Then the network's rows need not be stored.
#pragma once

#include <cstdint>

#include "trace_format/digest.h"
#include "trace_format/ids.h"

namespace reprise {

/// A digest over deliveries in order: equal ones mean equal times, senders and frames. Takes no memory for them, so that a join of any
/// length can compare a stream that it has already copied with the network's rows that come after.
class DeliverySequence {
 public:
  void add(VirtualTime at, GuestIndex sender, SeqNo frame);
  [[nodiscard]] uint64_t count() const { return count_; }
  bool operator==(const DeliverySequence&) const = default;

 private:
  uint64_t count_ = 0;
  Digest digest_{};
};

}  // namespace reprise
