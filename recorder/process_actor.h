// A native process in deployment.xml: TANSIV's <actor function="vsg_vm"> with its <argument>s, and the <prop>s that we add to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launcher/guest_machine.h"
#include "launcher/process_command.h"
#include "recorder/guest_properties.h"
#include "trace_format/status.h"

namespace reprise {

inline constexpr std::string_view kProcessFunction = "vsg_vm";

/// Sets what the <argument>s say: the address (with or without a prefix length), the program, its arguments from argv[2] on. A relative
/// program is looked for in the deployment's folder, then in the current one, as TANSIV does. The error's message has no place in it.
[[nodiscard]] Status set_process_arguments(NativeProcess& process, GuestMachine& machine, std::vector<std::string> arguments,
                                           const PropertyFolders& folders);

/// Sets what <prop id="`id`" value="`value`"/> says: name, mac or call-cost. As set_guest_property.
[[nodiscard]] Status set_process_property(NativeProcess& process, GuestMachine& machine, std::string_view id, const std::string& value,
                                          const PropertyFolders& folders);

}  // namespace reprise
