// A gateway in deployment.xml: <actor function="gateway">, an endpoint that joins the simulated network to the host.
#pragma once

#include <string>
#include <string_view>

#include "launcher/gateway_command.h"
#include "launcher/guest_machine.h"
#include "recorder/guest_properties.h"
#include "trace_format/status.h"

namespace reprise {

struct Deployment;

inline constexpr std::string_view kGatewayFunction = "gateway";

/// Sets what <prop id="`id`" value="`value`"/> says: name, address, mac, forward or socket. As set_guest_property.
[[nodiscard]] Status set_gateway_property(GatewayPlan& gateway, GuestMachine& machine, std::string_view id, const std::string& value,
                                          const PropertyFolders& folders);

/// Whether the properties go together; sets a MAC address that follows from the others. The error's message has no place in it.
[[nodiscard]] Status check_gateway(GatewayPlan& gateway, GuestMachine& machine);

/// kUsage with FILE:LINE for a gateway that others than this machine's own users could reach.
[[nodiscard]] Status check_exposure(const Deployment& deployment);

}  // namespace reprise
