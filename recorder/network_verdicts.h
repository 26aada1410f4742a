// Puts the network's verdicts into the order in which the trace wants them.
#pragma once

#include <cstdint>
#include <set>
#include <tuple>

#include "recorder/network_model.h"
#include "trace_format/event.h"

namespace reprise {

/// A drop is dated by its frame's sending, but known only later: a verdict waits until none with an earlier date can come any more.
class NetworkVerdicts {
 public:
  void add(const NetworkEvent& event);
  /// Reports all verdicts dated before `watermark`, in order, numbered. None dated before it may be added afterwards (CHECK).
  void release_before(VirtualTime watermark, Participants& to);

 private:
  struct Order {
    // Copies of one frame that are all lost have the same date: what became of each orders them then.
    static auto key(const NetworkEvent& e) { return std::tie(e.at, e.sender, e.sender_frame, e.receiver, e.kind, e.reason); }
    bool operator()(const NetworkEvent& a, const NetworkEvent& b) const { return key(a) < key(b); }
  };

  std::multiset<NetworkEvent, Order> waiting_;
  VirtualTime watermark_;
  uint64_t released_ = 0;
};

}  // namespace reprise
