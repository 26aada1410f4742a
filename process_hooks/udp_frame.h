// A process's messages as they travel: UDP over IPv4 over Ethernet, so that switch, dump and guests understand them. No state.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/status.h"

namespace reprise {

using MacAddress = std::array<uint8_t, 6>;
inline constexpr MacAddress kBroadcastMac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/// An IPv4 address as a number: 10.0.0.1 is 0x0a000001.
struct Ipv4Address {
  uint32_t value = 0;
  auto operator<=>(const Ipv4Address&) const = default;
};
inline constexpr Ipv4Address kBroadcastAddress{0xffffffff};

struct UdpEndpoint {
  Ipv4Address address;
  uint16_t port = 0;
};

struct Datagram {
  UdpEndpoint from;
  UdpEndpoint to;
  std::vector<uint8_t> payload;
};

/// kUsage when `text` is none.
[[nodiscard]] Result<MacAddress> parse_mac(const std::string& text);
/// "10.0.0.1"; kUsage when `text` is none.
[[nodiscard]] Result<Ipv4Address> parse_ipv4(const std::string& text);

/// The frame that carries `datagram`, whose payload has at most 65,493 bytes. `identification` is the IP header's.
[[nodiscard]] std::vector<uint8_t> udp_frame(const MacAddress& from, const MacAddress& to, const Datagram& datagram,
                                             uint16_t identification);

/// The datagram in any `frame`, if there is a whole one, not a fragment. Checksums are not looked at: the network alters nothing.
[[nodiscard]] std::optional<Datagram> datagram_in(ByteView frame);

/// The answer to `frame` if it is an ARP request for `address`, which is at `mac`.
[[nodiscard]] std::optional<std::vector<uint8_t>> arp_answer(ByteView frame, Ipv4Address address, const MacAddress& mac);

}  // namespace reprise
