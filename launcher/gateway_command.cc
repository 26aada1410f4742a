#include "launcher/gateway_command.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace reprise {
namespace {

Error wrong(std::string what) {
  return Error{ErrorKind::kUsage, std::move(what)};
}

/// In host order; 0 when it is none.
uint32_t ipv4_of(std::string_view cidr) {
  in_addr address{};
  const std::string text(cidr.substr(0, cidr.find('/')));
  return inet_pton(AF_INET, text.c_str(), &address) == 1 ? ntohl(address.s_addr) : 0;
}

Result<GuestPort> parse_address_and_port(std::string_view text) {
  const size_t colon = text.find(':');
  GuestPort to;
  if (colon != std::string_view::npos) {
    in_addr ignored{};
    to.address = text.substr(0, colon);
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data() + colon + 1, end, to.port);
    if (problem == std::errc{} && stop == end && to.port != 0 && inet_pton(AF_INET, to.address.c_str(), &ignored) == 1) {
      return to;
    }
  }
  return wrong(fmt::format("'{}' is not an IPv4 address and a port, as in 172.16.0.10:22", text));
}

Status set_option(GatewayPlan& plan, std::string_view name, const std::string& value) {
  if (name == "-name") {
    plan.name = value;
  } else if (name == "-address") {
    plan.address = value;
  } else if (name == "-mac") {
    plan.mac = value;
  } else if (name == "-socket") {
    plan.socket = value;
  } else if (name == "-forward") {
    ASSIGN_OR_RETURN(PortForward forward, parse_port_forward(value));
    plan.forwards.push_back(std::move(forward));
  } else {
    return wrong(fmt::format("unknown option '{}' of a gateway", name));
  }
  return {};
}

}  // namespace

std::vector<std::string> gateway_arguments(const GatewayPlan& plan) {
  std::vector<std::string> arguments = {"-name", plan.name, "-address", plan.address, "-mac", plan.mac};
  for (const PortForward& forward : plan.forwards) {
    arguments.insert(arguments.end(), {"-forward", port_forward_text(forward)});
  }
  if (!plan.socket.empty()) {
    arguments.insert(arguments.end(), {"-socket", plan.socket});
  }
  return arguments;
}

Result<GatewayPlan> parse_gateway_arguments(const std::vector<std::string>& arguments) {
  GatewayPlan plan;
  for (size_t at = 0; at < arguments.size(); at += 2) {
    if (at + 1 == arguments.size()) {
      return wrong(fmt::format("option '{}' of a gateway has no value", arguments[at]));
    }
    RETURN_IF_ERROR(set_option(plan, arguments[at], arguments[at + 1]));
  }
  if (plan.name.empty() || plan.mac.size() != std::string_view("52:55:00:00:00:00").size() ||
      (plan.address.empty() && plan.socket.empty())) {
    return wrong("a gateway needs a name, a MAC address, and an address or a socket");
  }
  return plan;
}

Result<GuestPort> parse_guest_port(std::string_view text) {
  ASSIGN_OR_RETURN(GuestPort to, parse_address_and_port(text));
  if (ipv4_of(to.address) == 0) {
    return wrong(fmt::format("'{}': 0.0.0.0 is no guest's address; want one such as 172.16.0.10:22", text));
  }
  return to;
}

Result<PortForward> parse_port_forward(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    return wrong(fmt::format("'{}': want HOST-ADDRESS:PORT-GUEST-ADDRESS:PORT, as in 127.0.0.1:2222-172.16.0.10:22", text));
  }
  // 0.0.0.0 is no guest's, but a host listens there on all its addresses.
  ASSIGN_OR_RETURN(const GuestPort host, parse_address_and_port(text.substr(0, dash)));
  ASSIGN_OR_RETURN(GuestPort guest, parse_guest_port(text.substr(dash + 1)));
  return PortForward{.host_address = host.address, .host_port = host.port, .to = std::move(guest)};
}

std::string port_forward_text(const PortForward& forward) {
  return fmt::format("{}:{}-{}:{}", forward.host_address, forward.host_port, forward.to.address, forward.to.port);
}

std::string gateway_socket_name(const std::string& gateway) {
  return gateway + ".gateway";
}

bool is_loopback(const std::string& ipv4) {
  constexpr uint32_t kLoopbackNetwork = 127;
  return ipv4_of(ipv4) >> 24U == kLoopbackNetwork;
}

std::string gateway_mac(const std::string& cidr) {
  const uint32_t address = ipv4_of(cidr);
  return fmt::format("52:55:{:02x}:{:02x}:{:02x}:{:02x}", address >> 24U, address >> 16U & 0xff, address >> 8U & 0xff, address & 0xff);
}

bool is_in_network(const std::string& address, const std::string& cidr) {
  const size_t slash = cidr.find('/');
  uint32_t prefix = 0;
  if (slash == std::string::npos || std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), prefix).ec != std::errc{} ||
      prefix < 1 || prefix > 32) {
    return false;
  }
  const uint32_t mask = ~uint32_t{0} << (32 - prefix);
  return ipv4_of(address) != 0 && (ipv4_of(address) & mask) == (ipv4_of(cidr) & mask);
}

}  // namespace reprise
