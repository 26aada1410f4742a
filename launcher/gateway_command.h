// The one place that composes the command line of a gateway: what a trace records of how it was joined to the host. It is never run from a
// trace.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trace_format/status.h"

namespace reprise {

/// Where a TCP connection goes to.
struct GuestPort {
  std::string address;  ///< IPv4
  uint16_t port = 0;
  bool operator==(const GuestPort&) const = default;
};

/// Whoever connects to the host's address reaches the guest's.
struct PortForward {
  std::string host_address;  ///< IPv4
  uint16_t host_port = 0;
  GuestPort to;
  bool operator==(const PortForward&) const = default;
};

/// All that a gateway has to know.
struct GatewayPlan {
  std::string name;     ///< of the endpoint
  std::string address;  ///< IPv4 CIDR of the gateway on the management network; with `socket` it may be empty
  std::string mac;      ///< "52:55:ac:10:00:01"
  std::vector<PortForward> forwards;
  std::string socket;  ///< absolute path of a Unix socket that takes and gives frames; empty: a TCP/IP stack of our own
};

/// The gateway's arguments. This is what a trace records.
[[nodiscard]] std::vector<std::string> gateway_arguments(const GatewayPlan& plan);

/// The reverse. kUsage with the argument that is not understood.
[[nodiscard]] Result<GatewayPlan> parse_gateway_arguments(const std::vector<std::string>& arguments);

/// "172.16.0.10:22". kUsage when it is not an IPv4 address, other than 0.0.0.0, and a port from 1 to 65,535.
[[nodiscard]] Result<GuestPort> parse_guest_port(std::string_view text);
/// "127.0.0.1:2222-172.16.0.10:22"; the host's address may be 0.0.0.0, all that it has. kUsage.
[[nodiscard]] Result<PortForward> parse_port_forward(std::string_view text);
[[nodiscard]] std::string port_forward_text(const PortForward& forward);

/// "mantap.gateway": the socket in the run's folder where programs ask the gateway for connections.
[[nodiscard]] std::string gateway_socket_name(const std::string& gateway);

/// True for 127.0.0.0/8: only this machine reaches it.
[[nodiscard]] bool is_loopback(const std::string& ipv4);
/// The MAC address that libslirp gives a gateway of this CIDR: 52:55 and the address.
[[nodiscard]] std::string gateway_mac(const std::string& cidr);
/// Whether an IPv4 address (CIDR or plain) is in the network of the gateway's CIDR.
[[nodiscard]] bool is_in_network(const std::string& address, const std::string& cidr);

}  // namespace reprise
