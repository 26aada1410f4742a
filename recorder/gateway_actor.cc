#include "recorder/gateway_actor.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "recorder/deployment.h"
#include "recorder/near_name.h"
#include "recorder/shown.h"
#include "recorder/xml_file.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
/// Each is a listening socket.
constexpr size_t kMostForwards = 64;

Error wrong(std::string what) {
  return Error{ErrorKind::kUsage, std::move(what)};
}

/// One or more, with blanks or commas between.
Status set_forwards(GatewayPlan& gateway, const std::string& value) {
  constexpr const char* kSeparators = " ,";
  for (size_t begin = value.find_first_not_of(kSeparators); begin != std::string::npos;) {
    const size_t end = std::min(value.find_first_of(kSeparators, begin), value.size());
    Result<PortForward> forward = parse_port_forward(std::string_view(value).substr(begin, end - begin));
    if (!forward.ok()) {
      return wrong("forward: " + shown(forward.error().message));
    }
    gateway.forwards.push_back(std::move(forward).value());
    begin = value.find_first_not_of(kSeparators, end);
  }
  if (gateway.forwards.empty() || gateway.forwards.size() > kMostForwards) {
    return wrong(
        fmt::format("forward: {} of them; want 1 to {}, as in 127.0.0.1:2222-172.16.0.10:22", gateway.forwards.size(), kMostForwards));
  }
  return {};
}

Status set_socket(GatewayPlan& gateway, const std::string& value, const PropertyFolders& folders) {
  const bool printable = std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (value.empty() || !printable || value.find("${") != std::string::npos) {
    return wrong(fmt::format("socket '{}': want the path of a Unix socket at which a program listens", shown(value)));
  }
  gateway.socket = fs::absolute(folders.deployment / value).lexically_normal().string();
  return {};
}

}  // namespace

Status set_gateway_property(GatewayPlan& gateway, GuestMachine& machine, std::string_view id, const std::string& value,
                            const PropertyFolders& folders) {
  if (id == "name" || id == "address" || id == "mac") {
    return set_guest_property(machine, id, value, folders);
  }
  if (id == "forward") {
    return set_forwards(gateway, value);
  }
  if (id == "socket") {
    return set_socket(gateway, value, folders);
  }
  return wrong(fmt::format("property '{}'{} is none of a gateway; known are name, address, forward, socket, mac", shown(id),
                           near_name_hint(id, {"name", "address", "forward", "socket", "mac"})));
}

Status check_gateway(GatewayPlan& gateway, GuestMachine& machine) {
  if (!gateway.socket.empty()) {
    return gateway.forwards.empty() ? Status{} : wrong("a gateway with a 'socket' leaves all to the program there; remove 'forward'");
  }
  if (machine.address.empty()) {
    return wrong("a gateway needs <prop id=\"address\" value=\"172.16.0.1/24\"/>, say: its own on the management network");
  }
  const std::string mac = gateway_mac(machine.address);
  if (!machine.mac.empty() && machine.mac != mac) {
    return wrong(fmt::format("the MAC address of a gateway follows from its address and is {}; remove 'mac'", mac));
  }
  machine.mac = mac;
  for (const PortForward& forward : gateway.forwards) {
    if (!is_in_network(forward.to.address, machine.address)) {
      return wrong(fmt::format("forward '{}': {} is not in the gateway's network {}", port_forward_text(forward), forward.to.address,
                               machine.address));
    }
  }
  return {};
}

Status check_exposure(const Deployment& deployment) {
  for (const DeployedGuest& guest : deployment.guests) {
    if (!guest.gateway.has_value()) {
      continue;
    }
    for (const PortForward& forward : guest.gateway->forwards) {
      if (!is_loopback(forward.host_address)) {
        const bool everywhere = forward.host_address == "0.0.0.0";
        return error_at(deployment.path.string(), guest.line,
                        fmt::format("forward '{}': whoever reaches {} would reach the guest; want an address of this machine alone, as in "
                                    "127.0.0.1:{}, or say 'record --expose-gateway' if it is meant so",
                                    port_forward_text(forward), everywhere ? "this machine" : forward.host_address, forward.host_port));
      }
    }
  }
  return {};
}

}  // namespace reprise
