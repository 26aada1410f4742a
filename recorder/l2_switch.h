// An Ethernet switch with one port a guest, between the guests' NICs and the simulated hosts.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/ids.h"

namespace reprise {

/// Learns stations from source addresses, in the order in which frames are given to it. Looks at nothing behind the two addresses: VLAN
/// tags and every EtherType pass untouched. Stations do not age: ageing would need a time-out that no guest can observe reasonably.
class L2Switch {
 public:
  explicit L2Switch(uint32_t ports) : ports_(ports) {}

  /// Who gets a frame that `sender` sent, in ascending order, never the sender itself. A known unicast address: its port, or nobody when
  /// the station is at the sender's port. Unknown unicast, multicast and broadcast: everybody else. Shorter than its 14-byte
  /// header: nobody, as with a real switch. It stays in its sender's stream, without a verdict of the network's.
  [[nodiscard]] std::vector<GuestIndex> receivers(GuestIndex sender, ByteView frame);

 private:
  using Mac = uint64_t;  ///< the address's six bytes, first one highest

  void learn(Mac station, GuestIndex port);

  uint32_t ports_;
  std::unordered_map<Mac, GuestIndex> port_of_;  ///< only looked up, never walked: its order is the library's
};

}  // namespace reprise
