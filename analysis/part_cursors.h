// Walks over the time that two traces have in common, when one of them is a part of a run (`trim`).
#pragma once

#include <algorithm>

#include "trace_format/ids.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"

namespace reprise {

/// From `from` on, before `to`. All time when neither trace is a part.
struct CommonPart {
  VirtualTime from;
  VirtualTime to = VirtualTime::never();
  bool whole = true;

  CommonPart() = default;
  CommonPart(const RunInfo& left, const RunInfo& right)
      : from(std::max(left.from, right.from)), to(std::min(left.to, right.to)), whole(!left.partial && !right.partial) {}
};

/// A guest's events in the common part; where one of the traces was cut is no event of the guest's.
class GuestPart {
 public:
  /// `events` stands at the first event of the part.
  GuestPart(GuestCursor& events, const CommonPart& part) : events_(events), part_(part) {}
  [[nodiscard]] Result<bool> next(GuestEvent& event) {
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, events_.next(event));
      if (!more || (event.at >= part_.to && part_.to != VirtualTime::never())) {
        return false;
      }
      if (event.kind != EventKind::kEnd || event.reason != EndReason::kTrimmed) {
        return true;
      }
    }
  }

 private:
  GuestCursor& events_;
  const CommonPart& part_;
};

/// The network's events in the common part.
class NetworkPart {
 public:
  /// `events` stands at the first event of the part.
  NetworkPart(NetworkCursor& events, const CommonPart& part) : events_(events), part_(part) {}
  [[nodiscard]] Result<bool> next(NetworkEvent& event) {
    ASSIGN_OR_RETURN(const bool more, events_.next(event));
    return more && (event.at < part_.to || part_.to == VirtualTime::never());
  }

 private:
  NetworkCursor& events_;
  const CommonPart& part_;
};

}  // namespace reprise
