#include "recorder/l2_switch.h"

#include "trace_format/status.h"

namespace reprise {
namespace {

constexpr size_t kMacBytes = 6;
constexpr size_t kHeaderBytes = 14;
/// A guest that invents source addresses must not fill our memory; a real switch's table is no larger.
constexpr size_t kMaxStations = 65536;

uint64_t mac_at(ByteView frame, size_t offset) {
  uint64_t mac = 0;
  for (size_t i = 0; i < kMacBytes; ++i) {
    mac = mac << 8 | frame[offset + i];
  }
  return mac;
}

/// Multicast and broadcast: the lowest bit of the first byte.
bool is_group(uint64_t mac) {
  return (mac >> 40 & 1) != 0;
}

}  // namespace

void L2Switch::learn(Mac station, GuestIndex port) {
  if (is_group(station)) {
    return;  // not a station: forwarding to it must go on flooding
  }
  if (const auto known = port_of_.find(station); known != port_of_.end()) {
    known->second = port;
  } else if (port_of_.size() < kMaxStations) {
    port_of_.emplace(station, port);
  }
}

std::vector<GuestIndex> L2Switch::receivers(GuestIndex sender, ByteView frame) {
  CHECK(sender.value < ports_);
  if (frame.size() < kHeaderBytes) {
    return {};
  }
  learn(mac_at(frame, kMacBytes), sender);
  const Mac destination = mac_at(frame, 0);
  if (const auto station = port_of_.find(destination); station != port_of_.end()) {
    return station->second == sender ? std::vector<GuestIndex>{} : std::vector<GuestIndex>{station->second};
  }
  std::vector<GuestIndex> all;
  for (uint32_t port = 0; port < ports_; ++port) {
    if (port != sender.value) {
      all.push_back({port});
    }
  }
  return all;
}

}  // namespace reprise
