// When frames leave their NICs: one after another, at the link's rate.
#pragma once

#include <cstdint>
#include <set>

#include "trace_format/ids.h"

namespace reprise {

/// The instants at which frames enter one link. No two frames enter it at the same nanosecond: SimGrid (3.32 to 4.1), with its default
/// optimisation, may leave flows with wrong shares when two enter the same first link at the same instant.
class LinkEntrance {
 public:
  /// Reserves and returns the first free instant at or after `earliest`.
  VirtualTime claim(VirtualTime earliest);
  /// Claims will not be for instants before `past` any more.
  void forget_before(VirtualTime past);

 private:
  std::set<VirtualTime> taken_;
};

/// One guest's NIC.
///
/// Frames of a burst go one by one, as on a wire. Rejected: handing SimGrid all of them at once, which lets ten frames share the link as
/// ten flows, so that the first arrives when the last does; and Link::set_concurrency_limit(1), whose results depend on SimGrid's
/// optimisation.
class NicQueue {
 public:
  /// When a frame that is ready at `ready` begins to enter `link`, given that it occupies it for `serialisation_ps`. Later than every
  /// instant returned before. `ready` never decreases.
  VirtualTime enqueue(VirtualTime ready, int64_t serialisation_ps, LinkEntrance& link);

 private:
  int64_t free_ps_ = 0;  ///< the wire is free from here on; in picoseconds, so that rounding does not add up
  VirtualTime last_start_{-1};
};

}  // namespace reprise
